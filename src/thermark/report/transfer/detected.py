"""Faces that a detector of ours, or the shipped landmarker, finds in the pictures of a real camera."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.core import detections
from thermark.core.detections import OVERLAP
from thermark.core.predictions import Predictions
from thermark.datasets.readers import boxes
from thermark.landmarker import moved
from thermark.landmarker.result import Landmarks
from thermark.metrics.detection import detection_scores
from thermark.models.inference import face_finder
from thermark.models.inference.face_finder import FaceFinder
from thermark.report.transfer.boxes import Boxes, predictions
from thermark.report.transfer.camera import Image, Locate, Pictures, predict

FLOOR = 0.01  # the least score of a detection that precision and recall are looked at for
AS_IT_IS = "as it is"
LANDMARKER = "landmarker"


def opened(file: Path) -> tuple[FaceFinder, float]:
    """Return a detector that returns detections of any score, and the threshold of its file."""
    return face_finder.load(file, threshold=FLOOR), face_finder.load(file).threshold


def polarities(pictures: Pictures, finder: FaceFinder) -> dict[str, detections.Boxes]:
    """Return what is detected in the pictures as they are, and in them inverted."""
    return {AS_IT_IS: detect(pictures, finder), "inverted": detect(pictures, finder, inverted=True)}


def detect(pictures: Pictures, finder: FaceFinder, inverted: bool = False) -> detections.Boxes:
    """Return what is detected in each picture once, however many faces it has."""
    frames, images = distinct(pictures)
    answers = [finder.faces(255 - image if inverted else image) for image in images]
    xyxy, scores = (np.concatenate(column) for column in zip(*answers, strict=True))
    return detections.Boxes(np.repeat(frames, [len(found) for found, _ in answers]), xyxy, scores)


def numbers(pictures: Pictures, found: detections.Boxes, threshold: float) -> dict[str, Any]:
    """Return AP50, recall, precision and counts of detections, against the publisher's boxes made tight."""
    targets = tight(pictures)
    return detection_scores(np.unique(targets.frames), targets, found, threshold).numbers()


def boxes_of_faces(pictures: Pictures, found: detections.Boxes, threshold: float) -> Boxes:
    """Return the box (N, 4) in which each face was detected at the `threshold`, NaN for one that was missed."""
    scores = np.asarray(found.scores)
    sure = scores >= threshold
    found = detections.Boxes(found.frames[sure], found.xyxy[sure], scores[sure])
    return _taken(found.xyxy, matched(pictures, found))


def surest(name: str, vocabulary: str, locate: Locate, pictures: Pictures, boxes: Boxes) -> Predictions:
    """Return what a network predicts in the best of several places of each box (N, 4), as Landmarker does."""
    places = moved.moved(boxes).swapaxes(0, 1)
    tried = [predict(name, vocabulary, locate, pictures, place) for place in places]
    chosen = moved.surest(np.stack([one.score for one in tried], axis=1)), np.arange(len(boxes))
    xy, score = (np.stack(column)[chosen] for column in ([one.xy for one in tried], [one.score for one in tried]))
    return replace(tried[0], xy=xy, score=score, boxes=places[chosen])


def landmarks(landmarker: Callable[[Image], Landmarks], pictures: Pictures) -> Predictions:
    """Return what a landmarker finds in whole pictures, for the faces that its own boxes are matched to."""
    frames, images = distinct(pictures)
    answers = [landmarker(image) for image in images]
    columns = [(one.points, one.scores, one.boxes, one.box_scores) for one in answers]
    xy, score, xyxy, box_score = (np.concatenate(column) for column in zip(*columns, strict=True))
    found = detections.Boxes(np.repeat(frames, [len(one) for one in answers]), xyxy, box_score)
    rows = matched(pictures, found)
    taken = (_taken(column, rows) for column in (xyxy, xy, score))
    return predictions(LANDMARKER, answers[0].vocabulary, pictures.faces, *taken)


def matched(pictures: Pictures, found: detections.Boxes) -> NDArray[np.int64]:
    """Return the row of the detection (N,) that belongs to each face, the most confident first; -1: missed."""
    rows = np.full(len(pictures.faces), -1, np.int64)
    labels = detections.matched(tight(pictures), found, OVERLAP)
    rows[labels[labels >= 0]] = np.flatnonzero(labels >= 0)
    return rows


def tight(pictures: Pictures) -> detections.Boxes:
    """Return the tight box of each face."""
    return detections.Boxes(np.asarray(pictures.faces.frames, str), boxes.to_tight(pictures.faces.prompts))


def distinct(pictures: Pictures) -> tuple[NDArray[np.str_], list[Image]]:
    """Return each frame once, and its picture."""
    frames, places = np.unique(np.asarray(pictures.faces.frames, str), return_index=True)
    return frames, [pictures.images[place] for place in places]


def _taken(column: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return rows of a column, NaN for row -1."""
    return np.concatenate([column, np.full((1, *column.shape[1:]), np.nan, np.float32)])[rows]
