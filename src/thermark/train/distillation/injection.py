"""The student beside its frozen teacher, and the two ways of mixing their features (dual injection)."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from thermark.nets.rtmpose import RTMPose
from thermark.train.codecs.simcc import Pair

InjectionPoint = Literal["backbone", "final_layer"]


class AdaptedStudent(nn.Module):
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
        logits: Pair = self.student(images)
        return logits


@dataclass(frozen=True)
class TeacherOutputs:
    """The outputs of the teacher for a batch: `features` (N, C_T, h, w), `maps` (N, K, h, w), `logits`."""

    features: Tensor
    maps: Tensor
    logits: Pair


def teacher_outputs(teacher: RTMPose, images: Tensor) -> TeacherOutputs:
    """Run the frozen teacher once over normalised images (N, 3, H, W); the results can be trained against."""
    with torch.inference_mode():
        features = teacher.backbone(images)
        maps = teacher.head.maps(features)
        logits = teacher.head.classify(maps)
    # Tensors of inference mode cannot be kept for a backward pass, copies can.
    return TeacherOutputs(features.clone(), maps.clone(), (logits[0].clone(), logits[1].clone()))


def forward_injection(model: AdaptedStudent, outputs: TeacherOutputs, at: InjectionPoint) -> Pair:
    """Return h_S(g(F_T)): the student's head on the teacher's features; trains the head (and g) alone.

    With `final_layer` the teacher's maps enter behind the student's final convolution, which then learns nothing.
    """
    if at == "final_layer":
        return model.student.head.classify(outputs.maps)
    logits: Pair = model.student.head(model.to_student(outputs.features))
    return logits


def reverse_injection(teacher: RTMPose, adapted: Tensor, maps: Tensor, at: InjectionPoint) -> Pair:
    """Return h_T(f(F_S)): the frozen teacher's head on the student's features; trains the backbone (and f) alone.

    `copied` is f(F_S), `maps` what the student's final convolution makes of F_S: with `final_layer` it is these
    that enter, and that convolution learns too.
    """
    return teacher.head.classify(maps) if at == "final_layer" else teacher.head(adapted)
