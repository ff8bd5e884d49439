"""TFAN (Flotho et al. 2025, arXiv 2408.15127), T-FAKE's own thermal landmarker: 70 or 478 points in a box.

Source: openscivision/thermal-face-alignment, core/models.py, and phflot/tfake, LandmarkerCode, for how it was
trained. Its network is timm's `mobilenetv2_100` (Apache-2.0) with one linear layer; the layers are ours.
"""

from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import PositiveFloat
from torch import Tensor, nn
from torch.nn import functional as F

from thermark.core.errors import DataError, in_one_line
from thermark.models.inference.contract import Assets, BundleConfig, Image
from thermark.models.inference.cropped import Cropped
from thermark.nets import state_dict_file
from thermark.nets.mobilenet import STAGES, MobileNetV2
from thermark.nets.pixels import normalised
from thermark.train import precision

SIZE = 224
VOCABULARIES = {70: "facesynthetics70", 478: "mediapipe478"}
# It learned fractions of pictures of 512 px, counted from the centre of the first pixel.
FIRST = 0.5 / 512
LEAST = 1e-6  # of a variance: where its loss clamped it


class Config(BundleConfig):
    """`file` of the bundle `weights`; `pad`: how many longer sides of the box the crop shows, as published.

    `trained_on`: which of our face sets have pictures that it learned from: those of the real T-FAKE.
    """

    file: str
    pad: PositiveFloat = 1.25
    trained_on: tuple[str, ...] = ()


class TFAN(nn.Module):
    """Normalised crops (N, 3, 224, 224) to points and their variances (N, K, 3) in fractions of the crop."""

    def __init__(self, points: int) -> None:
        super().__init__()
        self.backbone = MobileNetV2()
        self.fc = nn.Linear(self.backbone.channels, 3 * points)

    def forward(self, images: Tensor) -> Tensor:
        """Return x, y and the variance; none is bound to 0..1, and a variance may be slightly negative."""
        features = self.backbone(images).mean(dim=(2, 3))
        return F.leaky_relu(self.fc(features).unflatten(1, (-1, 3)))


def load(config: Config, assets: Assets, device: str) -> Cropped:
    """Return the contestant; raises DataError for a file of something else, SetupError for an absent device."""
    at = precision.chosen(device)
    net = read(assets.weights.file(config.file)).to(at)
    points = net.fc.out_features // 3
    return Cropped(
        partial(located, net=net),
        SIZE,
        config.pad,
        points,
        VOCABULARIES[points],
        trained_on=config.trained_on,
        prepare=stretched,
    )


def read(path: Path) -> TFAN:
    """Return the network in a file of tensors, of which nothing else is unpickled; raises DataError for others."""
    named, layers = state_dict_file.read(path), renamed()
    try:
        net = TFAN(len(named["fc.bias"]) // 3)
        VOCABULARIES[net.fc.out_features // 3]
        # Its authors' loader ignores a classifier, which the features need not have.
        kept = {
            name: weight for name, weight in named.items() if not name.startswith("feature_network.classifier.")
        }
        net.load_state_dict({_own(name, layers): weight for name, weight in kept.items()})
    except (KeyError, TypeError, AttributeError, RuntimeError) as error:
        cause = f"{path.name} is no TFAN of 70 or 478 points: {in_one_line(error)}"
        raise DataError(cause, "bring the weights again") from error
    return net.eval().requires_grad_(False)


def renamed() -> dict[str, str]:
    """Return timm's name of each layer of a MobileNetV2 -> ours."""
    names = {"conv_stem": "stem.conv", "bn1": "stem.bn", "conv_head": "last.conv", "bn2": "last.bn"}
    number = 0
    for stage, (expansion, _, count, _) in enumerate(STAGES):
        parts = {"expand": "conv_pw", "depthwise": "conv_dw", "project": "conv_pwl"}
        if expansion == 1:
            parts = {"depthwise": "conv_dw", "project": "conv_pw"}
        for block in range(count):
            for place, (ours, conv) in enumerate(parts.items(), start=1):
                names[f"blocks.{stage}.{block}.{conv}"] = f"blocks.{number}.{ours}.conv"
                names[f"blocks.{stage}.{block}.bn{place}"] = f"blocks.{number}.{ours}.bn"
            number += 1
    return names


def _own(name: str, layers: dict[str, str]) -> str:
    """Return our name of an entry; raises KeyError for a layer that is not in the table."""
    if not name.startswith("feature_network."):
        return name
    layer, _, kind = name.removeprefix("feature_network.").rpartition(".")
    return f"backbone.{layers[layer]}.{kind}"


def stretched(image: Image) -> Image:
    """Return a grey picture (H, W, 3) with its least value at 0 and its highest at 255, one in colour as it is."""
    if (image != image[..., :1]).any() or image.min() == image.max():
        return image
    low, high = float(image.min()), float(image.max())
    rescaled: Image = np.rint((image - low) * (255 / (high - low))).astype(np.uint8)
    return rescaled


@torch.inference_mode()
def located(crops: NDArray[np.uint8], net: TFAN) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return points (N, K, 2) in fractions of RGB crops (N, 224, 224, 3) from their outline, and scores (N, K).

    A score is 1 less the standard deviation in sides of the crop: what it calls a confidence is a variance.
    """
    output = net(normalised(crops, net.fc.weight.device)).float().cpu().numpy()
    return output[..., :2] + np.float32(FIRST), 1 - np.sqrt(np.clip(output[..., 2], LEAST, 1))
