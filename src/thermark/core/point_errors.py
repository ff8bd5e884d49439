"""Mean, median and PCK of errors of points; infinity is a miss, NaN an unlabelled point."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
PCK_LIMITS = (3, 5, 10, 20)  # px


def pck(errors: Floats, limit: float) -> float:
    """Return the percentage of correct points (PCK) as a fraction: labelled points with an error up to `limit`.

    A miss is a failure; NaN if no point is labelled. Errors and limit share one unit: source px, or a fraction of
    a normaliser.
    """
    labelled = ~np.isnan(errors)
    return float((errors[labelled] <= limit).mean()) if labelled.any() else float("nan")


def mean_of_finite(values: NDArray[Any]) -> float:
    """Return the mean of the finite values, NaN when there is none."""
    return _of_finite(values, np.mean)


def median_of_finite(values: NDArray[Any]) -> float:
    """Return the median of the finite values, NaN when there is none."""
    return _of_finite(values, np.median)


def lower_median_of_finite(values: Floats) -> float:
    """Return the middle finite value, the lower of two, as torch does, of an even number; NaN without any."""
    return _of_finite(values, lambda finite: np.sort(finite)[(len(finite) - 1) // 2])


def _of_finite(values: NDArray[Any], statistic: Callable[[NDArray[Any]], np.floating]) -> float:
    finite = values[np.isfinite(values)]
    return float(statistic(finite)) if len(finite) else float("nan")


def summary(errors: Floats, median: Callable[[Floats], float] = median_of_finite) -> dict[str, float]:
    """Return `mean` and `median` of the finite errors (N,) in px, and `pck@3` .. `pck@20` of all.

    What is of nothing is absent.
    """
    numbers = {"mean": mean_of_finite(errors), "median": median(errors)}
    numbers |= {f"pck@{limit}": pck(errors, limit) for limit in PCK_LIMITS}
    return {name: number for name, number in numbers.items() if not np.isnan(number)}
