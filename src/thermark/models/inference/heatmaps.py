"""From boxes to network inputs and from heat maps to points, without bias: pixels are points, not squares.

Huang et al., "The Devil is in the Details: Delving into Unbiased Data Processing for Human Pose Estimation"
(UDP), and Zhang et al., "Distribution-Aware Coordinate Representation for Human Pose Estimation" (DARK).
"""

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from thermark.core.geometry import Array
from thermark.nets.peaks import highest

Image = NDArray[np.uint8]
Size = tuple[int, int]

PADDING = 1.25
KERNEL = 11
# What the logarithm is taken of, as published: a heat map that is lower has no shape to speak of.
LOWEST, HIGHEST = 1e-3, 50.0


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
    """Return the input (height, width, 3) that a map of `input_to_frame` sees in an image (H, W, 3).

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


def decode(heatmaps: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
    """Return points (B, K, 2) in heat-map pixels and scores (B, K), the maxima, of heat maps (B, K, H, W).

    The maximum is refined by one Newton step on the logarithm of the map, blurred by `sigma` pixels. A map
    without a positive finite maximum points nowhere: NaN, with its score.
    """
    heatmaps = heatmaps.float()
    score, place = highest(heatmaps.flatten(2))
    xy = torch.stack([place % heatmaps.shape[-1], place // heatmaps.shape[-1]], dim=-1)
    around = _blurred(heatmaps, xy, sigma)
    # The published code blurs all of the map, and gives it its maximum back. Here the maximum's own place gets it,
    # a factor without a derivative: what is cut below is all that can differ, in maps that are hardly above it.
    level = torch.where(around[..., 1, 1] > 0, score / around[..., 1, 1], 1)
    refined = xy - _newton((around * level[..., None, None]).clamp(LOWEST, HIGHEST).log())
    found = (score > 0) & score.isfinite() & refined.isfinite().all(dim=-1)
    return torch.where(found[..., None], refined, torch.nan), score


def flipped_back(heatmaps: Tensor, partner: Tensor) -> Tensor:
    """Return heat maps (B, K, H, W) of mirror images as those of the images; `partner` (K,) exchanges points."""
    return heatmaps.flip(-1)[:, partner]


def _newton(around: Tensor) -> Tensor:
    """Return the steps (..., 2) to the summit of the parabola through values (..., y, x) of 3 x 3 pixels."""
    here, left, right = around[..., 1, 1], around[..., 1, 0], around[..., 1, 2]
    above, below = around[..., 0, 1], around[..., 2, 1]
    gradient = torch.stack([right - left, below - above], dim=-1) / 2
    xx, yy = right - 2 * here + left, below - 2 * here + above
    # Not the usual four corners: the published mixed derivative takes two of them and the cross.
    xy = (around[..., 2, 2] + around[..., 0, 0] + 2 * here - right - left - above - below) / 2
    epsilon = torch.finfo(here.dtype).eps
    hessian = torch.stack([xx + epsilon, xy, xy, yy + epsilon], dim=-1).unflatten(-1, (2, 2))
    step, singular = torch.linalg.solve_ex(hessian, gradient)
    return torch.where(singular[..., None] == 0, step, 0)


def _blurred(heatmaps: Tensor, xy: Tensor, sigma: float) -> Tensor:
    """Return blurred values (B, K, y, x) of the 3 x 3 pixels around `xy` (B, K, 2) int64, only those.

    Outside, heat maps (B, K, H, W) are zero before the blur, and repeat their border after it.
    """
    reach = KERNEL // 2
    at = torch.arange(-reach - 1, reach + 2, device=xy.device)
    columns, rows = xy[..., :1] + at, xy[..., 1:] + at
    height, width = heatmaps.shape[2:]
    inside = ((rows >= 0) & (rows < height))[..., :, None] & ((columns >= 0) & (columns < width))[..., None, :]
    index = rows.clamp(0, height - 1)[..., :, None] * width + columns.clamp(0, width - 1)[..., None, :]
    values = heatmaps.flatten(2).gather(2, index.flatten(2)).reshape(index.shape)
    # Row n of the weights is the Gaussian around neighbour n, of -1, 0 and 1.
    neighbour = torch.arange(-1, 2, device=xy.device)
    distance = at - neighbour[:, None]
    weights = torch.exp(-(distance**2) / (2 * sigma**2)) * (distance.abs() <= reach)
    weights = weights / weights.sum(dim=1, keepdim=True)
    blurred = weights @ torch.where(inside, values, 0) @ weights.T
    row = ((xy[..., 1:] + neighbour).clamp(0, height - 1) - xy[..., 1:] + 1)[..., :, None].expand_as(blurred)
    column = ((xy[..., :1] + neighbour).clamp(0, width - 1) - xy[..., :1] + 1)[..., None, :].expand_as(blurred)
    return blurred.gather(-2, row).gather(-1, column)
