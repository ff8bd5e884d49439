"""A small detector of faces in one grey channel: CSPNeXt blocks, a top-down path, and a head without anchors.

Each cell of three grids (8, 16 and 32 px) gives whether a face lies about it, and how far its four sides are, as
in FCOS (Tian et al. 2019, arXiv 1904.01355). Faces of a camera in a car or a room span a factor of ten in size,
from 20 px to the height of the frame: on a grid for each range of sizes all of them are some 2 to 8 cells large,
where one grid of 8 px (CenterNet, Zhou et al. 2019, arXiv 1904.07850) would have to regress sides of 1 to 15
cells. The coarse grids also hand what is around a face down to the fine ones, which decides on 20 px more than
the face does.
"""

from math import log
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from thermark.nets.cspnext import ConvBlock, CSPLayer, PyramidPooling, SeparableConv
from thermark.nets.products import Pointwise

STRIDES = (8, 16, 32)
MULTIPLE = STRIDES[-1]  # what the sides of a picture must be multiples of
GREY, SPREAD = (
    127.5,
    64.0,
)  # pixels are (value - GREY) / SPREAD to the network: a border of GREY is like no picture
PRIOR = 0.01  # the score of a cell before training, as in RetinaNet
FIRST = 2.5  # cells from a cell to the sides of its box before training
FARTHEST = 4.5  # of the logarithm of the cells to a side: 90 cells


class Widths(NamedTuple):
    """Channels after 2, 4, 8, 16 and 32 px, and of the top-down path and the head."""

    stem: int = 16
    second: int = 24
    third: int = 48
    fourth: int = 96
    fifth: int = 128
    neck: int = 48


class FaceDetector(nn.Module):
    """Some 0.4 million parameters and 0.1 thousand million products for 320 x 256 px at the default widths."""

    def __init__(self, widths: Widths | None = None):
        super().__init__()
        of = widths or Widths()
        self.stem = nn.Sequential(ConvBlock(1, of.stem, 3, stride=2), ConvBlock(of.stem, of.second, 3, stride=2))
        self.stage8 = _stage(of.second, of.third, 1)
        self.stage16 = _stage(of.third, of.fourth, 2)
        self.stage32 = _stage(of.fourth, of.fifth, 1, pooled=True)
        self.lateral = nn.ModuleList(ConvBlock(wide, of.neck, 1) for wide in (of.third, of.fourth, of.fifth))
        self.smooth = nn.ModuleList(SeparableConv(of.neck) for _ in STRIDES)
        self.head = DetectorHead(of.neck)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Map grey images (N, 1, H, W), 0..255, to logits (N, A) and log distances (N, A, 4).

        H and W are multiples of 32; A cells in the order of `cells`. Distances are the natural logarithms of
        those from a cell's centre to the left, upper, right and lower side, in units of its stride.
        """
        x = self.stem((images - GREY) / SPREAD)
        fine = self.stage8(x)
        middle = self.stage16(fine)
        coarse = self.stage32(middle)
        levels = [narrow(level) for narrow, level in zip(self.lateral, (fine, middle, coarse), strict=True)]
        for finer in (1, 0):
            levels[finer] = levels[finer] + F.interpolate(levels[finer + 1], scale_factor=2.0, mode="nearest")
        outputs = [self.head(smooth(level)) for smooth, level in zip(self.smooth, levels, strict=True)]
        return torch.cat([score for score, _ in outputs], dim=1), torch.cat([sides for _, sides in outputs], dim=1)


class DetectorHead(nn.Module):
    """Two separable convolutions and a prediction each for scores and sides; all grids share them."""

    def __init__(self, channels: int):
        super().__init__()
        self.score = nn.Sequential(SeparableConv(channels), SeparableConv(channels), Pointwise(channels, 1))
        self.sides = nn.Sequential(SeparableConv(channels), SeparableConv(channels), Pointwise(channels, 4))
        for branch, start in ((self.score, log(PRIOR / (1 - PRIOR))), (self.sides, log(FIRST))):
            last = branch[-1]
            assert isinstance(last, Pointwise) and last.bias is not None
            nn.init.normal_(last.weight, std=0.01)
            nn.init.constant_(last.bias, start)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map a grid (N, C, h, w) to logits (N, h w) and log distances (N, h w, 4), row by row."""
        return self.score(x).flatten(1), self.sides(x).flatten(2).transpose(1, 2).clamp(max=FARTHEST)


class Exported(nn.Module):
    """The network as it is exported: pictures to boxes and scores."""

    def __init__(self, net: FaceDetector):
        super().__init__()
        self.net = net

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Map grey images (N, 1, H, W), 0..255, to boxes (N, A, 4) in their pixels and scores (N, A), 0..1."""
        logits, sides = self.net(image)
        return boxes(sides, *cells(image)), logits.sigmoid()


def _stage(inside: int, outside: int, blocks: int, pooled: bool = False) -> nn.Sequential:
    pooling = [PyramidPooling(outside)] if pooled else []
    return nn.Sequential(
        ConvBlock(inside, outside, 3, stride=2), *pooling, CSPLayer(outside, blocks, shortcut=not pooled)
    )


def cells(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return the centres (A, 2) in pixels of all cells for images (N, C, H, W), and their strides (A,).

    The grid of 8 px comes first; each goes row by row. A cell of s px begins at a multiple of s: its centre is
    (s - 1) / 2 px from that of its first pixel.
    """
    centres, steps = [], []
    for stride in STRIDES:
        x = torch.arange(images.shape[-1] // stride, device=images.device) * stride + (stride - 1) / 2
        y = torch.arange(images.shape[-2] // stride, device=images.device) * stride + (stride - 1) / 2
        rows, columns = torch.meshgrid(y, x, indexing="ij")
        grid = torch.stack([columns, rows], dim=-1).reshape(-1, 2)
        centres.append(grid)
        steps.append(torch.full_like(grid[:, 0], stride))
    return torch.cat(centres).float(), torch.cat(steps).float()


def boxes(sides: Tensor, centres: Tensor, strides: Tensor) -> Tensor:
    """Return boxes (..., A, 4) in pixels from log distances (..., A, 4) of cells with such centres and strides."""
    distances = sides.float().exp() * strides[:, None]
    return torch.cat([centres - distances[..., :2], centres + distances[..., 2:]], dim=-1)
