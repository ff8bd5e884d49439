"""ViTPose++ (Xu et al. 2022, arXiv 2212.04246) whole-body heads as ONNX: 133 points, through onnxruntime.

Files as easy_ViTPose's export.py writes them (JunkyByte, Apache-2.0): normalised RGB pictures in, heat maps of a
quarter of their sides out. Boxes become inputs as in the published ViTPose, not with that project's own padding.
"""

import cv2
import numpy as np
import torch
from torch import Tensor

from thermark import landmarks
from thermark.core.errors import DataError
from thermark.models.inference import sessions
from thermark.models.inference.boxes import person_detector
from thermark.models.inference.contract import Assets
from thermark.models.inference.topdown import HeatmapConfig, TopDown

# Of the blur before the refinement, in heat-map pixels: OpenCV's own for the published kernel of 11.
SIGMA = 2.0
STRIDE = 4
VOCABULARY = "coco_wholebody133"


class Config(HeatmapConfig):
    """`file` of the bundle `weights` is the network; its card states the input's size."""

    file: str = "pose.onnx"


def load(config: Config, assets: Assets, device: str) -> TopDown:
    """Open the network and its detector, and run each once.

    Raises DataError for files that are absent, damaged or unlike their card (input size, number of points,
    vocabulary, channel order), and SetupError for an absent device.
    """
    path, card = assets.weights.file(config.file), assets.weights.cards[config.file]
    if (card.get("channels"), card.get("vocabulary")) != ("rgb", VOCABULARY):
        raise DataError(f"the card of {path.name} does not state rgb and {VOCABULARY}", "take the manifest's own")
    width, height = sessions.image_size(assets.weights, config.file)
    net = sessions.opened(path, device, config.threads)
    shapes = [output.shape for output in sessions.tried(net, path.name, (width, height))]
    expected = [(1, len(landmarks.load(VOCABULARY)), height // STRIDE, width // STRIDE)]
    if shapes != expected:
        raise DataError(
            f"{path.name} answers {shapes}, its card means {expected}", "take the file that belongs to the card"
        )
    find, source = person_detector(config, assets.weights, device)

    def forward(inputs: Tensor) -> Tensor:
        return torch.from_numpy(sessions.run(net, np.ascontiguousarray(inputs.numpy()))[0])

    return TopDown(
        forward=forward,
        vocabulary=VOCABULARY,
        given=config.given,
        box_source=source,
        size=(height, width),
        device=torch.device("cpu"),
        sigma=SIGMA,
        flip=config.flip,
        batch=config.batch,
        enlarge=cv2.INTER_LINEAR,
        find=find,
        ran_on={"pose": net.get_providers()},
    )
