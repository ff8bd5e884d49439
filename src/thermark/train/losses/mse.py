"""Mean squared error of heat maps: the loss of the tiny heads."""

from torch import Tensor

from thermark.train.codecs.heatmap import Heatmap
from thermark.train.losses import Targets


def loss(outputs: Tensor, targets: Targets, codec: Heatmap) -> Tensor:
    """Return the mean over labelled points of the mean squared error of their maps (N, K, H, W), 0 for none."""
    labels, weight = codec.encode(targets.xy, targets.weight)
    errors = (outputs - labels).square().mean(dim=(2, 3))
    return (errors * weight).sum() / weight.sum().clamp(min=1)
