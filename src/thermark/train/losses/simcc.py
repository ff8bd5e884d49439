"""Kullback-Leibler divergence from SimCC labels: the supervised loss of RTMPose."""

from torch import Tensor

from thermark.train.codecs.simcc import Pair, SimCC
from thermark.train.divergence import BETA, by_bin
from thermark.train.losses import Targets


def loss(outputs: Pair, targets: Targets, codec: SimCC) -> Tensor:
    """Return the divergence of the logits `outputs` from the labels of `targets`, a scalar."""
    labels, weight = codec.encode(targets.xy, targets.weight)
    return divergence(outputs, labels, weight)


def divergence(logits: Pair, labels: Pair, weight: Tensor, beta: float = BETA) -> Tensor:
    """Return sum over n, k and both axes of weight x mean over bins of q (log q - p), divided by K.

    p is the log-softmax of beta x logits and q the softmax of beta x label; float32 also under autocast. Sums over
    the batch are not divided by N: the loss grows with the batch, as in the published training.
    """
    total = logits[0].new_zeros((), dtype=logits[0].float().dtype)
    for predicted, label in zip(logits, labels, strict=True):
        total = total + (by_bin(label, predicted, beta).mean(dim=-1) * weight).sum()
    return total / weight.shape[1]
