"""A frozen network that turns pictures into feature maps: one interface for all families in backbones/.

A module there exposes `Config` (Options and what is its own) and `load(config, bundle, device) -> Backbone`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import PositiveInt
from torch import Tensor, nn

from thermark.core import files
from thermark.core.bundle import Bundle
from thermark.core.config import Section, nearest, parse
from thermark.core.errors import ConfigError
from thermark.nets.pixels import normalised
from thermark.train import precision
from thermark.train.precision import Dtype, Precision

Maps = Callable[[Tensor], Tensor]


class BackboneOptions(Section):
    """The options that every backbone has.

    `family`: its module in backbones/; `file` of the bundle `weights` holds the network. `dtype`: of the
    computation; weights stay float32, and auto takes bfloat16 where the hardware has it. `batch`: pictures
    at once.
    """

    family: str
    weights: str
    file: str = "model.safetensors"
    dtype: Dtype = "auto"
    batch: PositiveInt = 8


@dataclass(frozen=True)
class Backbone:
    """A network `forward`: normalised pictures (N, 3, S, S) float32 to feature maps (N, `channels`, h, w).

    `section`: the settings it was loaded with, plain data; `sha256` of its file of weights; `trained_on`: the face
    sets of ours that it has learned from; `precision`: what `dtype` means on this machine.
    """

    forward: Maps
    section: Mapping[str, Any]
    sha256: str
    channels: int
    trained_on: tuple[str, ...]
    device: torch.device
    batch: int
    precision: Precision = "fp32"

    def __call__(self, pixels: NDArray[np.uint8]) -> Tensor:
        """Return maps (N, C, h, w), float32 on `device` in plain memory order, without a gradient.

        `pixels`: uint8 pictures, grey (N, S, S) or RGB (N, S, S, 3), for a memmap a batch at a time.
        """
        if not len(pixels):
            return self(np.zeros((1, *pixels.shape[1:]), np.uint8))[:0]
        starts = range(0, len(pixels), self.batch)
        # Joined outside of inference mode, or no head could learn from the maps.
        return torch.cat([self._maps(np.array(pixels[start : start + self.batch])) for start in starts])

    def grid(self, side: int) -> tuple[int, int]:
        """Return (h, w) of the maps of pictures of `side` pixels."""
        height, width = self(np.zeros((1, side, side), np.uint8)).shape[2:]
        return height, width

    @torch.inference_mode()
    def _maps(self, pixels: NDArray[np.uint8]) -> Tensor:
        return self.forward(normalised(pixels, self.device)).float().contiguous()


def frozen(
    net: nn.Module, maps: Maps, channels: int, config: BackboneOptions, bundle: Bundle, device: torch.device
) -> Backbone:
    """Return a Backbone that computes `maps` with `net`, which is moved to the device and learns no more."""
    precision.placed(net, device).eval().requires_grad_(False)
    exact = precision.exactness(config.dtype, device)

    def forward(images: Tensor) -> Tensor:
        with precision.autocast(exact, device):
            return maps(images)

    return Backbone(
        forward=forward,
        section=config.model_dump(mode="json"),
        sha256=files.sha256(bundle.file(config.file)),
        channels=channels,
        trained_on=tuple(bundle.cards[config.file].get("face_sets", ())),
        device=device,
        batch=config.batch,
        precision=exact,
    )


class PackageAbsent(Exception):
    """A package that a backbone needs is not installed."""


def load(name: str, settings: Mapping[str, Any], weights: Bundle, device: str) -> Backbone:
    """Return the backbone that a section describes, which is that of its family's Config.

    Raises PackageAbsent for want of a package, ConfigError for an unknown family or setting, and what its module
    raises.
    """
    family = str(settings.get("family"))
    try:
        module = import_module(f"thermark.fewshot.backbones.{family}")
    except ModuleNotFoundError as error:
        if str(error.name).startswith("thermark"):
            families = [path.stem for path in Path(__file__).parent.glob("backbones/[a-z]*.py")]
            raise ConfigError(f"{name}.family is {family}", nearest(family, sorted(families))) from error
        raise PackageAbsent(f"the package {error.name} is not installed") from error
    return module.load(parse(settings, module.Config, name), weights, device)  # type: ignore[no-any-return]
