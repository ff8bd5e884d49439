"""The highest cell of a map, ties up to rounding broken by place: CPUs and batches differ in the last digits."""

import torch
from torch import Tensor

# Of the largest magnitude in a map: float32 sums of hundreds of terms agree to a tenth of this.
NOISE = 1e-5


def highest(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return the highest of values (..., L), (...,) float32, and the first place (...,) int64 that is as high.

    As high means up to noise of 1e-5 of the largest magnitude: equal bins, the plateau that an enlarged map has at
    its border and the two summits of a symmetric one have one answer each. NaN and infinity give themselves and
    some place.
    """
    values = values.float()
    top, _, noise = _range(values)
    # Of several that are equally large, argmax takes the first.
    return top, (values >= (top - noise).unsqueeze(-1)).to(torch.uint8).argmax(dim=-1)


def flat(values: Tensor) -> Tensor:
    """Return whether values (..., L) are all the same up to that noise (...,), so that no place is the highest."""
    top, low, noise = _range(values.float())
    return top - low <= noise


def _range(values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    top, low = values.amax(dim=-1), values.amin(dim=-1)
    # A logit of minus infinity marks where a point is not, and is no noise.
    return top, low, NOISE * torch.maximum(top.abs(), low.abs().nan_to_num(posinf=0.0))
