"""Distances between labelled and predicted points, with misses kept apart from missing labels."""

import numpy as np
from numpy.typing import NDArray

from thermark.core.point_errors import Floats as Floats


def distances(truth: NDArray[np.floating], predicted: NDArray[np.floating]) -> Floats:
    """Return the distance in source px of each point, (..., K) for points (..., K, 2).

    NaN where the point is unlabelled, infinity where it is labelled and nothing finite was predicted.
    """
    labelled = np.isfinite(truth).all(axis=-1)
    answered = np.isfinite(predicted).all(axis=-1)
    gap = np.where((labelled & answered)[..., None], offsets(truth, predicted), 0.0)
    length = np.hypot(gap[..., 0], gap[..., 1])
    return np.where(labelled, np.where(answered, length, np.inf), np.nan)


def offsets(truth: NDArray[np.floating], predicted: NDArray[np.floating]) -> Floats:
    """Return predicted minus labelled in source px, (..., K, 2), NaN where either is not known."""
    defined = np.isfinite(truth) & np.isfinite(predicted)
    gap: Floats = np.subtract(predicted, truth, where=defined, out=np.full(truth.shape, np.nan), dtype=np.float64)
    return gap


def per_face(errors: Floats) -> Floats:
    """Return the mean of errors (N, K) over the labelled points of each face, (N,).

    NaN for a face without a labelled point; infinity for a face of which any labelled point was missed, so
    that leaving out the difficult points never pays.
    """
    labelled = ~np.isnan(errors)
    count = labelled.sum(axis=1)
    total = np.where(labelled, errors, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
