"""Faces in a grey picture, by the shipped detector."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from thermark.core import geometry
from thermark.landmarker.card import DetectorCard
from thermark.landmarker.result import Floats

INPUT, OUTPUTS = "image", ("boxes", "scores")


@dataclass(frozen=True)
class Detector:
    """A session of onnxruntime: `image` (1, 1, H, W) float32, 0..255, to `boxes` (1, N, 4) and `scores` (1, N)."""

    session: Any
    card: DetectorCard

    def __call__(self, grey: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """Return boxes (F, 4) in pixels of the picture (H, W) and their scores (F,), best first."""
        image, scale = fitted(grey, self.card)
        boxes, scores = self.session.run(list(OUTPUTS), {INPUT: image[None, None]})
        placed = geometry.resized(boxes[0].reshape(-1, 2, 2).astype(np.float64), 1 / scale).reshape(-1, 4)
        kept = usable(placed, scores[0], self.card.threshold, (grey.shape[1], grey.shape[0]))
        boxes, scores = placed[kept], scores[0][kept].astype(np.float32)
        chosen = suppressed(boxes, scores, self.card.overlap)
        return boxes[chosen].astype(np.float32), scores[chosen]


def fitted(grey: NDArray[np.uint8], card: DetectorCard) -> tuple[Floats, NDArray[np.float64]]:
    """Return a picture (H, W) as the detector wants it, and its scale (2,) along x and y."""
    height, width = grey.shape
    factor = min(1.0, card.longest / max(height, width))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    if size != (width, height):
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    sides = size[1] + -size[1] % card.stride, size[0] + -size[0] % card.stride
    image = np.full(sides, card.border, np.float32)
    image[: size[1], : size[0]] = grey
    return image, np.array([size[0] / width, size[1] / height])


def usable(
    boxes: NDArray[np.floating], scores: Floats, threshold: float, size: tuple[int, int]
) -> NDArray[np.int64]:
    """Return which boxes (N, 4) have a score (N,) of at least `threshold`, an area, and a part in the picture.

    `size` is its width and height in pixels.
    """
    finite = np.isfinite(boxes).all(axis=1) & np.isfinite(scores)
    boxes = np.where(finite[:, None], boxes, 0)
    outline = np.asarray(size) - 0.5
    touches = (boxes[:, :2] < outline).all(axis=1) & (boxes[:, 2:] > -0.5).all(axis=1)
    surely = finite & (np.where(finite, scores, 0) >= threshold)
    return np.flatnonzero(surely & touches & (geometry.box_size(boxes) > 0).all(axis=1))


def suppressed(boxes: NDArray[np.floating], scores: Floats, overlap: float) -> NDArray[np.int64]:
    """Return which boxes (N, 4) remain, best first, when none may overlap a better one by more than `overlap`."""
    if not len(boxes):
        return np.zeros(0, np.int64)
    sides = np.concatenate([boxes[:, :2], geometry.box_size(boxes)], axis=1)
    chosen = cv2.dnn.NMSBoxes(sides.tolist(), scores.astype(float).tolist(), 0.0, overlap)
    return np.asarray(chosen, np.int64).reshape(-1)
