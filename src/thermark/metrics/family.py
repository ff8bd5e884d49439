"""Comparisons that are read together: p adjusted by Holm within a family that was declared beforehand."""

import numpy as np

from thermark.metrics.distances import Floats

Pair = tuple[str, str]


def holm(p: Floats) -> Floats:
    """Return Holm's adjusted p (M,) of raw ones (M,), in their order and at most 1.

    To call those at most 0.05 different is wrong anywhere in the family in at most 5 % of studies, however the
    comparisons depend on each other. NaN, a comparison that could not be made, stays NaN and does not count.
    """
    p = np.asarray(p, np.float64)
    finite = np.flatnonzero(np.isfinite(p))
    order = finite[np.argsort(p[finite], kind="stable")]
    adjusted = np.full(len(p), np.nan)
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
