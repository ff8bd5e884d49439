"""MTCNN (Zhang et al. 2016, arXiv 1604.02878): faces with five points, found by three networks one after another.

Weights, layers and what happens between the networks are those of facenet-pytorch 2.6.0 (MIT). The last of them,
O-Net, can be given a box, too.
"""

from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat
from torch import Tensor, nn
from torch.nn import functional as F

from thermark.core.errors import DataError, in_one_line
from thermark.models.inference.contract import Assets, BundleConfig, Floats, Image, Instances, usable
from thermark.models.inference.cropped import Cropped
from thermark.models.inference.finder import Finder
from thermark.nets.face_boxes import suppressed
from thermark.train import precision

SIZE, POINTS = 48, 5
WINDOW, STRIDE, MIDDLE = 12, 2, 24  # px: what P-Net sees, and moves by, at each scale; the side of R-Net's input
ONCE, AGAIN = 0.5, 0.7  # the overlap that makes two proposals one: at a scale, and at all later stages
Sure = tuple[float, float, float]


class Config(BundleConfig):
    """`given`: `prompt`, O-Net in the boxes that it is given; `own`, the three networks on the frame.

    `file` of the bundle `weights` is O-Net; `pad`: how many longer sides of the prompt its crop shows. For `own`,
    as published: `smallest` face, px; `factor` between two scales; `thresholds` of the three networks.
    """

    given: Literal["prompt", "own"] = "prompt"
    file: str = "onet.pt"
    pad: PositiveFloat = 1.1
    smallest: PositiveFloat = 20.0
    factor: float = Field(default=0.709, gt=0, lt=1)
    thresholds: Sure = (0.6, 0.7, 0.7)


class PNet(nn.Module):
    """Pictures (N, 3, H, W) in -1..1 to corners (N, 4, h, w) in fractions of windows, and logits (N, 2, h, w)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 10, 3), nn.PReLU(10)
        self.conv2, self.prelu2 = nn.Conv2d(10, 16, 3), nn.PReLU(16)
        self.conv3, self.prelu3 = nn.Conv2d(16, 32, 3), nn.PReLU(32)
        self.conv4_1, self.conv4_2 = nn.Conv2d(32, 2, 1), nn.Conv2d(32, 4, 1)
        self.narrow = nn.MaxPool2d(2, 2, ceil_mode=True)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return corners and logits (no face, face)."""
        x = self.narrow(self.prelu1(self.conv1(images)))
        x = self.prelu3(self.conv3(self.prelu2(self.conv2(x))))
        return self.conv4_2(x), self.conv4_1(x)


class RNet(nn.Module):
    """Crops (N, 3, 24, 24) in -1..1 to corners (N, 4) in fractions, and two logits (N, 2)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 28, 3), nn.PReLU(28)
        self.conv2, self.prelu2 = nn.Conv2d(28, 48, 3), nn.PReLU(48)
        self.conv3, self.prelu3 = nn.Conv2d(48, 64, 2), nn.PReLU(64)
        self.dense4, self.prelu4 = nn.Linear(576, 128), nn.PReLU(128)
        self.dense5_1, self.dense5_2 = nn.Linear(128, 2), nn.Linear(128, 4)
        self.wide = nn.MaxPool2d(3, 2, ceil_mode=True)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return corners and logits (no face, face)."""
        x = self.wide(self.prelu1(self.conv1(images)))
        x = self.wide(self.prelu2(self.conv2(x)))
        x = self.prelu4(self.dense4(flat(self.prelu3(self.conv3(x)))))
        return self.dense5_2(x), self.dense5_1(x)


class ONet(nn.Module):
    """Crops (N, 3, 48, 48) in -1..1 to corners (N, 4), points, all x before all y, (N, 10), and two logits (N, 2).

    Corners and points are in fractions.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 32, 3), nn.PReLU(32)
        self.conv2, self.prelu2 = nn.Conv2d(32, 64, 3), nn.PReLU(64)
        self.conv3, self.prelu3 = nn.Conv2d(64, 64, 3), nn.PReLU(64)
        self.conv4, self.prelu4 = nn.Conv2d(64, 128, 2), nn.PReLU(128)
        self.dense5, self.prelu5 = nn.Linear(1152, 256), nn.PReLU(256)
        self.dense6_1, self.dense6_2, self.dense6_3 = nn.Linear(256, 2), nn.Linear(256, 4), nn.Linear(256, 10)
        self.wide = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.narrow = nn.MaxPool2d(2, 2, ceil_mode=True)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return corners, points and logits (no face, face)."""
        x = self.wide(self.prelu1(self.conv1(images)))
        x = self.wide(self.prelu2(self.conv2(x)))
        x = self.narrow(self.prelu3(self.conv3(x)))
        x = self.prelu5(self.dense5(flat(self.prelu4(self.conv4(x)))))
        return self.dense6_2(x), self.dense6_3(x), self.dense6_1(x)


