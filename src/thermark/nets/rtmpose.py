"""RTMPose (Jiang et al. 2023, arXiv 2303.07399): CSPNeXt and the RTMCC head; and that head on MobileNetV2."""

from collections.abc import Callable
from typing import Literal

from torch import Tensor, nn

from thermark.core.errors import ConfigError
from thermark.nets.cspnext import STRIDE, CSPNeXt
from thermark.nets.mobilenet import MobileNetV2
from thermark.nets.rtmcc import RTMCCHead

# The five official sizes, and one backbone of others.
Architecture = Literal["t", "s", "m", "l", "x", "mobilenet_v2"]
BACKBONES: dict[Architecture, Callable[[], CSPNeXt | MobileNetV2]] = {
    "t": lambda: CSPNeXt("t"),
    "s": lambda: CSPNeXt("s"),
    "m": lambda: CSPNeXt("m"),
    "l": lambda: CSPNeXt("l"),
    "x": lambda: CSPNeXt("x"),
    "mobilenet_v2": MobileNetV2,
}


class RTMPose(nn.Module):
    """RTMPose of one of five sizes, or its head on MobileNetV2, for K `points`.

    `input_size` is a number of pixels, or (width, height), each a multiple of 32; ConfigError otherwise.
    `backbone` ends in the feature map that `head` accepts: the place where distillation injects features.
    """

    def __init__(self, size: Architecture, points: int, input_size: int | tuple[int, int] = 256):
        super().__init__()
        width, height = (input_size, input_size) if isinstance(input_size, int) else input_size
        if width % STRIDE or height % STRIDE or min(width, height) < STRIDE:
            raise ConfigError(
                f"an RTMPose input of {width} x {height} px is not a multiple of {STRIDE}",
                f"use {max(1, round(width / STRIDE)) * STRIDE}",
            )
        self.backbone = BACKBONES[size]()
        self.head = RTMCCHead(self.backbone.channels, points, (width, height))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Map normalised images (N, 3, H, W) to raw logits (N, K, 2 W) and (N, K, 2 H) along x and y."""
        logits: tuple[Tensor, Tensor] = self.head(self.backbone(images))
        return logits
