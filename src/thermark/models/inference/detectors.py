"""MediaPipe's detectors of faces and of persons on LiteRT, run by a small graph of our own.

A re-implementation of what `mediapipe 0.10.21` (Apache-2.0) does around its .tflite files, after the options in
its graphs `face_detection_{short,full}_range_cpu` and `pose_detection_cpu`. Boxes and key points are in pixels,
integer = pixel centre.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from thermark.core import geometry
from thermark.models.inference.contract import usable
from thermark.models.inference.litert import Graph

Image = NDArray[np.uint8]
Floats = NDArray[np.floating]
Range = Literal["short_range", "full_range"]  # of BlazeFace
Kind = Literal["short_range", "full_range", "person"]

FACE = 6  # right eye, left eye, nose tip, mouth, right ear, left ear
PERSON = 4  # middle of the hips, and a point of the circle about the body there; the same of the shoulders
OVERLAP = 0.3


@dataclass(frozen=True)
class Design:
    """A detector's file, input in pixels, levels of its grid as (stride, anchors a cell), least score, key points.

    `threshold` is the graph's own: MediaPipe 0.10.21 does not hand its `min_detection_confidence` on (measured).
    """

    file: str
    size: int
    levels: tuple[tuple[int, int], ...]
    threshold: float
    keypoints: int = FACE


DESIGNS: dict[Kind, Design] = {
    "short_range": Design("face_detection_short_range.tflite", 128, ((8, 2), (16, 6)), 0.5),
    "full_range": Design("face_detection_full_range_sparse.tflite", 192, ((4, 1),), 0.6),
    "person": Design("pose_detection.tflite", 224, ((8, 2), (16, 2), (32, 6)), 0.5, PERSON),
}


@dataclass(frozen=True)
class Detections:
    """The faces in one image, best first; of persons too, `boxes` are those of faces.

    `boxes` (M, 4) and `points` (M, K, 2) in pixels; `scores` (M,), 0..1. All float64.
    """

    boxes: Floats
    points: Floats
    scores: Floats

    def __len__(self) -> int:
        return len(self.scores)

    def best(self, count: int) -> "Detections":
        """Return the first `count` of them."""
        return Detections(self.boxes[:count], self.points[:count], self.scores[:count])


class Detector:
    """One of the detectors."""

    def __init__(self, path: Path, kind: Kind) -> None:
        """Open the model file; raises DataError when it is not that detector."""
        self.design = DESIGNS[kind]
        self._anchors = anchors(self.design.size, self.design.levels)
        count = len(self._anchors)
        self._graph = Graph(path, self.design.size, ((4 + 2 * self.design.keypoints) * count, count))

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        """Return the faces of each RGB image (H, W, 3) uint8; raises ValueError for what is no such image."""
        return [self._detect(image) for image in images]

    def _detect(self, image: Image) -> Detections:
        usable(image)
        to_image = letter_box(image.shape[1], image.shape[0], self.design.size)
        picture = sampled(image, to_image, self.design.size, cv2.BORDER_CONSTANT)
        numbers, logits = self._graph(picture.astype(np.float32) * np.float32(2 / 255) - 1)
        detections = decode(numbers, logits, self._anchors, self.design.threshold)
        return placed(merged(detections, OVERLAP), to_image)


def anchors(size: int, levels: tuple[tuple[int, int], ...]) -> NDArray[np.float64]:
    """Return anchor centres (N, 2) in input pixels (edge = 0): row by row, those of a cell together."""
    centres = []
    for stride, count in levels:
        ticks = np.arange(size // stride) * stride + stride / 2
        grid = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
        centres.append(np.repeat(grid, count, axis=0))
    return np.concatenate(centres)


def letter_box(width: int, height: int, size: int) -> NDArray[np.float64]:
    """Return the (2, 3) map of input pixels (edge = 0) to pixels of a centred image of this size (centre = 0)."""
    return region((width / 2 - 0.5, height / 2 - 0.5), max(width, height), 0.0, size)


def region(centre: Sequence[float] | Floats, side: float, angle: float, size: int) -> NDArray[np.float64]:
    """Return the (2, 3) map of input pixels (edge = 0) to image pixels (centre = 0) for a turned square.

    `centre` and `side` in image pixels, `angle` in radians from x to y, `size` the input's side in pixels.
    """
    scale = side / size
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shift = np.asarray(centre, np.float64) - linear @ np.full(2, size / 2)
    return np.concatenate([linear, shift[:, None]], axis=1)


def sampled(image: Image, to_image: NDArray[np.float64], size: int, border: int) -> Image:
    """Return the input (size, size, 3) uint8 that MediaPipe would sample for a `region`; bilinear, not averaged.

    It takes edges for pixel centres on both sides, so its input is displaced by half a pixel of the image and half
    one of its own; networks and published numbers live with that, hence so do we.
    """
    displaced = to_image + np.array([[0, 0, 0.5], [0, 0, 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(image, displaced, (size, size), flags=flags, borderMode=border), np.uint8)


def decode(numbers: Floats, logits: Floats, centres: Floats, threshold: float) -> Detections:
    """Return the candidates of at least `threshold`, in input pixels (edge = 0), in the order of the anchors.

    `numbers` holds for each anchor (x, y, w, h) and the key points, places relative to the anchor's centre (N, 2);
    `logits` (N,) their scores, clipped at 100. What has no area is dropped, as is what is not finite.
    """
    rows = np.asarray(numbers, np.float64).reshape(len(centres), -1)
    scores = 1 / (1 + np.exp(-np.clip(np.asarray(logits, np.float64), -100, 100)))
    kept = (scores >= threshold) & np.isfinite(rows).all(axis=1) & (rows[:, 2:4] > 0).all(axis=1)
    rows, centres = rows[kept], centres[kept]
    middle, half = rows[:, :2] + centres, rows[:, 2:4] / 2
    points = rows[:, 4:].reshape(-1, rows.shape[1] // 2 - 2, 2) + centres[:, None]
    return Detections(np.concatenate([middle - half, middle + half], axis=1), points, scores[kept])


def merged(detections: Detections, overlap: float) -> Detections:
    """Return detections: each is the score-weighted mean of the candidates that overlap the best one left by more.

    Its score is that of the best. Candidates are ranked by score, then size, then from left to right.
    """
    area = geometry.box_size(detections.boxes).prod(axis=-1)
    left = np.lexsort((detections.boxes[:, 1], detections.boxes[:, 0], -area, -detections.scores))
    boxes, points, scores = [], [], []
    while len(left):
        near = intersection_over_union(detections.boxes[left[0]], detections.boxes[left]) > overlap
        near[0] = True
        weight = detections.scores[left[near]] / detections.scores[left[near]].sum()
        boxes.append(weight @ detections.boxes[left[near]])
        points.append(np.tensordot(weight, detections.points[left[near]], axes=1))
        scores.append(detections.scores[left[0]])
        left = left[~near]
    return Detections(
        np.array(boxes).reshape(-1, 4),
        np.array(points).reshape(-1, *detections.points.shape[1:]),
        np.array(scores, np.float64),
    )


def intersection_over_union(box: Floats, boxes: Floats) -> Floats:
    """Return the overlap (N,) of a box (4,) with boxes (N, 4)."""
    corners = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    shared = np.clip(corners, 0, None).prod(axis=1)
    union = geometry.box_size(box).prod() + geometry.box_size(boxes).prod(axis=1) - shared
    overlap: Floats = shared / union
    return overlap


def placed(detections: Detections, to_image: NDArray[np.float64]) -> Detections:
    """Move detections by the (2, 3) map of input pixels to image pixels, which must not turn them."""
    boxes = geometry.apply(to_image, detections.boxes.reshape(-1, 2, 2)).reshape(-1, 4)
    return Detections(boxes, geometry.apply(to_image, detections.points), detections.scores)
