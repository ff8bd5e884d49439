"""O-Net, the last network of MTCNN (Zhang et al. 2016, arXiv 1604.02878): five points in a box that it is told.

Weights and layers are those of facenet-pytorch 2.6.0 (MIT). What finds faces before it, P-Net and R-Net, is not
used.
"""

from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import PositiveFloat
from torch import nn

from thermark.core.bundle import Bundle
from thermark.core.config import Section
from thermark.core.errors import DataError
from thermark.learn import precision
from thermark.zeroshot.cropped import Cropped

SIZE, POINTS = 48, 5


class Config(Section):
    """`file` of the bundle `weights`; `pad`: how many longer sides of the prompt the crop shows."""

    family: str
    weights: str
    file: str = "onet.pt"
    pad: PositiveFloat = 1.1


class ONet(nn.Module):
    """Crops (N, 3, 48, 48) in -1..1 to points, all x before all y, (N, 10) in fractions, and two logits (N, 2)."""

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

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return points and logits (no face, face)."""
        x = self.wide(self.prelu1(self.conv1(images)))
        x = self.wide(self.prelu2(self.conv2(x)))
        x = self.narrow(self.prelu3(self.conv3(x)))
        # Trained where arrays are (width, height): cells are flattened column by column.
        x = self.prelu4(self.conv4(x)).permute(0, 3, 2, 1).reshape(len(images), -1)
        x = self.prelu5(self.dense5(x))
        return self.dense6_3(x), self.dense6_1(x)


def load(config: Config, bundle: Bundle, device: str) -> Cropped:
    """Return the contestant; raises DataError for a file of something else, SetupError for an absent device."""
    at = precision.chosen(device)
    net = read(bundle.file(config.file)).to(at)
    return Cropped(partial(answer, net=net), SIZE, config.pad, POINTS, "tfw5")


def read(path: Path) -> ONet:
    """Return the network in a file of tensors, of which nothing else is unpickled; raises DataError for others."""
    net = ONet()
    try:
        net.load_state_dict(torch.load(path, weights_only=True, map_location="cpu"))
    except Exception as error:  # an unpickler and load_state_dict raise whatever a file makes them
        why = " ".join(str(error).split())[:200]
        raise DataError(f"{path.name} is no O-Net of facenet-pytorch: {why}", "bring the weights again") from error
    return net.eval().requires_grad_(False)


@torch.inference_mode()
def answer(crops: NDArray[np.uint8], net: ONet) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return points (N, 5, 2) in fractions of crops (N, 48, 48, 3), and the probability of a face for each."""
    images = torch.from_numpy(crops).to(net.conv1.weight.device).permute(0, 3, 1, 2).float()
    points, logits = net((images - 127.5) / 128)
    xy = points.reshape(-1, 2, POINTS).transpose(1, 2).cpu().numpy()
    score = logits.softmax(dim=1)[:, 1:].cpu().numpy()
    return xy, np.repeat(score, POINTS, axis=1)
