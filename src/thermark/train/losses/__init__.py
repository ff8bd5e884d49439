"""Losses of a network's outputs against labelled points: `loss(outputs, targets, codec)`, one module a loss."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Targets:
    """Landmarks of a batch, in the codec's pixels.

    `xy` (N, K, 2) float32, integers at pixel centres, anything where `weight` (N, K) float32 is 0.
    """

    xy: Tensor
    weight: Tensor