Net = TypeVar("Net", PNet, RNet, ONet)
Nets = tuple[PNet, RNet, ONet]


def flat(maps: Tensor) -> Tensor:
    """Return (N, C h w): trained where arrays are (width, height), networks have their cells column by column."""
    return maps.permute(0, 3, 2, 1).flatten(1)


def load(config: Config, assets: Assets, device: str) -> Cropped | Finder:
    """Return the contestant; raises DataError for a file of something else, SetupError for an absent device."""
    at = precision.chosen(device)
    onet = read(assets.weights.file(config.file), ONet()).to(at)
    if config.given == "prompt":
        return Cropped(partial(located, net=onet), SIZE, config.pad, POINTS, "tfw5")
    pnet = read(assets.weights.file("pnet.pt"), PNet()).to(at)
    rnet = read(assets.weights.file("rnet.pt"), RNet()).to(at)
    return Finder(partial(faces, nets=(pnet, rnet, onet), config=config), "tfw5", "mtcnn")


def read(path: Path, net: Net) -> Net:
    """Return a network with a file of tensors, of which nothing else is unpickled; raises DataError for others."""
    try:
        net.load_state_dict(torch.load(path, weights_only=True, map_location="cpu"))
    except Exception as error:  # an unpickler and load_state_dict raise whatever a file makes them
        name, why = type(net).__name__.replace("Net", "-Net"), in_one_line(error)
        cause = f"{path.name} is no {name} of facenet-pytorch: {why}"
        raise DataError(cause, "bring the weights again") from error
    return net.eval().requires_grad_(False)


@torch.inference_mode()
def located(crops: NDArray[np.uint8], net: ONet) -> tuple[Floats, Floats]:
    """Return points (N, 5, 2) in fractions of crops (N, 48, 48, 3), and the probability of a face for each."""
    images = torch.from_numpy(crops).to(net.conv1.weight.device).permute(0, 3, 1, 2).float()
    _, points, logits = net(scaled(images))
    return placed(points), np.repeat(probability(logits)[:, None], POINTS, axis=1)


@torch.inference_mode()
def faces(image: Image, nets: Nets, config: Config) -> Instances:
    """Return the faces in an RGB image, best first.

    Boxes in here are those of MATLAB, which the networks were trained with: the first pixel is 1 and a box ends on
    its last one, so that a side is one more than the difference, where the publisher's code remembers it.
    """
    usable(image)
    pnet, rnet, onet = nets
    # A copy: pictures are read-only memory maps, of which PyTorch warns.
    picture = torch.tensor(image).to(pnet.conv1.weight.device).permute(2, 0, 1)[None].float()
    boxes = proposed(picture, pnet, config)
    boxes, crops = cut(picture, boxes, MIDDLE)
    corners, logits = rnet(crops)
    boxes, score, kept = surer(boxes, logits, config.thresholds[1])
    best = suppressed(boxes, score, AGAIN)
    boxes = square(moved(boxes[best], corners.cpu().numpy()[kept][best]))
    boxes, crops = cut(picture, boxes, SIZE)
    corners, points, logits = onet(crops)
    boxes, score, kept = surer(boxes, logits, config.thresholds[2])
    # A fraction of 0 is where the first pixel of the box begins: half a pixel before its centre.
    xy = boxes[:, None, :2] + placed(points)[kept] * (size(boxes) + 1)[:, None] - np.float32(1.5)
    boxes = moved(boxes, corners.cpu().numpy()[kept])
    best = apart(boxes, score, AGAIN)
    outline = boxes[best] - np.array([1.5, 1.5, 0.5, 0.5], np.float32)
    return Instances(xy[best], np.repeat(score[best, None], POINTS, axis=1), outline, score[best])


