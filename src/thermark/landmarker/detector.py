"""Faces in a grey picture, by the shipped detector."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.core import geometry
from thermark.landmarker.card import ShippedDetector
from thermark.landmarker.result import Floats
from thermark.nets import face_boxes

INPUT, OUTPUTS = "image", ("boxes", "scores")


@dataclass(frozen=True)
class DetectorSession:
    """A session of onnxruntime: `image` (1, 1, H, W) float32, 0..255, to `boxes` (1, N, 4) and `scores` (1, N).

    What is before and after is that of the evaluation (models/inference/face_finder.py).
    """

    session: Any
    card: ShippedDetector

    def __call__(self, grey: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """Return boxes (F, 4) in pixels of the picture (H, W) and their scores (F,), best first.

        They go beyond the picture where a face does; one that lies beside it is left out.
        """
        image, scale = face_boxes.fitted(grey, self.card.longest)
        candidates, confidence = self.session.run(list(OUTPUTS), {INPUT: face_boxes.padded(image)})
        boxes, scores = face_boxes.filtered(candidates[0], confidence[0], self.card.threshold, self.card.overlap)
        placed = geometry.resized(boxes.reshape(-1, 2, 2), 1 / scale).reshape(-1, 4).astype(np.float32)
        rows = visible(placed, (grey.shape[1], grey.shape[0]))
        return placed[rows], scores[rows]


def visible(boxes: Floats, size: tuple[int, int]) -> NDArray[np.int64]:
    """Return which boxes (N, 4) have an area, and a part in a picture of `size` (width, height)."""
    with np.errstate(invalid="ignore"):
        touches = (boxes[:, :2] < np.asarray(size) - 0.5).all(axis=1) & (boxes[:, 2:] > -0.5).all(axis=1)
        return np.flatnonzero(touches & (geometry.box_size(boxes) > 0).all(axis=1))
