"""SimCC read by numpy: what train/codecs/simcc.py and nets/peaks.py do by PyTorch, and a test holds them equal."""

import numpy as np
from numpy.typing import NDArray

from thermark.landmarker.result import Floats

SPLIT = 2  # bins a pixel of the input
NOISE = 1e-5  # of the largest magnitude: bins that differ by less are equally high


def decode(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return points (N, K, 2) in pixels of the input, and scores (N, K), of logits (N, K, 2 W) and (N, K, 2 H).

    A score is the smaller of the two highest logits; where it is not finite, point and score are NaN.
    """
    best_x, column = highest(x)
    best_y, row = highest(y)
    score = np.minimum(best_x, best_y)
    score = np.where(np.isfinite(score), score, np.float32(np.nan))
    xy = np.stack([column, row], axis=-1).astype(np.float32) / np.float32(SPLIT)
    return np.where(np.isnan(score)[..., None], np.float32(np.nan), xy), score


def highest(values: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return the highest of values (..., L), (...,), and the first place (...,) that is as high up to noise."""
    top, low = values.max(axis=-1), values.min(axis=-1)
    reach = np.nan_to_num(np.abs(low), nan=0.0, posinf=0.0)
    with np.errstate(invalid="ignore"):
        noise = np.float32(NOISE) * np.maximum(np.abs(top), reach)
        return top, (values >= (top - noise)[..., None]).argmax(axis=-1)


def unflipped(x: Floats, y: Floats, partner: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the logits of mirrored images as if they had not been mirrored; `partner` (K,) exchanges points.

    Mirroring moves bin i to SPLIT x (width - 1) - i: a reversal, and a shift of SPLIT - 1 bins.
    """
    turned = x[:, partner, ::-1]
    shifted = np.concatenate([turned[..., SPLIT - 1 :], np.repeat(turned[..., -1:], SPLIT - 1, axis=-1)], axis=-1)
    return shifted, y[:, partner]
