"""SimCC: a coordinate as a distribution over the bins of its axis (Li et al. 2022).

Coordinates are input pixels of the network, integers at pixel centres; bin i stands for i / split pixels.
Logits and labels are pairs of (N, K, split x width) and (N, K, split x height) tensors, for x and for y.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Literal

import torch
from torch import Tensor

from thermark.nets.peaks import highest

Pair = tuple[Tensor, Tensor]
Label = Literal["gaussian", "one_hot"]


def default_sigma(pixels: int) -> float:
    """Return the published label width in bins for an axis of `pixels`: 4.9 at 192, 5.66 at 256, 6.93 at 384."""
    return round(4 * sqrt(pixels / 128), 2)


@dataclass(frozen=True)
class SimCC:
    """The codec of a network with an input of `size` (width, height) pixels.

    A label is a Gaussian of `sigma` bins, by default the published width, or with `one_hot` a single bin.
    `aligned`: flipped logits are shifted by the bins that flipping moves them; the published test does not.
    """

    size: tuple[int, int]
    label: Label = "gaussian"
    sigma: tuple[float, float] | None = None
    split: int = 2
    aligned: bool = True

    def encode(self, xy: Tensor, weight: Tensor) -> tuple[Pair, Tensor]:
        """Turn points (N, K, 2) into labels with peak 1, and correct their weights (N, K).

        A point whose window (three sigma, or its bin) misses the image on either axis gets weight 0 and an empty
        label; a point of weight below 0.5 gets an empty label and keeps its weight.
        """
        sigmas = self.sigma or (default_sigma(self.size[0]), default_sigma(self.size[1]))
        # round() goes to the even neighbour, as the published codec does; a NaN point has weight 0 and any place.
        centre = torch.round(xy.float().nan_to_num(-1e6) * self.split).double()
        bins = (self.size[0] * self.split, self.size[1] * self.split)
        inside = torch.ones_like(weight, dtype=torch.bool)
        for axis in (0, 1):
            before, after = (0.0, 0.0) if self.label == "one_hot" else (3 * sigmas[axis], 3 * sigmas[axis] + 1)
            inside &= (centre[..., axis] - before < bins[axis]) & (centre[..., axis] + after >= 0)
        marked = ((weight >= 0.5) & inside)[..., None]
        labels = [self._on_axis(centre[..., axis], bins[axis], sigmas[axis]) * marked for axis in (0, 1)]
        return (labels[0], labels[1]), torch.where((weight >= 0.5) & ~inside, 0, weight)

    def _on_axis(self, centre: Tensor, bins: int, sigma: float) -> Tensor:
        grid = torch.arange(bins, device=centre.device, dtype=torch.float32)
        distance = grid - centre.float()[..., None]
        return (distance == 0).float() if self.label == "one_hot" else torch.exp(-(distance**2) / (2 * sigma**2))

    def decode(self, outputs: Pair) -> tuple[Tensor, Tensor]:
        """Return points (N, K, 2) in pixels and scores (N, K), the smaller of the two axes' highest logits.

        Of several bins that are as high, the first is taken, whatever its sign; NaN logits give NaN points and
        scores.
        """
        best_x, index_x = highest(outputs[0])
        best_y, index_y = highest(outputs[1])
        score = torch.minimum(best_x, best_y)
        xy = torch.stack([index_x, index_y], dim=-1).float() / self.split
        return torch.where(score[..., None].isnan(), score[..., None], xy), score

    def flip(self, outputs: Pair, partner: Tensor) -> Pair:
        """Return the logits of a horizontally flipped image as if it had not been flipped.

        `partner` (K,) is the vocabulary's permutation. Flipping moves pixel p to width - 1 - p, that is bin i to
        split x (width - 1) - i, which is a reversal followed by a shift of split - 1 bins (the last bin, a
        fraction of a pixel beyond the image, is repeated).
        """
        shift = self.split - 1 if self.aligned else 0
        reversed_x = outputs[0][:, partner].flip(-1)
        if shift:
            reversed_x = torch.cat([reversed_x[..., shift:], reversed_x[..., -1:].expand(-1, -1, shift)], dim=-1)
        return reversed_x, outputs[1][:, partner]

    def mean(self, first: Pair, second: Pair) -> Pair:
        """Return the mean of two pairs of logits."""
        return (first[0] + second[0]) / 2, (first[1] + second[1]) / 2
