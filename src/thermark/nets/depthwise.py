"""Depthwise convolutions in float32, also where the rest of a network computes in bfloat16 on a CPU.

oneDNN has no fast loop for the gradient of their weights in bfloat16: it took six times as long as in float32, a
sixth of a training step, although these products are a hundredth of a network's.
"""

import torch
from torch import Tensor, nn


class Depthwise(nn.Conv2d):
    """A depthwise convolution without bias, padded by half of its kernel."""

    def __init__(self, channels: int, kernel: int, stride: int = 1):
        super().__init__(channels, channels, kernel, stride, kernel // 2, groups=channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels, H, W) to (N, channels, H / stride, W / stride), under autocast in its dtype."""
        if x.device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
            return super().forward(x)
        with torch.autocast("cpu", enabled=False):
            return super().forward(x.float()).to(torch.get_autocast_dtype("cpu"))
