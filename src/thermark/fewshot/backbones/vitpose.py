"""The backbone of ViTPose+ (Xu et al. 2022, arXiv 2212.04246), for checkpoints with any number of key points.

transformers gives it position embeddings of one input size, 256 x 192 px (height x width), and no way to stretch
them. So square crops are squeezed to that size, and the map of a crop has more rows than columns: (768, 16, 12).
A head that puts its own maps on a square undoes this; what is lost is a quarter of the horizontal resolution.
"""

from typing import Any

import torch
from pydantic import NonNegativeInt
from torch import Tensor
from torch.nn import functional as F

from thermark.core.bundle import Bundle
from thermark.core.errors import DataError
from thermark.fewshot import backbone
from thermark.fewshot.backbone import Backbone, BackboneOptions
from thermark.nets import pretrained
from thermark.nets.pretrained import VitPoseConfig, VitPoseForPoseEstimation
from thermark.train import precision


class Config(BackboneOptions):
    """`expert`: which of the experts looks, 5 for COCO-WholeBody; `config.json` of the bundle tells the rest."""

    expert: NonNegativeInt = 5


def load(config: Config, bundle: Bundle, device: str) -> Backbone:
    """Load the backbone of a pose network.

    Raises DataError for files that are absent, damaged or unlike their card, or without the expert;
    SetupError for an absent device.
    """
    at = precision.chosen(device)
    about = pretrained.described(bundle.file("config.json"), VitPoseConfig)
    inner: Any = about.backbone_config
    if inner.num_experts > 1 and config.expert >= inner.num_experts:
        raise DataError(
            f"{bundle.folder.name} has {inner.num_experts} experts", f"`expert: 0` to `{inner.num_experts - 1}`"
        )
    pretrained.require_card(bundle, config.file, {"channels": "rgb"})
    net = pretrained.built(VitPoseForPoseEstimation, about, bundle.file(config.file)).backbone
    size = tuple(inner.image_size)
    grid = (size[0] // inner.patch_size[0], size[1] // inner.patch_size[1])

    def maps(images: Tensor) -> Tensor:
        images = F.interpolate(images, size, mode="bilinear", align_corners=False, antialias=True)
        expert = torch.full((len(images),), config.expert, device=at) if inner.num_experts > 1 else None
        tokens = net(pixel_values=images, dataset_index=expert).feature_maps[-1]
        return tokens.transpose(1, 2).unflatten(2, grid)  # type: ignore[no-any-return]

    return backbone.frozen(net, maps, inner.hidden_size, config, bundle, at)
