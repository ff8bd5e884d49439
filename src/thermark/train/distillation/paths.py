"""Who sees what: the student beside its frozen teacher, and the two ways of mixing them (dual injection)."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from thermark.nets.rtmpose import RTMPose
from thermark.train.codecs.simcc import Pair

Place = Literal["backbone", "final_layer"]


class Pupil(nn.Module):
    """A student with the adapters that it needs while it learns, and that are dropped afterwards.

    `to_teacher` maps the student's features to the teacher's width (f of equation 1, also used by reverse
    injection), `to_student` the teacher's to the student's (g, which the paper lacks: forward injection needs it).
    1x1 convolutions with bias; nothing where the widths are equal or the path is unused.
    """

    def __init__(self, student: RTMPose, teacher: RTMPose, to_teacher: bool, to_student: bool):
        super().__init__()
        self.student = student
        inner, outer = student.backbone.channels, teacher.backbone.channels
        self.to_teacher = nn.Conv2d(inner, outer, 1) if to_teacher and inner != outer else nn.Identity()
        self.to_student = nn.Conv2d(outer, inner, 1) if to_student and inner != outer else nn.Identity()

    def forward(self, images: Tensor) -> Pair:
        """Map normalised images (N, 3, H, W) to the student's logits."""
        return self.student(images)


@dataclass(frozen=True)
class Lesson:
    """What the teacher makes of a batch: `features` (N, C_T, h, w), `maps` (N, K, h, w), `logits`."""

    features: Tensor
    maps: Tensor
    logits: Pair


def lesson(teacher: RTMPose, images: Tensor) -> Lesson:
    """Run the frozen teacher once over normalised images (N, 3, H, W); the results can be trained against."""
    with torch.inference_mode():
        features = teacher.backbone(images)
        maps = teacher.head.maps(features)
        logits = teacher.head.classify(maps)
    # Tensors of inference mode cannot be kept for a backward pass, copies can.
    return Lesson(features.clone(), maps.clone(), (logits[0].clone(), logits[1].clone()))


def forward_injection(pupil: Pupil, taught: Lesson, place: Place) -> Pair:
    """Return h_S(g(F_T)): the student's head on the teacher's features; trains the head (and g) alone.

    With `final_layer` the teacher's maps enter behind the student's final convolution, which then learns nothing.
    """
    if place == "final_layer":
        return pupil.student.head.classify(taught.maps)
    return pupil.student.head(pupil.to_student(taught.features))


def reverse_injection(teacher: RTMPose, copied: Tensor, maps: Tensor, place: Place) -> Pair:
    """Return h_T(f(F_S)): the frozen teacher's head on the student's features; trains the backbone (and f) alone.

    `copied` is f(F_S), `maps` what the student's final convolution makes of F_S: with `final_layer` it is these
    that enter, and that convolution learns too.
    """
    return teacher.head.classify(maps) if place == "final_layer" else teacher.head(copied)
