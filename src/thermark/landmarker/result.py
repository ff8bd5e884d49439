"""What the landmarker finds in one picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thermark import landmarks

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)  # arrays have no one answer to ==
class Landmarks:
    """The F faces of one picture, best first, or one for each box that was given, in that order.

    `points` (F, 68, 2) float32, x and y in pixels of the picture, integer = pixel centre; a miss is NaN.
    `scores` (F, 68) float32, higher is surer, no probability: the smaller of the highest logits along x and y.
    `boxes` (F, 4) float32, x1, y1, x2, y2 in pixels. `box_scores` (F,) float32, the detector's confidence, 0..1,
    NaN for a box that was given. `temperatures` (F, 68) float32, degrees Celsius at the points, NaN outside of
    the picture, or None where the picture is not radiometric. `vocabulary` names the points.
    """

    points: Floats
    scores: Floats
    boxes: Floats
    box_scores: Floats
    temperatures: Floats | None
    vocabulary: str

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the points, in their order."""
        return landmarks.load(self.vocabulary).points
