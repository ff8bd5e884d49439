"""Cumulative error distribution (CED) of faces, its area and failure rate; a miss is an infinite error."""

import numpy as np

from thermark.metrics.distances import Floats


def ced(face_errors: Floats, limit: float, samples: int = 101) -> tuple[Floats, Floats]:
    """Return errors (samples,) from 0 to `limit` and the fraction of faces (samples,) at or below each.

    NaN errors (faces that cannot be scored) do not count, infinite ones (misses) are never reached.
    """
    known = np.sort(face_errors[~np.isnan(face_errors)])
    grid = np.linspace(0.0, limit, samples)
    reached = np.searchsorted(known, grid, side="right")
    return grid, reached / max(len(known), 1)


def auc(face_errors: Floats, limit: float) -> float:
    """Return the area under the CED from 0 to `limit`, divided by `limit`: 1 is perfect, NaN without faces.

    The CED is a step function, whose integral is exactly the mean of max(0, limit - error).
    """
    known = face_errors[~np.isnan(face_errors)]
    if not len(known):
        return float("nan")
    return float((np.maximum(limit - known, 0.0) / limit).mean())


def failure_rate(face_errors: Floats, limit: float) -> float:
    """Return the fraction of faces whose error exceeds `limit` or that were missed; NaN without faces."""
    known = face_errors[~np.isnan(face_errors)]
    return float((known > limit).mean()) if len(known) else float("nan")
