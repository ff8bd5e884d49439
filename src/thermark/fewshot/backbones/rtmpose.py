"""The backbone of a run of ours, such as the RGB teacher: CSPNeXt, one or more of its stages."""

from typing import Literal

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn
from torch.nn import functional as F

from thermark.core.bundle import Bundle
from thermark.core.errors import DataError
from thermark.fewshot import backbone
from thermark.fewshot.backbone import Backbone, BackboneOptions
from thermark.nets import card
from thermark.nets.cspnext import BLOCKS, CSPNeXt
from thermark.nets.pixels import MEAN, STD
from thermark.train import precision

Stage = Literal[1, 2, 3, 4]


class Config(BackboneOptions):
    """`stages`: whose outputs make the map, the finest of them its grid; stage n has cells of 2 ** (n + 1) px."""

    file: Literal["model.safetensors"] = "model.safetensors"
    stages: tuple[Stage, ...] = Field(default=(3, 4), min_length=1)

    @field_validator("stages")
    @classmethod
    def _each_once(cls, stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
        if list(stages) != sorted(set(stages)):
            raise ValueError("stages must ascend, each named once")
        return stages


def load(config: Config, bundle: Bundle, device: str) -> Backbone:
    """Load the network of a bundle that holds `model.safetensors` and `model.json`.

    Raises DataError for files that are absent or damaged and for other statistics of the input than ours,
    SetupError for an absent device.
    """
    at = precision.chosen(device)
    for name in (config.file, "model.json"):
        bundle.file(name)
    model, about = card.read(bundle.folder)
    if (about.mean, about.std) != (MEAN, STD):
        raise DataError(f"{bundle.folder.name} was trained with other statistics of pixels", "export another run")
    net = model.backbone
    if not isinstance(net, CSPNeXt):
        raise DataError(f"{bundle.folder.name} is no CSPNeXt", "export a run of size t, s, m, l or x")
    shorten(net, config.stages)
    # Each stage is twice as wide as the one before it.
    channels = sum(net.channels >> len(BLOCKS) - stage for stage in config.stages)
    return backbone.frozen(net, lambda images: features(net, images, config.stages), channels, config, bundle, at)


def shorten(net: CSPNeXt, stages: tuple[Stage, ...]) -> None:
    """Take away what comes after the last of these stages."""
    for stage in range(stages[-1] + 1, len(BLOCKS) + 1):
        net.set_submodule(f"stage{stage}", nn.Identity())


def features(net: CSPNeXt, images: Tensor, stages: tuple[Stage, ...]) -> Tensor:
    """Return the outputs of ascending stages of normalised images (N, 3, H, W) along channels, float32.

    Coarser ones are brought to the grid of the finest.
    """
    outputs = []
    x = net.stem(images)
    for stage in range(1, stages[-1] + 1):
        x = net.get_submodule(f"stage{stage}")(x)
        if stage in stages:
            outputs.append(finer(x.float(), 2 ** (stage - stages[0])))
    height, width = outputs[0].shape[2:]
    return torch.cat([output[:, :, :height, :width] for output in outputs], dim=1)


def finer(maps: Tensor, times: int) -> Tensor:
    """Return maps (N, C, h, w) on a grid that is `times` finer (N, C, h * times, w * times), bilinearly.

    Cell i of the coarse grid lies on cell i * times of the fine one: a convolution of stride 2 looks from every
    other cell of its input, the first included. Behind the last, maps go on as they end.
    """
    height, width = maps.shape[2:]
    more = F.pad(maps, (0, 1, 0, 1), mode="replicate")
    size = (height * times + 1, width * times + 1)
    return F.interpolate(more, size, mode="bilinear", align_corners=True)[:, :, :-1, :-1]
