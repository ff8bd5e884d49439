"""The codec of each network."""

from typing import Any, Protocol, get_args

from thermark.nets.rtmpose import Architecture
from thermark.train.codecs import Codec
from thermark.train.codecs.simcc import SimCC

# All of today's networks end in the head of RTMPose.
CODECS = dict.fromkeys(get_args(Architecture), SimCC)


class Network(Protocol):
    """What a run's section and a card have in common about a network."""

    @property
    def size(self) -> Architecture:
        """Its architecture."""

    @property
    def input_size(self) -> int:
        """Pixels of its square input."""


def codec_of(network: Network, **options: Any) -> Codec[Any]:
    """Return the codec of a network's outputs, with options of its own."""
    return CODECS[network.size]((network.input_size, network.input_size), **options)
