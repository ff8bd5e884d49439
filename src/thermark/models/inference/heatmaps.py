"""From boxes to network inputs and from heat maps back, without bias: pixels are points, not squares.

Huang et al., "The Devil is in the Details: Delving into Unbiased Data Processing for Human Pose Estimation"
(UDP).
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from thermark.core.geometry import Array

Image = NDArray[np.uint8]
Size = tuple[int, int]

PADDING = 1.25


def input_to_frame(boxes: NDArray[np.floating], size: Size, padding: float = PADDING) -> Array:
    """Return the maps (P, 2, 3) from pixels of an input of `size` (height, width) to pixels of the frame.

    An input is centred on its box (P, 4), shows `padding` times the box, and more of one side to keep the aspect
    of `size`. A whole frame of W x H pixels counts W - 1 by H - 1, as in the published code: from the centre of
    its first pixel to that of its last. A box that is NaN or not larger than a pixel gives a map of NaN.
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    boxes = np.where(np.isfinite(boxes).all(axis=1, keepdims=True), boxes, np.nan)
    height, width = size
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    # Both sides shrink by the two halves of outer pixels, and one grows until the aspect is right.
    sides = padding * np.maximum(boxes[:, 2:] - boxes[:, :2] - 1, 0)
    sides[:, 0] = np.maximum(sides[:, 0], sides[:, 1] * width / height)
    sides[:, 1] = sides[:, 0] * height / width
    maps = np.zeros((len(boxes), 2, 3))
    maps[:, [0, 1], [0, 1]] = sides / (width - 1, height - 1)
    maps[:, :, 2] = centre - sides / 2
    maps[~(sides > 0).all(axis=1)] = np.nan
    return maps


def crop(image: Image, to_frame: Array, size: Size, enlarge: int = cv2.INTER_CUBIC) -> Image:
    """Return the input (height, width, 3) that a map of `input_to_frame` cuts from an image (H, W, 3).

    Black outside. Bilinear where pixels are merged, without averaging as published, else by `enlarge`.
    """
    reduced = max(to_frame[0, 0], to_frame[1, 1]) > 1
    flags = (cv2.INTER_LINEAR if reduced else enlarge) | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, to_frame, size[::-1], flags=flags)  # type: ignore[return-value]


def heatmap_to_input(heatmap: Size, size: Size) -> Array:
    """Return the map (2, 3) from pixels of a heat map to pixels of the input, both (height, width).

    The first and last pixels lie on each other, whatever the stride of the network.
    """
    x, y = (size[1] - 1) / (heatmap[1] - 1), (size[0] - 1) / (heatmap[0] - 1)
    return np.array([[x, 0.0, 0.0], [0.0, y, 0.0]])


def flipped_back(heatmaps: Tensor, partner: Tensor) -> Tensor:
    """Return heat maps (B, K, H, W) of mirror images as those of the images; `partner` (K,) exchanges points."""
    return heatmaps.flip(-1)[:, partner]
