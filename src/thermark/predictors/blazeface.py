"""BlazeFace (Bazarevsky et al. 2019, arXiv 1907.05047) by itself: faces with six points on whole frames.

The detectors of mediapipe 0.10.21 in the graph of ours that FaceMesh uses, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from thermark.core.bundle import Bundle
from thermark.core.config import Section
from thermark.zeroshot.blazeface import DESIGNS, KEYPOINTS, BlazeFace, Range
from thermark.zeroshot.contract import Floats, Given, Image, Instances
from thermark.zeroshot.litert import on_cpu


class Config(Section):
    """`detector`: which of the two, made for faces within some two metres or some five."""

    family: str
    weights: str
    detector: Range = "short_range"


@dataclass(frozen=True)
class Faces:
    """What the detector finds, best first."""

    detector: BlazeFace
    box_source: str
    vocabulary: str = "blazeface6"
    given: Given = "own"
    batch: int = 16
    trained_on: tuple[str, ...] = ()

    def __call__(self, images: Sequence[Image], boxes: Sequence[Floats | None]) -> list[Instances]:
        """Return the faces of each image; a point's score is its face's. Raises ValueError for no RGB image."""
        return [
            Instances(
                each.points.astype(np.float32),
                np.repeat(each.scores.astype(np.float32)[:, None], KEYPOINTS, axis=1),
                each.boxes.astype(np.float32),
                each.scores.astype(np.float32),
            )
            for each in self.detector(images)
        ]


def load(config: Config, bundle: Bundle, device: str) -> Faces:
    """Open the detector; raises DataError for files that are other models, SetupError for a GPU."""
    on_cpu(device)
    file = DESIGNS[config.detector].file
    return Faces(BlazeFace(bundle.file(file), config.detector), f"blazeface_{config.detector}")
