"""The one pixel convention: integer coordinates are pixel centres.

A pixel (i, j) covers [i - 0.5, i + 0.5] x [j - 0.5, j + 0.5]. Boxes are (x1, y1, x2, y2) in the same
coordinates. Affine maps are float64 (2, 3) matrices that act on column vectors (x, y, 1).
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def resized(xy: NDArray[np.floating], scale: float | Array) -> NDArray[np.floating]:
    """Move points (..., 2) into an image resized by `scale` (a number or (sx, sy))."""
    moved: NDArray[np.floating] = (xy + 0.5) * scale - 0.5
    return moved


def bounding_box(xy: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the tight box (..., 4) of points (..., K, 2); NaN points do not count, no point gives NaN."""
    empty = np.isnan(xy).all(axis=(-2, -1))
    filled = np.where(np.isnan(xy), np.inf, xy)
    low = filled.min(axis=-2)
    high = np.where(np.isnan(xy), -np.inf, xy).max(axis=-2)
    box = np.concatenate([low, high], axis=-1).astype(np.float32)
    box[empty] = np.nan
    return box


def box_size(boxes: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return (width, height), shape (..., 2), of boxes (..., 4)."""
    return boxes[..., 2:] - boxes[..., :2]


def crop_to_source(box: NDArray[np.floating], size: int, padding: float) -> Array:
    """Return the (2, 3) map from a square crop of `size` pixels to source pixels.

    The crop is centred on `box` (4,) and shows `padding` times its longer side. Raises ValueError
    for a box without area.
    """
    width, height = box_size(np.asarray(box, np.float64))
    side = padding * max(width, height)
    if not (np.isfinite(side) and side > 0):
        raise ValueError(f"box {np.asarray(box).tolist()} has no area")
    scale = side / size
    centre = (np.asarray(box, np.float64)[:2] + np.asarray(box, np.float64)[2:]) / 2
    corner = centre - side / 2  # outline of the crop in source coordinates
    offset = corner + 0.5 * scale  # centre of its first pixel
    return np.array([[scale, 0.0, offset[0]], [0.0, scale, offset[1]]])


def input_to_crop(size: int, padding: float, crop_size: int, crop_padding: float) -> Array:
    """Return the (2, 3) map from the pixels of a network input to those of a packed crop of the same prompt.

    Both are square and centred on the prompt, of which they show `padding` and `crop_padding` times the side.
    """
    side = crop_size * padding / crop_padding
    low, high = (crop_size - 1 - side) / 2, (crop_size - 1 + side) / 2
    return crop_to_source(np.array([low, low, high, high]), size, padding=1.0)


def apply(matrix: NDArray[np.floating], xy: NDArray[np.floating]) -> NDArray[np.floating]:
    """Map points (..., K, 2) by matrices (..., 2, 3)."""
    return xy @ np.swapaxes(matrix[..., :2], -1, -2) + matrix[..., None, :, 2]


def invert(matrix: NDArray[np.floating]) -> Array:
    """Return the inverse of maps (..., 2, 3)."""
    linear = np.linalg.inv(np.asarray(matrix[..., :2], np.float64))
    shift = -(linear @ matrix[..., 2:])
    return np.concatenate([linear, shift], axis=-1)


def compose(outer: NDArray[np.floating], inner: NDArray[np.floating]) -> Array:
    """Return the map that applies `inner` first and `outer` next, both (2, 3)."""
    linear = np.asarray(outer[:, :2], np.float64) @ inner[:, :2]
    shift = outer[:, :2] @ inner[:, 2] + outer[:, 2]
    return np.concatenate([linear, shift[:, None]], axis=1)


def rotation_about(centre: tuple[float, float], degrees: float, scale: float = 1.0) -> Array:
    """Return the (2, 3) map that rotates by `degrees` from x to y and scales, with `centre` fixed."""
    angle = np.deg2rad(degrees)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre_xy = np.asarray(centre, np.float64)
    return np.concatenate([linear, (centre_xy - linear @ centre_xy)[:, None]], axis=1)


def warp(image: NDArray[Any], target_to_source: Array, size: int, border: float = 0) -> NDArray[Any]:
    """Sample a (size, size) image from `image` (H, W[, C]) through the map of target to source pixels.

    Strong reduction is preceded by area averaging, since bilinear sampling alone would alias.
    """
    step = float(np.sqrt(abs(np.linalg.det(target_to_source[:, :2]))))
    reduction = int(step)
    if reduction >= 2:
        height, width = image.shape[0] // reduction, image.shape[1] // reduction
        if height and width:
            image = cv2.resize(
                image[: height * reduction, : width * reduction],
                (width, height),
                interpolation=cv2.INTER_AREA,
            )
            shrink = np.array([[1, 0, 0.5], [0, 1, 0.5]]) / reduction - np.array([[0, 0, 0.5], [0, 0, 0.5]])
            target_to_source = compose(shrink, target_to_source)
    return cv2.warpAffine(
        image,
        target_to_source,
        (size, size),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=border,
    )
