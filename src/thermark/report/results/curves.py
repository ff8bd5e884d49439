"""Cumulative error distributions (CED) of a data set, from the error of every face: those of all figures."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thermark.metrics.auc import ced
from thermark.metrics.bootstrap import interval
from thermark.metrics.registry import MAIN, parse_name
from thermark.report.results.face_errors import Errors
from thermark.report.results.record import ResultSet

SAMPLES = 101
SEED = 0


@dataclass(frozen=True)
class Curve:
    """The part of all faces, of all seeds, with at most each `error`; a missed face never is.

    All (M,): `error` in the unit of the metric that ranks; `low` and `high` bound the 95 % interval of each
    `fraction` by itself, NaN without one.
    """

    error: NDArray[np.float64]
    fraction: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def curve(errors: Errors, limit: float, samples: int = SAMPLES, replicates: int = 0) -> Curve:
    """Return the distribution from 0 to `limit`; whole subjects are resampled for its band, 0 `replicates`: none.

    Up to the error that a miss counts as, the area above it is the mean error over all faces.
    """
    seeds = np.atleast_2d(errors["per_seed"]).astype(np.float64)
    grid, fraction = ced(seeds.ravel(), limit, samples)
    bounds = np.full((samples, 2), np.nan)
    # The plain bootstrap: a band of intervals as rates are printed with would jump at 0 and 100 %.
    for place, error in enumerate(grid if replicates else ()):
        hits = np.where(np.isnan(seeds), np.nan, seeds <= error)
        ends = interval(hits, errors["subjects"], replicates, SEED, within=(0.0, 1.0))
        bounds[place] = ends or (np.nan, np.nan)
    return Curve(grid, fraction, bounds[:, 0], bounds[:, 1])


def auc_limit(results: ResultSet) -> float | None:
    """Return up to which error the area under the distribution is measured, None where it is not."""
    key = f"auc@{MAIN[results.protocol.main]}"
    names = [parse_name(name) for record in results.records for name in record.metrics]
    return next((limit for name, limit in names if name == key), None)