def proposed(picture: Tensor, net: PNet, config: Config) -> Floats:
    """Return square boxes (M, 4) that P-Net takes for faces in a picture (1, 3, H, W), 0..255, at any scale."""
    height, width = picture.shape[2:]
    scale = WINDOW / config.smallest
    none = np.zeros((0, 4), np.float32)
    scales = [(none, none[:, 0], none)]
    while min(height, width) * scale >= WINDOW:
        small = F.interpolate(picture, (int(height * scale + 1), int(width * scale + 1)), mode="area")
        offsets, logits = net(scaled(small))
        sure = logits.softmax(dim=1)[0, 1].cpu().numpy()
        rows, columns = np.nonzero(sure >= config.thresholds[0])
        first = STRIDE * np.stack([columns, rows], axis=1).astype(np.float32)
        windows = np.floor(np.concatenate([first + 1, first + WINDOW], axis=1) / np.float32(scale))
        best = suppressed(windows, sure[rows, columns], ONCE)
        corners = offsets[0].permute(1, 2, 0).cpu().numpy()[rows, columns]
        scales.append((windows[best], sure[rows, columns][best], corners[best]))
        scale *= config.factor
    boxes, scores, corners = (np.concatenate(parts) for parts in zip(*scales, strict=True))
    best = suppressed(boxes, scores, AGAIN)
    return square(boxes[best] + corners[best] * np.tile(size(boxes[best]), 2))


def cut(picture: Tensor, boxes: Floats, side: int) -> tuple[Floats, Tensor]:
    """Return the boxes that have a pixel of the picture, and what they show of it as crops (N, 3, side, side)."""
    height, width = picture.shape[2:]
    corners = np.trunc(boxes).astype(np.int64)
    near = np.maximum(corners[:, :2], 1) - 1
    far = np.minimum(corners[:, 2:], [width, height])
    seen = (far > near).all(axis=1)
    crops = [
        F.interpolate(picture[:, :, top:bottom, left:right], (side, side), mode="area")
        for (left, top), (right, bottom) in zip(near[seen], far[seen], strict=True)
    ]
    return boxes[seen], scaled(torch.cat([picture.new_zeros(0, 3, side, side), *crops]))


def scaled(images: Tensor) -> Tensor:
    """Return images of 0..255 as the networks were trained on them, -1..1."""
    return (images - 127.5) / 128


def surer(boxes: Floats, logits: Tensor, threshold: float) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Return the boxes that are more likely than `threshold` to be faces, their scores, and their rows."""
    score = probability(logits)
    rows = np.flatnonzero(score > threshold)
    return boxes[rows], score[rows], rows


def probability(logits: Tensor) -> Floats:
    """Return the probability (N,) of a face from logits (N, 2)."""
    return logits.softmax(dim=1)[:, 1].cpu().numpy()


def placed(points: Tensor) -> Floats:
    """Return points (N, 5, 2) of (N, 10), all x before all y."""
    return points.reshape(-1, 2, POINTS).transpose(1, 2).cpu().numpy()


def size(boxes: Floats) -> Floats:
    """Return far minus near corners (N, 2), which is a pixel less than MATLAB's boxes are wide and high."""
    return boxes[:, 2:] - boxes[:, :2]


def moved(boxes: Floats, corners: Floats) -> Floats:
    """Return boxes whose corners were moved by fractions of their sides."""
    return boxes + corners * np.tile(size(boxes) + 1, 2)


def square(boxes: Floats) -> Floats:
    """Return boxes with both sides as long as the longer one, about the same centre."""
    sides = size(boxes)
    longest = sides.max(axis=1, keepdims=True)
    near = boxes[:, :2] + sides * np.float32(0.5) - longest * np.float32(0.5)
    return np.concatenate([near, near + longest], axis=1)


def apart(boxes: Floats, score: Floats, overlap: float) -> NDArray[np.int64]:
    """Return which boxes are left, best first, when none may share more than `overlap` of the smaller of two."""
    area = (size(boxes) + 1).prod(axis=1)
    left, kept = np.argsort(-score, kind="stable"), []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        far, near = np.minimum(boxes[best, 2:], boxes[left, 2:]), np.maximum(boxes[best, :2], boxes[left, :2])
        shared = np.clip(far - near + 1, 0, None).prod(axis=1)
        left = left[shared <= overlap * np.minimum(area[best], area[left])]
    return np.array(kept, np.int64)
