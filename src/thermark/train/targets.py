"""What every objective is given beside the network's outputs."""

from dataclasses import dataclass

from torch import Tensor

from thermark.train.simcc import Label


@dataclass(frozen=True)
class Targets:
    """Landmarks of a batch in the network's input image.

    `xy` (N, K, 2) float32, input pixels, integers at pixel centres, anything finite where `weight` (N, K) float32
    is 0; `size` is the (width, height) of the input; `label` says what a point looks like on its axes.
    """

    xy: Tensor
    weight: Tensor
    size: tuple[int, int]
    label: Label = "gaussian"
