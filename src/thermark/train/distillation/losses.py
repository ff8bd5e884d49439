"""The losses of MLCM-KD (arXiv 2510.11128), with the reductions that its published gradient norms allow."""

from typing import Literal

from torch import Tensor

from thermark.train.codecs.simcc import Pair
from thermark.train.divergence import BETA, by_bin


def features(teacher: Tensor, student: Tensor, reduction: Literal["mean", "sum"] = "mean") -> Tensor:
    """Return the squared distance of two feature maps (N, C, H, W), a float32 scalar: L_fm, equation 1.

    `mean` is the equation as printed, over N, C, H and W. `sum` adds over C, H and W and divides by N only, as
    DWPose's code does: larger by C x H x W, so its weight must be smaller (7e-6 keeps DWPose's balance with kp).
    """
    squares = (teacher.float() - student.float()).square()
    return squares.mean() if reduction == "mean" else squares.sum() / len(squares)


def logits(target: Pair, student: Pair, beta: float = BETA) -> Tensor:
    """Return sum over both axes of mean over n and k of KL(softmax(beta target) || softmax(beta student)).

    Pairs of (N, K, L) logits, a float32 scalar. L_lg, L_fi and L_ri (equations 2, 4, 5) are this with different
    pairs. The printed cross entropy exceeds it by the entropy of the target, which moves no weight; every point
    counts, labelled or not, and the mean over k is that of DWPose's code. No gradient reaches `target`.
    """
    total = student[0].new_zeros((), dtype=student[0].float().dtype)
    for expected, predicted in zip(target, student, strict=True):
        total = total + by_bin(expected, predicted, beta).sum(dim=-1).mean()
    return total


def gamma(epoch: int, epochs: int, alpha: float = 1.0) -> float:
    """Return the weight of distillation in `epoch` (from 0) of `epochs`: equation 7.

    With t = epoch + 1: 1 up to t = alpha, then 1 - (t - alpha) / epochs, which ends at alpha / epochs. The paper
    gives no alpha; 1 is the schedule of DWPose. It counts on all epochs, whether or not training stops early.
    """
    t = epoch + 1
    return 1.0 if t <= alpha else 1.0 - (t - alpha) / epochs
