"""Cumulative error distribution (CED) of faces, its area and failure rate; a miss is an infinite error."""

import numpy as np

from thermark.metrics.distances import Floats


def ced(face_errors: Floats, limit: float, samples: int = 101) -> tuple[Floats, Floats]:
    """Return errors (samples,) from 0 to `limit` and the fraction of faces (samples,) at or below each.

    NaN errors (faces that cannot be scored) do not count, infinite ones (misses) are never reached.
    """
    scored = np.sort(face_errors[~np.isnan(face_errors)])
    grid = np.linspace(0.0, limit, samples)
    reached = np.searchsorted(scored, grid, side="right")
    return grid, reached / max(len(scored), 1)


def auc(face_errors: Floats, limit: float) -> float:
    """Return the area under the CED from 0 to `limit`, divided by `limit`: 1 is perfect, NaN without faces.

    The CED is a step function, whose integral is exactly the mean of max(0, limit - error).
    """
    scored = face_errors[~np.isnan(face_errors)]
    if not len(scored):
        return float("nan")
    return float((np.maximum(limit - scored, 0.0) / limit).mean())


def failure_rate(face_errors: Floats, limit: float) -> float:
    """Return the fraction of faces whose error exceeds `limit` or that were missed; NaN without faces."""
    scored = face_errors[~np.isnan(face_errors)]
    return float((scored > limit).mean()) if len(scored) else float("nan")
