"""ViTPose+ (Xu et al. 2022, arXiv 2212.04246) with its COCO-WholeBody expert, through transformers.

The checkpoints that were published for transformers have the head of COCO, 17 points, for all experts: a body's
nose and no nostrils. They are refused with that reason; one with 133 points runs.
"""

from typing import Any

import cv2
import torch
from pydantic import NonNegativeInt
from torch import Tensor

from thermark import landmarks
from thermark.core.errors import DataError
from thermark.models.inference import topdown
from thermark.models.inference.boxes import person_detector
from thermark.models.inference.contract import Assets, Unavailable
from thermark.models.inference.topdown import TopDown, TorchConfig
from thermark.nets import pretrained
from thermark.nets.pretrained import VitPoseConfig, VitPoseForPoseEstimation
from thermark.train import precision

VOCABULARY = "coco_wholebody133"
# Of the blur before the refinement, in heat-map pixels, as in transformers.
SIGMA = 0.8


class Config(TorchConfig):
    """`expert`: which of the experts predicts, 5 for COCO-WholeBody; the rest is in the bundle's `config.json`."""

    expert: NonNegativeInt = 5


def load(config: Config, assets: Assets, device: str) -> TopDown:
    """Load the network and its detector.

    Raises Unavailable when the head has another number of points than COCO-WholeBody; DataError for files that
    are absent, damaged or unlike their card, or without the expert; SetupError for an absent device.
    """
    at = precision.chosen(device)
    name = assets.weights.folder.name
    about = pretrained.described(assets.weights.file("config.json"), VitPoseConfig)
    if about.num_labels != len(landmarks.load(VOCABULARY)):
        raise Unavailable(f"{name} has {about.num_labels} key points: no nose row in its head")
    backbone: Any = about.backbone_config
    experts = backbone.num_experts
    if experts > 1 and config.expert >= experts:
        raise DataError(f"{name} has {experts} experts", f"`expert: 0` to `{experts - 1}`")
    height, width = backbone.image_size
    expected = {"vocabulary": VOCABULARY, "channels": "rgb", "input_size": [width, height]}
    pretrained.require_card(assets.weights, config.file, expected)
    net = pretrained.built(VitPoseForPoseEstimation, about, assets.weights.file(config.file))
    compute = topdown.computing(net, config.dtype, at)
    find, source = person_detector(config, assets.weights, device)

    def forward(inputs: Tensor) -> Tensor:
        expert = torch.full((len(inputs),), config.expert, device=at) if experts > 1 else None
        return compute(pixel_values=inputs, dataset_index=expert)

    return TopDown(
        forward=forward,
        vocabulary=VOCABULARY,
        given=config.given,
        box_source=source,
        size=(height, width),
        device=at,
        sigma=SIGMA,
        flip=config.flip,
        batch=config.batch,
        enlarge=cv2.INTER_LINEAR,
        find=find,
    )
