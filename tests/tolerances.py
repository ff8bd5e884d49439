"""Tolerances: what float32 sums in another order may differ by, and which points of random networks are stable."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from thermark.models.inference.topdown import TopDown

# Of the largest magnitude. Networks of a dozen layers in float32 agree to a tenth of it, whatever adds them up.
PART = 1e-5
# Of the largest height. Other CPUs, and other crops in the batch, change float32 maps by a fifth of it.
LAST_DIGITS = 1e-6
DRAWS = 8
STILL = 5e-3  # px


def assert_same(actual: torch.Tensor, expected: torch.Tensor, part: float = PART) -> None:
    """Fail unless two tensors are equal up to `part` of the largest magnitude that is expected."""
    torch.testing.assert_close(actual, expected, rtol=0, atol=part * float(expected.detach().abs().max()))


def stable_points(one: TopDown, images: Sequence[np.ndarray], boxes: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return for each image which points (P, K) move by at most 0.005 px when the last digits of the maps change.

    A trained network's summits are clear and all stand still; those of random weights need not be.
    """
    generator = torch.Generator().manual_seed(0)

    def disturbed(inputs: torch.Tensor) -> torch.Tensor:
        maps = one.forward(inputs)
        noise = 2 * torch.rand(maps.shape, generator=generator) - 1
        return maps + LAST_DIGITS * float(maps.abs().max()) * noise

    answers = [replace(one, forward=disturbed)(images, boxes) for _ in range(DRAWS)]
    drawn = [np.stack([each[place].xy for each in answers]) for place in range(len(images))]
    moved = [np.ptp(np.nan_to_num(xy, nan=-1e6), axis=0).max(axis=-1) for xy in drawn]
    return [each <= STILL for each in moved]
