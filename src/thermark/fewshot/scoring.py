"""How far points are from their labels, in pixels of the crop and in pixels of the frame, never mixed."""

import numpy as np
from numpy.typing import NDArray

from thermark.core.point_errors import Floats as Floats
from thermark.core.point_errors import lower_median_of_finite, summary
from thermark.train.codecs.heatmap import to_crop, to_map

Numbers = dict[str, float]


def numbers(gap: Floats, to_frame: Floats, labelled: NDArray[np.bool_] | None = None) -> Numbers:
    """Return `crops`, `missed`, and mean, median and PCK of both spaces: `crop_mean`, `native_pck@10`, ...

    `gap` (n, K, 2) is prediction minus label in crop px, NaN = no prediction; `labelled` (n, K) marks where there
    is a label, by default everywhere. `to_frame` (n, 2, 3) maps crop px to frame px, and may stretch them. `crops`
    are those with a label. PCK is a fraction of all labelled points, a miss fails; mean and median are over those
    that were answered, and `missed` counts the others. What is over nothing is absent.
    """
    valid = np.ones(gap.shape[:2], bool) if labelled is None else labelled
    native = in_frame(gap, to_frame)
    answered = np.isfinite(gap).all(axis=-1)
    result: Numbers = {"crops": int(valid.any(axis=1).sum()), "missed": int((valid & ~answered).sum())}
    for space, distances in (("crop", gap), ("native", native)):
        errors = np.where(answered, np.hypot(distances[..., 0], distances[..., 1]), np.inf)[valid]
        result |= {f"{space}_{name}": value for name, value in summary(errors, lower_median_of_finite).items()}
    return result


def in_frame(gap: Floats, to_frame: Floats) -> Floats:
    """Return differences (n, K, 2) in crop px as those in frame px; `to_frame` (n, 2, 3) may stretch them."""
    native: Floats = np.einsum("nij,nkj->nki", to_frame[:, :, :2], gap)
    return native


def quantisation(xy: Floats, side: int, size: int, to_frame: Floats) -> Numbers:
    """Return the numbers of perfect heat maps that are decoded by argmax: what rounding alone costs.

    `xy` (n, K, 2) are true points in pixels of crops of `side` px, NaN = unlabelled; maps have `size` px.
    """
    # Of two pixels that are equally high, argmax takes the first.
    pixel = np.clip(np.ceil(to_map(xy, side, size) - 0.5), 0, size - 1)
    labelled = np.asarray(np.isfinite(xy).all(axis=-1))
    return numbers(to_crop(pixel, side, size) - xy, to_frame, labelled)
