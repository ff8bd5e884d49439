"""CSPNeXt-P5, the backbone of RTMPose (Lyu et al. 2022, RTMDet; Jiang et al. 2023, RTMPose).

Module names, and so the keys of the state_dict, are those of the published checkpoints.
"""

from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from thermark.nets.depthwise import Depthwise
from thermark.nets.products import Pointwise

Size = Literal["t", "s", "m", "l", "x"]
SIZES: tuple[Size, ...] = get_args(Size)

# (depth, width) multipliers of the l network.
SCALES: dict[Size, tuple[float, float]] = {
    "t": (0.167, 0.375),
    "s": (0.33, 0.5),
    "m": (0.67, 0.75),
    "l": (1.0, 1.0),
    "x": (1.33, 1.25),
}
CHANNELS = (64, 128, 256, 512, 1024)
BLOCKS = (3, 6, 6, 3)
STRIDE = 32


class ConvBlock(nn.Module):
    """Convolution without bias, batch normalisation (eps 1e-5, momentum 0.1), SiLU."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int = 1, groups: int = 1):
        super().__init__()
        self.conv: nn.Conv2d
        if kernel == stride == groups == 1:
            self.conv = Pointwise(inside, outside, bias=False)
        elif groups == inside == outside:
            self.conv = Depthwise(inside, kernel, stride)
        else:
            self.conv = nn.Conv2d(inside, outside, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outside)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inside, H, W) to (N, outside, H / stride, W / stride)."""
        return F.silu(self.bn(self.conv(x)))


class SeparableConv(nn.Module):
    """A 5x5 depthwise ConvBlock and a 1x1 ConvBlock."""

    def __init__(self, channels: int):
        super().__init__()
        self.depthwise_conv = ConvBlock(channels, channels, 5, groups=channels)
        self.pointwise_conv = ConvBlock(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape (N, C, H, W)."""
        mixed: Tensor = self.pointwise_conv(self.depthwise_conv(x))
        return mixed


class Block(nn.Module):
    """A dense 3x3 and a separable 5x5 convolution, with or without a shortcut."""

    def __init__(self, channels: int, shortcut: bool):
        super().__init__()
        self.conv1 = ConvBlock(channels, channels, 3)
        self.conv2 = SeparableConv(channels)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape (N, C, H, W)."""
        y: Tensor = self.conv2(self.conv1(x))
        return x + y if self.shortcut else y


class ChannelAttention(nn.Module):
    """Each channel times a gate computed from the means of all channels."""

    def __init__(self, channels: int):
        super().__init__()
        self.fc = Pointwise(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape (N, C, H, W)."""
        # mean() rather than adaptive pooling, whose backward pass is not deterministic on GPUs.
        return x * F.hardsigmoid(self.fc(x.mean((2, 3), keepdim=True)))


class CSPLayer(nn.Module):
    """A cross-stage-partial layer: half of the channels pass the blocks, half pass by."""

    def __init__(self, channels: int, blocks: int, shortcut: bool):
        super().__init__()
        half = channels // 2
        self.main_conv = ConvBlock(channels, half, 1)
        self.short_conv = ConvBlock(channels, half, 1)
        self.final_conv = ConvBlock(channels, channels, 1)
        self.blocks = nn.Sequential(*(Block(half, shortcut) for _ in range(blocks)))
        self.attention = ChannelAttention(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape (N, C, H, W)."""
        both = torch.cat([self.blocks(self.main_conv(x)), self.short_conv(x)], dim=1)
        merged: Tensor = self.final_conv(self.attention(both))
        return merged


class PyramidPooling(nn.Module):
    """Spatial pyramid pooling: maxima over windows of 5, 9 and 13 beside the input."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv1 = ConvBlock(channels, channels // 2, 1)
        self.conv2 = ConvBlock(channels * 2, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape (N, C, H, W)."""
        x = self.conv1(x)
        pooled = [F.max_pool2d(x, window, stride=1, padding=window // 2) for window in (5, 9, 13)]
        merged: Tensor = self.conv2(torch.cat([x, *pooled], dim=1))
        return merged


class CSPNeXt(nn.Module):
    """The backbone: `channels` is the width of its only output, the last stage at stride 32."""

    def __init__(self, size: Size):
        super().__init__()
        depth, width = SCALES[size]
        channels = [int(base * width) for base in CHANNELS]
        half = channels[0] // 2
        self.stem = nn.Sequential(
            ConvBlock(3, half, 3, stride=2), ConvBlock(half, half, 3), ConvBlock(half, channels[0], 3)
        )
        for stage, base in enumerate(BLOCKS, start=1):
            layers: list[nn.Module] = [ConvBlock(channels[stage - 1], channels[stage], 3, stride=2)]
            last = stage == len(BLOCKS)
            if last:
                layers.append(PyramidPooling(channels[stage]))
            blocks = max(round(base * depth), 1)
            layers.append(CSPLayer(channels[stage], blocks, shortcut=not last))
            self.add_module(f"stage{stage}", nn.Sequential(*layers))
        self.channels = channels[-1]

    def forward(self, images: Tensor) -> Tensor:
        """Map normalised images (N, 3, H, W) to features (N, channels, H / 32, W / 32)."""
        x: Tensor = self.stem(images)
        for stage in range(1, len(BLOCKS) + 1):
            x = self.get_submodule(f"stage{stage}")(x)
        return x
