"""MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381) of width 1, up to the layer before the classifier."""

from torch import Tensor, nn
from torch.nn import functional as F

from thermark.nets.depthwise import Depthwise

FIRST, LAST = 32, 1280
# Table 2: expansion, channels, blocks, stride of the first block.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class NormalisedConv(nn.Module):
    """Convolution without bias, batch normalisation (eps 1e-5, momentum 0.1), and ReLU6 where it is `bent`."""

    def __init__(
        self, inside: int, outside: int, kernel: int, stride: int = 1, groups: int = 1, bent: bool = True
    ):
        super().__init__()
        self.conv: nn.Conv2d = (
            Depthwise(inside, kernel, stride)
            if groups == inside == outside
            else nn.Conv2d(inside, outside, kernel, stride, kernel // 2, groups=groups, bias=False)
        )
        self.bn = nn.BatchNorm2d(outside)
        self.bent = bent

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inside, H, W) to (N, outside, H / stride, W / stride)."""
        x = self.bn(self.conv(x))
        return F.relu6(x) if self.bent else x


class InvertedResidual(nn.Module):
    """Wide in the middle, narrow and linear at the end; a shortcut where the shape stays."""

    def __init__(self, inside: int, outside: int, expansion: int, stride: int):
        super().__init__()
        wide = inside * expansion
        # A first block of expansion 1 has nothing to expand.
        self.expand = nn.Identity() if expansion == 1 else NormalisedConv(inside, wide, 1)
        self.depthwise = NormalisedConv(wide, wide, 3, stride, groups=wide)
        self.project = NormalisedConv(wide, outside, 1, bent=False)
        self.shortcut = stride == 1 and inside == outside

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inside, H, W) to (N, outside, H / stride, W / stride)."""
        y: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + y if self.shortcut else y


class MobileNetV2(nn.Module):
    """The backbone: `channels` is the width of its only output, the last convolution at stride 32."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = NormalisedConv(3, FIRST, 3, stride=2)
        blocks, inside = [], FIRST
        for expansion, outside, count, stride in STAGES:
            for number in range(count):
                blocks.append(InvertedResidual(inside, outside, expansion, 1 if number else stride))
                inside = outside
        self.blocks = nn.Sequential(*blocks)
        self.last = NormalisedConv(inside, LAST, 1)
        self.channels = LAST

    def forward(self, images: Tensor) -> Tensor:
        """Map normalised images (N, 3, H, W) to features (N, 1280, H / 32, W / 32)."""
        features: Tensor = self.last(self.blocks(self.stem(images)))
        return features
