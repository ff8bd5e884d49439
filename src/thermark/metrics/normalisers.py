"""What errors are divided by: the distance of the eyes, and sizes of the tight box of the labels."""

import numpy as np
from numpy.typing import NDArray

from thermark.core.geometry import bounding_box, box_size
from thermark.landmarks import Vocabulary
from thermark.metrics.distances import Floats


def interocular(xy: NDArray[np.floating], vocabulary: Vocabulary) -> Floats:
    """Return the distance between the outer eye corners of faces (N, K, 2), (N,) in source px.

    NaN where a corner is unlabelled, where both coincide, and for a vocabulary that has no eyes.
    """
    if vocabulary.interocular is None:
        return np.full(len(xy), np.nan)
    right, left = (xy[:, index].astype(np.float64) for index in vocabulary.interocular)
    return positive(np.hypot(*(left - right).T))


def box_normalisers(xy: NDArray[np.floating]) -> dict[str, Floats]:
    """Return sizes of the tight box round the labelled points of faces (N, K, 2), each (N,) in source px.

    Points are those of the vocabulary that is scored: the box of labels that were translated is that of the
    translation, and no publisher's box. `diag` is its diagonal (MLCM-KD), `mean_wh` the mean of width and height
    (T-FAKE), `sqrt_wh` the side of the square of equal area. NaN where that is zero or nothing is labelled.
    """
    width, height = box_size(bounding_box(xy).astype(np.float64)).T
    return {
        "diag": positive(np.hypot(width, height)),
        "mean_wh": positive((width + height) / 2),
        "sqrt_wh": positive(np.sqrt(width * height)),
    }


def positive(normaliser: Floats) -> Floats:
    """Return `normaliser` with NaN wherever nothing can be divided by it."""
    usable = np.isfinite(normaliser) & (normaliser > 0)
    return np.where(usable, normaliser, np.nan)
