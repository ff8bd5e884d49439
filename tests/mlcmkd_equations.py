"""Equations 1 to 9 of MLCM-KD once more, from the paper alone, in float64 and one row of bins at a time."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

BETA = 10
Axes = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Nets:
    """Both networks as functions: images to features, features to logits, and the adapters of unequal widths."""

    teacher_body: Callable
    teacher_head: Callable
    student_body: Callable
    student_head: Callable
    f: Callable
    g: Callable


def probabilities(row: torch.Tensor, beta: float = BETA) -> torch.Tensor:
    """Return softmax(beta z) of one row of bins, in float64."""
    z = beta * row.double()
    powers = torch.exp(z - z.max())
    return powers / powers.sum()


def cross_entropy(target: torch.Tensor, row: torch.Tensor, beta: float = BETA) -> torch.Tensor:
    """Return -sum_i p_i log q_i of a target distribution and one row of logits."""
    z = beta * row.double()
    largest = z.max().detach()
    log_q = z - largest - torch.log(torch.exp(z - largest).sum())
    return -(target.detach() * log_q).sum()


def entropy(target: torch.Tensor) -> torch.Tensor:
    """Return -sum_i p_i log p_i, where 0 log 0 is 0."""
    p = target[target > 0]
    return -(p * torch.log(p)).sum()


def d(a: Axes, b: Axes, beta: float = BETA, printed: bool = False) -> torch.Tensor:
    """D(a -> b) of equations 2, 4 and 5: summed over bins and axes, averaged over faces and key points.

    The divergence, which is 0 where b is a; or the cross entropy, as `printed`.
    """
    total = torch.zeros((), dtype=torch.float64)
    for wanted, logits in zip(a, b, strict=True):
        for n in range(len(wanted)):
            for k in range(wanted.shape[1]):
                p = probabilities(wanted[n, k].detach(), beta)
                known = 0 if printed else entropy(p)
                total = total + (cross_entropy(p, logits[n, k], beta) - known) / (len(wanted) * wanted.shape[1])
    return total


def gaussian_label(at: float, bins: int, sigma: float) -> torch.Tensor:
    """Return softmax(10 label) of a point `at` pixels along an axis of half-pixel bins; sigma in bins, peak 1."""
    apart = torch.arange(bins, dtype=torch.float64) - round(2 * at)
    return probabilities(torch.exp(-(apart**2) / (2 * sigma**2)))


def one_hot_label(at: float, bins: int) -> torch.Tensor:
    """Return softmax(10 label) of a label that is 1 in one bin and 0 elsewhere."""
    label = torch.zeros(bins, dtype=torch.float64)
    label[round(2 * at)] = 1
    return probabilities(label)


def kp(ss: Axes, labels: Axes, weight: torch.Tensor) -> torch.Tensor:
    """Equation 3: summed over faces, averaged over key points and bins; `labels` are distributions (N, K, L)."""
    total = torch.zeros((), dtype=torch.float64)
    for label, logits in zip(labels, ss, strict=True):
        faces, points, bins = logits.shape
        for n in range(faces):
            for k in range(points):
                divergence = cross_entropy(label[n, k], logits[n, k]) - entropy(label[n, k])
                total = total + weight[n, k].double() * divergence / (bins * points)
    return total


def fm(teacher: torch.Tensor, student: torch.Tensor, reduction: str = "mean") -> torch.Tensor:
    """Equation 1: the squared distance of two feature maps, per element or (DWPose's code) per face."""
    total = torch.zeros((), dtype=torch.float64)
    for student_map, theirs in zip(student.double(), teacher.detach().double(), strict=True):
        for a, b in zip(student_map, theirs, strict=True):
            total = total + ((b - a) ** 2).sum()
    return total / (teacher.numel() if reduction == "mean" else len(teacher))


def gamma(epoch: int, epochs: int, alpha: float) -> float:
    """Equation 7, epochs counted from 1."""
    return 1.0 if epoch <= alpha else 1 - (epoch - alpha) / epochs


def transfer(
    nets: Nets,
    rgb: torch.Tensor,
    thermal: torch.Tensor,
    wanted: set[str],
    reading: str = "prose",
    ri_target: str = "tt",
    reduction: str = "mean",
    convolutions: tuple[Callable, Callable] | None = None,
) -> dict[str, torch.Tensor]:
    """Equations 1, 2, 4 and 5, unweighted, those `wanted` of fm, lg, ri and fi.

    With `convolutions`, the final ones of teacher and student, injection happens behind them: the heads in `nets`
    are then what follows them, and no adapter is needed but that of equation 1.
    """
    with torch.no_grad():
        teacher_features = nets.teacher_body(rgb)
    student_features = nets.student_body(thermal)
    if convolutions is None:
        into_teacher, into_student = student_features, teacher_features
        f, g = nets.f, nets.g
    else:
        into_teacher, into_student = convolutions[1](student_features), convolutions[0](teacher_features).detach()
        f = g = same
    # The four passes, each when it is asked for.
    final_layers = convolutions or (same, same)
    tt = nets.teacher_head(final_layers[0](teacher_features))
    ss = nets.student_head(final_layers[1](student_features))
    terms = {
        "fm": lambda: fm(teacher_features, nets.f(student_features), reduction),
        "lg": lambda: d(tt, ss),
        "reverse": lambda target: d(target, nets.teacher_head(f(into_teacher))),
        "forward": lambda target: d(target, nets.student_head(g(into_student))),
    }
    if reading == "prose":
        terms["ri"] = lambda: terms["reverse"](tt if ri_target == "tt" else ss)
        terms["fi"] = lambda: terms["forward"](tt)
    else:
        terms["ri"] = lambda: terms["forward"](ss)
        terms["fi"] = lambda: terms["reverse"](tt)
    return {name: terms[name]() for name in ("fm", "lg", "ri", "fi") if name in wanted}


def same(features: torch.Tensor) -> torch.Tensor:
    """Return what is given."""
    return features
