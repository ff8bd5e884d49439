"""The backbone of Sapiens2 (Khirodkar et al. 2026, arXiv 2604.21681): what its pose head is given.

That is the last hidden state after the final norm, without the class token and the registers, on the grid of
patches: (1024, 16, 16) for 0.4B and pictures of 256 px. It is taken out of the pose network, for a pose checkpoint
finds none of its keys in the bare backbone of transformers, which then stays random.
"""

from typing import Any

from torch import Tensor

from thermark.core.bundle import Bundle
from thermark.core.errors import DataError
from thermark.fewshot import backbone
from thermark.fewshot.backbone import Backbone, BackboneOptions
from thermark.nets import pretrained, sapiens2_pose
from thermark.train import precision


class Config(BackboneOptions):
    """The options that every backbone has, and no others."""


def load(config: Config, bundle: Bundle, device: str) -> Backbone:
    """Load the backbone of a pose network.

    Raises DataError for files that are absent, damaged or unlike their card, SetupError for an absent
    device. The backbone raises DataError for pictures that are no whole number of patches.
    """
    at = precision.chosen(device)
    path = bundle.file(config.file)
    pretrained.require_card(bundle, config.file, {"channels": "rgb"})
    net = sapiens2_pose.load_pose_model(path).model
    return backbone.frozen(net, lambda images: features(net, images), net.config.hidden_size, config, bundle, at)


def features(net: Any, images: Tensor) -> Tensor:
    """Return the tokens of normalised images (N, 3, H, W) on their grid (N, C, H / patch, W / patch).

    `net` is a `Sapiens2Model` of transformers. Raises DataError for pictures that are no whole number of patches.
    """
    patch, prefix = net.config.patch_size, 1 + net.config.num_register_tokens
    height, width = images.shape[2:]
    if height % patch or width % patch:
        raise DataError(f"crops of {width} x {height} px are no whole patches of {patch} px", "make other crops")
    tokens = net(pixel_values=images).last_hidden_state[:, prefix:]
    return tokens.transpose(1, 2).unflatten(2, (height // patch, width // patch))  # type: ignore[no-any-return]
