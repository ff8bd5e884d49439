"""Sapiens2 (Khirodkar et al. 2026, arXiv 2604.21681): 308 points from heat maps, at 1024 x 768 pixels.

Boxes are enlarged by 1.25, heat maps of the mirror image averaged in, points refined without bias, all as
published; what is around the network is our own, for that of transformers needs torchvision. The published code
rotates queries and keys in bfloat16, transformers in float32: results differ by about a thousandth.
"""

from pydantic import PositiveInt, model_validator

from thermark import landmarks
from thermark.core.errors import DataError
from thermark.models.inference import topdown
from thermark.models.inference.boxes import person_detector
from thermark.models.inference.contract import Assets
from thermark.models.inference.topdown import TopDown, TorchConfig
from thermark.nets import pretrained
from thermark.nets.sapiens2_pose import load_pose_model
from thermark.train import precision

VOCABULARY = "sapiens308"
PATCH = 16
# Of the blur before the refinement, in heat-map pixels: what OpenCV makes of a kernel of 11.
SIGMA = 2.0


class Config(TorchConfig):
    """`size`: height and width of the input in pixels; the network takes any multiples of its patches."""

    size: tuple[PositiveInt, PositiveInt] = (1024, 768)

    @model_validator(mode="after")
    def _whole_patches(self) -> "Config":
        if self.size[0] % PATCH or self.size[1] % PATCH:
            raise ValueError(f"size must be multiples of {PATCH}")
        return self


def load(config: Config, assets: Assets, device: str) -> TopDown:
    """Load the network and its detector.

    Raises DataError for files that are absent, damaged or unlike their card, and SetupError for an absent
    device.
    """
    at = precision.chosen(device)
    path = assets.weights.file(config.file)
    pretrained.require_card(assets.weights, config.file, {"vocabulary": VOCABULARY, "channels": "rgb"})
    net = load_pose_model(path)
    points = len(landmarks.load(VOCABULARY))
    if net.config.num_labels != points:
        raise DataError(
            f"{config.file} has {net.config.num_labels} points, {VOCABULARY} has {points}", pretrained.AGAIN
        )
    compute = topdown.computing(net, config.dtype, at)
    find, source = person_detector(config, assets.weights, device)
    return TopDown(
        forward=lambda inputs: compute(pixel_values=inputs),
        vocabulary=VOCABULARY,
        given=config.given,
        box_source=source,
        size=config.size,
        device=at,
        sigma=SIGMA,
        flip=config.flip,
        batch=config.batch,
        find=find,
    )
