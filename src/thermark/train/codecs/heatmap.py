"""Heat maps: a point as a Gaussian on a grid of its own, and three ways of reading it.

Points are pixels of the map; `to_map` and `to_crop` lead to those of the crop and back.
"""

from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from thermark.nets import dark, peaks

Method = Literal["argmax", "dark", "soft_argmax"]
METHODS: tuple[Method, ...] = ("argmax", "dark", "soft_argmax")
SIZE = 64  # px of the map, as published
# Of soft_argmax: how far around the peak it looks, in sigma, and e-folds between the peak and the lowest pixel.
REACH, SHARPNESS = 3.0, 10.0
Points = TypeVar("Points", Tensor, NDArray[np.float64])


@dataclass(frozen=True)
class Heatmap:
    """The codec of square maps of `size` px with Gaussians of `sigma` px of the map.

    `argmax`: the highest pixel, as published, the first of several. `dark`: one Newton step from there on the
    logarithm of the map, blurred by `sigma` px; where it would lead further than `sigma`, or the map has no
    logarithm, the pixel stands. `soft_argmax`: the mean place under a softmax within 3 `sigma` of the pixel.
    """

    sigma: float
    method: Method = "argmax"
    size: int = SIZE

    def encode(self, xy: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return maps (N, K, size, size) float32 of a Gaussian of height 1 around each point, 0 for NaN; weights.

        Centres are not rounded to pixels.
        """
        at = torch.arange(self.size, device=xy.device, dtype=torch.float32)
        along = torch.exp(-((at - xy[..., None]) ** 2) / (2 * self.sigma**2)).nan_to_num(nan=0.0)
        return along[..., 1, :, None] * along[..., 0, None, :], weight

    def decode(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return points (N, K, 2), in pixels of the map, and scores (N, K), the peaks, of maps (N, K, H, W).

        Both are float32. A map that is constant, or not finite, points nowhere: NaN, also the score.
        """
        maps = outputs.float()
        score, place = peaks.highest(maps.flatten(2))
        xy = torch.stack([place % maps.shape[-1], place // maps.shape[-1]], dim=-1).float()
        if self.method == "dark":
            xy = _dark(maps, xy, self.sigma)
        elif self.method == "soft_argmax":
            xy = _soft(maps, xy, self.sigma)
        valid = maps.isfinite().all(dim=-1).all(dim=-1) & ~peaks.flat(maps.flatten(2))
        return torch.where(valid[..., None], xy, torch.nan), torch.where(valid, score, torch.nan)

    def flip(self, outputs: Tensor, partner: Tensor) -> Tensor:
        """Return the maps of horizontally flipped images as if these had not been flipped.

        Pixel i of the map lies on the outline of a cell of the crop, not on its centre (`to_map`), so that
        flipping moves it to size - i: the first column has no counterpart, and is repeated.
        """
        flipped = outputs[:, partner].flip(-1)
        return torch.cat([flipped[..., :1], flipped[..., :-1]], dim=-1)

    def mean(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the mean of two maps."""
        return (first + second) / 2


def to_map(xy: Points, side: int, size: int = SIZE) -> Points:
    """Map points from pixel centres of a crop of `side` px to pixels of a heat map of `size` px.

    Pixel i of the map lies, as published, on i x side / size counted from the crop's outline.
    """
    return (xy + 0.5) * (size / side)


def to_crop(xy: Points, side: int, size: int = SIZE) -> Points:
    """Map points from pixels of a heat map to pixel centres of the crop, the reverse of `to_map`."""
    return xy * (side / size) - 0.5


def _dark(maps: Tensor, peak: Tensor, sigma: float) -> Tensor:
    refined, _ = dark.decode(maps, sigma)
    # NaN compares false.
    near = (refined - peak).norm(dim=-1) <= sigma
    return torch.where(near[..., None], refined, peak)


def _soft(maps: Tensor, peak: Tensor, sigma: float) -> Tensor:
    """Return mean places (N, K, 2), weighted by exp(10 x height), heights running from 0 to 1 over the map.

    The exponential makes of the peak a bell of 0.6 px instead of 2, and next to nothing of all else; so neither
    the window, which is centred on a pixel, nor the background draws the mean to itself, as it would draw that of
    the plain map. Heights are relative, so a low peak is treated like a high one.
    """
    low, high = maps.amin(dim=(2, 3), keepdim=True), maps.amax(dim=(2, 3), keepdim=True)
    x = torch.arange(maps.shape[-1], device=maps.device, dtype=torch.float32)
    y = torch.arange(maps.shape[-2], device=maps.device, dtype=torch.float32)
    near_x, near_y = (x - peak[..., :1]).abs() <= REACH * sigma, (y - peak[..., 1:]).abs() <= REACH * sigma
    weights = torch.exp(SHARPNESS * (maps - high) / (high - low)) * near_x[..., None, :] * near_y[..., :, None]
    xy = torch.stack([(weights.sum(dim=2) * x).sum(dim=-1), (weights.sum(dim=3) * y).sum(dim=-1)], dim=-1)
    return xy / weights.sum(dim=(2, 3))[..., None]
