"""Codecs: how points become the targets of a network, and its outputs points again; one module a codec."""

from typing import Protocol, TypeVar

from torch import Tensor

Outputs = TypeVar("Outputs")


class Codec(Protocol[Outputs]):
    """What losses, validation and inference need to know about the outputs of a network.

    Points (N, K, 2) are pixels of the codec's own grid: of the network's input, or of its heat maps.
    """

    def encode(self, xy: Tensor, weight: Tensor) -> tuple[Outputs, Tensor]:
        """Turn points (N, K, 2) of a weight (N, K) into targets shaped like outputs, and correct the weights."""

    def decode(self, outputs: Outputs) -> tuple[Tensor, Tensor]:
        """Return points (N, K, 2), NaN where there is none, and scores (N, K)."""

    def flip(self, outputs: Outputs, partner: Tensor) -> Outputs:
        """Return the outputs of horizontally flipped images as if these had not been flipped.

        `partner` (K,) is the vocabulary's permutation of points.
        """

    def mean(self, first: Outputs, second: Outputs) -> Outputs:
        """Return the mean of two outputs, such as those of an image and of its mirror image."""
