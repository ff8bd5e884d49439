"""The 68-point networks of face-api.js (MIT): separable convolutions on 112 px, weights of a byte each.

Source: @vladmandic/face-api 1.7.15, src/faceFeatureExtractor and src/faceLandmarkNet, with the files of weights in
the package. Only the way from crop to points is done again here; face-api's own detectors are not used.
"""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import PositiveFloat
from torch import Tensor
from torch.nn import functional as F

from thermark.core.errors import DataError
from thermark.models.inference.contract import Assets, BundleConfig
from thermark.models.inference.cropped import Cropped
from thermark.train import precision

MEAN = (122.782, 117.001, 104.298)
SIZE, POINTS = 112, 68
Weights = Mapping[str, Tensor]


class Config(BundleConfig):
    """Which of the two networks: `file` of the bundle `weights`, without .bin; beside it lies a table of tensors.

    `pad`: how many longer sides of the prompt the crop shows.
    """

    file: str = "face_landmark_68_model"
    pad: PositiveFloat = 1.1


def load(config: Config, assets: Assets, device: str) -> Cropped:
    """Return the contestant; raises DataError for files of something else, SetupError for an absent device."""
    at = precision.chosen(device)
    table = assets.weights.file(f"{config.file}-weights_manifest.json")
    weights = {
        name: tensor.to(at) for name, tensor in read(table, assets.weights.file(f"{config.file}.bin")).items()
    }
    return Cropped(partial(located, weights=weights), SIZE, config.pad, POINTS, "ibug68")


def read(table: Path, packed: Path) -> Weights:
    """Return name -> float32 tensor: bytes times `scale` plus `min`, one after the other, as TF.js packs them.

    Filters are (out, in, h, w), depthwise ones (c, 1, h, w). Raises DataError for files that do not fit.
    """
    try:
        (group,) = json.loads(table.read_text(encoding="utf-8"))
        entries = [(weight["name"], weight["shape"], weight["quantization"]) for weight in group["weights"]]
        sizes = [int(np.prod(shape)) for _, shape, _ in entries]
        parts = np.split(np.fromfile(packed, np.uint8), np.cumsum(sizes))
        if len(parts[-1]) or [len(part) for part in parts[:-1]] != sizes:
            raise ValueError("of another size than its table says")
        return {
            name: _arranged(name, (part.astype(np.float64) * how["scale"] + how["min"]).reshape(shape))
            for part, (name, shape, how) in zip(parts, entries, strict=False)
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{packed.name} is no network of face-api: {error}", "bring the weights again") from error


def _arranged(name: str, array: NDArray[np.float64]) -> Tensor:
    """Return filters as PyTorch has them; TensorFlow's are (h, w, in, out), depthwise ones (h, w, c, 1)."""
    if array.ndim == 4:
        array = array.transpose(2, 3, 0, 1) if name.endswith("depthwise_filter") else array.transpose(3, 2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))


@torch.inference_mode()
def located(crops: NDArray[np.uint8], weights: Weights) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return points (N, 68, 2) in fractions of crops (N, 112, 112, 3), and scores of 1: the network has none."""
    bias = weights["fc/bias"]
    images = torch.from_numpy(crops).to(bias.device).float()
    x = ((images - torch.tensor(MEAN, device=bias.device)) / 255).permute(0, 3, 1, 2)
    count = 1 + max(int(name[len("dense")]) for name in weights if name.startswith("dense"))
    for number in range(count):
        x = block(x, weights, f"dense{number}")
    points = x.mean(dim=(2, 3)) @ weights["fc/weights"] + bias
    return points.reshape(-1, POINTS, 2).cpu().numpy(), np.ones((len(crops), POINTS), np.float32)


def block(x: Tensor, weights: Weights, name: str) -> Tensor:
    """Return half the side: a convolution of stride 2, then separable ones that see the sum of all before."""
    total = x = F.relu(_convolved(x, weights, f"{name}/conv0", 2))
    for number in range(1, sum(key.startswith(f"{name}/") and key.endswith("/bias") for key in weights)):
        total = total + _convolved(x, weights, f"{name}/conv{number}", 1)
        x = F.relu(total)
    return x


def _convolved(x: Tensor, weights: Weights, name: str, stride: int) -> Tensor:
    # TensorFlow's `same`: at stride 2 an even side is padded behind only.
    x = F.pad(x, (0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1))
    bias = weights[f"{name}/bias"]
    if f"{name}/filters" in weights:
        return F.conv2d(x, weights[f"{name}/filters"], bias, stride)
    depthwise = weights[f"{name}/depthwise_filter"]
    x = F.conv2d(x, depthwise, stride=stride, groups=len(depthwise))
    return F.conv2d(x, weights[f"{name}/pointwise_filter"], bias)
