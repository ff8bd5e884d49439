"""SimCC: a coordinate as a distribution over the bins of its axis (Li et al. 2022).

Coordinates are input pixels of the network, integers at pixel centres; bin i stands for i / SPLIT pixels.
Logits and labels are pairs of (N, K, SPLIT x width) and (N, K, SPLIT x height) tensors, for x and for y.
"""

from math import sqrt
from typing import Literal

import torch
from torch import Tensor

from thermark.nets.peaks import highest

SPLIT = 2

Pair = tuple[Tensor, Tensor]
Label = Literal["gaussian", "one_hot"]


def default_sigma(pixels: int) -> float:
    """Return the published label width in bins for an axis of `pixels`: 4.9 at 192, 5.66 at 256, 6.93 at 384."""
    return round(4 * sqrt(pixels / 128), 2)


def encode(
    xy: Tensor,
    weight: Tensor,
    size: tuple[int, int],
    sigma: tuple[float, float] | None = None,
    split: int = SPLIT,
    label: Label = "gaussian",
) -> tuple[Pair, Tensor]:
    """Turn points (N, K, 2) into labels with peak 1, and correct their weights (N, K).

    `size` is (width, height) in pixels. A label is a Gaussian of `sigma` bins, or with `one_hot` a single bin. A
    point whose window (three sigma, or its bin) misses the image on either axis gets weight 0 and an empty label;
    a point of weight below 0.5 gets an empty label and keeps its weight.
    """
    sigmas = sigma or (default_sigma(size[0]), default_sigma(size[1]))
    # round() goes to the even neighbour, as the published codec does; a NaN point has weight 0 and any place.
    centre = torch.round(xy.float().nan_to_num(-1e6) * split).double()
    bins = (size[0] * split, size[1] * split)
    inside = torch.ones_like(weight, dtype=torch.bool)
    for axis in (0, 1):
        before, after = (0.0, 0.0) if label == "one_hot" else (3 * sigmas[axis], 3 * sigmas[axis] + 1)
        inside &= (centre[..., axis] - before < bins[axis]) & (centre[..., axis] + after >= 0)
    marked = (weight >= 0.5) & inside
    labels = [_on_axis(centre[..., axis], bins[axis], sigmas[axis], label) * marked[..., None] for axis in (0, 1)]
    return (labels[0], labels[1]), torch.where((weight >= 0.5) & ~inside, 0, weight)


def _on_axis(centre: Tensor, bins: int, sigma: float, label: Label) -> Tensor:
    grid = torch.arange(bins, device=centre.device, dtype=torch.float32)
    apart = grid - centre.float()[..., None]
    return (apart == 0).float() if label == "one_hot" else torch.exp(-(apart**2) / (2 * sigma**2))


def decode(logits: Pair, split: int = SPLIT) -> tuple[Tensor, Tensor]:
    """Return points (N, K, 2) in pixels and scores (N, K), the smaller of the two axes' highest logits.

    Where the score is not positive the point is one bin outside, at -1 / split, as in the published codec.
    """
    xy, score = peaks(logits, split)
    return torch.where(score[..., None] > 0, xy, -1.0 / split), score


def peaks(logits: Pair, split: int = SPLIT) -> tuple[Tensor, Tensor]:
    """Return the points of the highest logits, the first of several, whatever their sign, and scores, as `decode`.

    NaN logits give NaN points and scores.
    """
    best_x, index_x = highest(logits[0])
    best_y, index_y = highest(logits[1])
    score = torch.minimum(best_x, best_y)
    xy = torch.stack([index_x, index_y], dim=-1).float() / split
    return torch.where(score[..., None].isnan(), score[..., None], xy), score


def mirrored(logits: Pair, flip: Tensor, shift: int = SPLIT - 1) -> Pair:
    """Return the logits of a horizontally flipped image as if it had not been flipped.

    `flip` (K,) is the vocabulary's permutation. Flipping moves pixel p to width - 1 - p, that is bin i to
    SPLIT x (width - 1) - i, which is a reversal followed by a `shift` of SPLIT - 1 bins (the last bin, a fraction
    of a pixel beyond the image, is repeated). The published test uses no shift.
    """
    reversed_x = logits[0][:, flip].flip(-1)
    if shift:
        reversed_x = torch.cat([reversed_x[..., shift:], reversed_x[..., -1:].expand(-1, -1, shift)], dim=-1)
    return reversed_x, logits[1][:, flip]


def averaged(first: Pair, second: Pair) -> Pair:
    """Return the mean of two pairs of logits."""
    return (first[0] + second[0]) / 2, (first[1] + second[1]) / 2
