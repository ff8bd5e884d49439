"""Error distributions with bands, from the error of every face."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thermark.metrics.auc import ced
from thermark.metrics.rates import rate_interval
from thermark.report.results.errors import Errors

SAMPLES = 61
REPLICATES, SEED = 1000, 0  # as in metrics.evaluate.Config


@dataclass(frozen=True)
class Curve:
    """The part of all faces with at most each `error`, mean over seeds; a missed face never is.

    All (M,): `error` in the unit of the metric that ranks; `low` and `high` bound the 95 % interval of each
    `fraction` by itself, NaN without one.
    """

    error: NDArray[np.float64]
    fraction: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def curve(errors: Errors, limit: float, samples: int = SAMPLES, replicates: int = REPLICATES) -> Curve:
    """Return the distribution from 0 to `limit`; whole subjects are resampled for its band, 0 `replicates`: none.

    Up to the error that a miss counts as, the area above it is the mean error over all faces.
    """
    seeds = np.atleast_2d(errors["per_seed"]).astype(np.float64)
    grid = np.linspace(0.0, limit, samples)
    fraction = np.mean([ced(row, limit, samples)[1] for row in seeds], axis=0)
    bounds = np.full((samples, 2), np.nan)
    for place, error in enumerate(grid if replicates else ()):
        hits = np.where(np.isnan(seeds), np.nan, seeds <= error)
        bounds[place] = rate_interval(hits, errors["subjects"], replicates, SEED) or (np.nan, np.nan)
    return Curve(grid, fraction, bounds[:, 0], bounds[:, 1])
