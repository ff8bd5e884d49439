"""From heat maps to points between their pixels.

Zhang et al., "Distribution-Aware Coordinate Representation for Human Pose Estimation" (DARK).
"""

import torch
from torch import Tensor

from thermark.nets.peaks import highest

KERNEL = 11
# What the logarithm is taken of, as published: a heat map that is lower has no shape to speak of.
LOWEST, HIGHEST = 1e-3, 50.0


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
    valid = (score > 0) & score.isfinite() & refined.isfinite().all(dim=-1)
    return torch.where(valid[..., None], refined, torch.nan), score


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
