"""Kullback-Leibler divergence from SimCC labels: the supervised loss of RTMPose."""

from torch import Tensor
from torch.nn import functional as F

from thermark.learn.simcc import Pair, encode
from thermark.learn.targets import Targets

BETA = 10.0


def loss(outputs: Pair, targets: Targets) -> Tensor:
    """Return the divergence of the logits `outputs` from the labels of `targets`, a scalar."""
    labels, weight = encode(targets.xy, targets.weight, targets.size, label=targets.label)
    return divergence(outputs, labels, weight)


def divergence(logits: Pair, labels: Pair, weight: Tensor, beta: float = BETA) -> Tensor:
    """Return sum over n, k and both axes of weight x mean over bins of q (log q - p), divided by K.

    p is the log-softmax of beta x logits and q the softmax of beta x label; float32 also under autocast. Sums over
    the batch are not divided by N: the loss grows with the batch, as in the published training.
    """
    total = logits[0].new_zeros((), dtype=logits[0].float().dtype)
    for predicted, label in zip(logits, labels, strict=True):
        log_p = F.log_softmax(predicted.float() * beta, dim=-1)
        log_q = F.log_softmax(label.float() * beta, dim=-1)
        per_point = F.kl_div(log_p, log_q, reduction="none", log_target=True).mean(dim=-1)
        total = total + (per_point * weight).sum()
    return total / weight.shape[1]
