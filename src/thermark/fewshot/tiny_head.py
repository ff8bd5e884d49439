"""The head of part 2 of the posts: three convolutions from frozen features to heat maps.

Source: nipunbatra/blog, posts/nostril-finetune/scripts/train_head_thermeval.py.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from thermark.nets.products import Pointwise
from thermark.train.codecs.heatmap import SIZE

WIDTH, NARROW = 256, 64


class TinyHead(nn.Module):
    """Heat maps of K `points`, `size` px wide and high, from features of so many `channels`.

    1x1 to 256 and 3x3 to 64 channels, each followed by batch normalisation and GELU, bilinear to `size`, 1x1 to K;
    all three convolutions have biases, as the published 410,625 parameters (1024 channels, one point) imply.
    """

    def __init__(self, channels: int, points: int, size: int = SIZE):
        super().__init__()
        self.size = size
        self.conv1 = Pointwise(channels, WIDTH)
        self.norm1 = nn.BatchNorm2d(WIDTH)
        self.conv2 = nn.Conv2d(WIDTH, NARROW, 3, padding=1)
        self.norm2 = nn.BatchNorm2d(NARROW)
        self.conv3 = nn.Conv2d(NARROW, points, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Map features (N, C, h, w), float32 or under autocast also bfloat16, to (N, K, size, size) float32."""
        x = F.gelu(self.norm1(self.conv1(features)))
        x = F.gelu(self.norm2(self.conv2(x)))
        with torch.autocast(x.device.type, enabled=False):
            # Weights of the interpolation sum to one, so the last convolution may come first, and need not see
            # 16 times as many pixels. In float32: sub-pixel decoders feel the three digits of bfloat16.
            maps = self.conv3(x.float())
            return F.interpolate(maps, (self.size, self.size), mode="bilinear", align_corners=False)
