"""One crop out of one frame: the posts' stretched one, or a square around a prompt."""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from thermark.core import geometry
from thermark.heads import posts

Geometry = Literal["posts", "square"]
Pixels = NDArray[np.uint8]


def cut(
    image: Pixels, box: NDArray[np.floating], kind: Geometry, side: int, padding: float
) -> tuple[Pixels, NDArray[np.float64]] | None:
    """Return the crop (side, side[, 3]) of a frame (H, W[, 3]) around a box (4,), and its map (2, 3) to the frame.

    None where the box is NaN, has no area, or leaves nothing of the frame.
    """
    size = (image.shape[1], image.shape[0])
    if not shows(box, size, padding):
        return None
    if kind == "square":
        to_frame = geometry.crop_to_source(box, side, padding)
        return geometry.warp(image, to_frame, side), to_frame
    made = posts.crop(box, size)
    if made is None:
        return None
    x0, y0, x1, y1 = made.box
    pixels: Pixels = cv2.resize(image[y0:y1, x0:x1], (side, side), interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    step = posts.SIDE / side / np.array([made.sx, made.sy])
    return pixels, np.column_stack([np.diag(step), step / 2 + made.box[:2] - posts.OUTLINE])


def shows(box: NDArray[np.floating], size: tuple[int, int], padding: float) -> bool:
    """Return whether a square of `padding` longer sides of a box (4,) holds any of a frame (width, height)."""
    if not (np.isfinite(box).all() and (box[2:] > box[:2]).any()):
        return False
    near, far = np.asarray(box, np.float64).reshape(2, 2)
    centre, half = (near + far) / 2, padding * (far - near).max() / 2
    return bool((centre + half > -0.5).all() and (centre - half < np.array(size) - 0.5).all())
