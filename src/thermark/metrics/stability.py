"""How steadily a network trains: the gradient norm before clipping, step by step (MLCM-KD, Table V)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from thermark.core.errors import DataError
from thermark.metrics.distances import Floats

FEWEST = 3  # two norms always lie on a line


def windowed(steps: NDArray[np.integer], norms: Floats, start: int, stop: int) -> Floats:
    """Return the norms (M,) of the steps in [start, stop), of those (N,) that were logged.

    Steps count from 1. Raises DataError where a logged step is missing, repeated or out of order.
    """
    if (np.diff(steps) != 1).any():
        raise DataError("the steps of a gradient log do not follow each other", "train the run again")
    return norms[(steps >= start) & (steps < stop)]


def stability(norms: Floats) -> dict[str, float]:
    """Return the numbers of one training's gradient norms (N,), one a step, all of them of consecutive steps.

    `mean`; `std` about it with ddof 0, since the window is described and no sample of anything; `cv`, std / mean;
    `mean_step_change`, the mean of |g[i + 1] - g[i]|; `r2`, the part of the variance that the least-squares line
    norm ~ step explains. Raises DataError for fewer than three norms, for one that is not finite or negative, and
    where all are equal, which no training does before clipping.
    """
    norms = np.asarray(norms, np.float64)
    if len(norms) < FEWEST:
        raise DataError(f"{len(norms)} gradient norms say nothing about stability", "log at least three steps")
    if not np.isfinite(norms).all() or (norms < 0).any():
        bad = int(np.flatnonzero(~(np.isfinite(norms) & (norms >= 0)))[0])
        raise DataError(f"gradient norm {bad + 1} of the window is {norms[bad]}", "lower the learning rate")
    # Against rounding: the std of equal numbers is seldom exactly zero.
    if np.ptp(norms) <= 1e-12 * norms.max():
        raise DataError("all gradient norms are equal", "log the norm before it is clipped")
    mean, std = norms.mean(), norms.std()
    numbers = {
        "mean": mean,
        "std": std,
        "cv": std / mean,
        "mean_step_change": np.abs(np.diff(norms)).mean(),
        "r2": np.corrcoef(np.arange(len(norms)), norms)[0, 1] ** 2,
    }
    return {name: float(number) for name, number in numbers.items()}


def over_seeds(trainings: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return each number's mean over trainings, and with several its std (ddof 1) as `<number>_seed_std`."""
    columns = {name: [numbers[name] for numbers in trainings] for name in trainings[0]}
    means = {name: float(np.mean(column)) for name, column in columns.items()}
    if len(trainings) < 2:
        return means
    return means | {f"{name}_seed_std": float(np.std(column, ddof=1)) for name, column in columns.items()}
