"""What a face detector of ours finds in the pictures of a real camera, and the boxes that it gives."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from thermark.core import detections
from thermark.core.detections import OVERLAP
from thermark.core.predictions import Predictions
from thermark.datasets.readers import boxes
from thermark.landmarker import moved
from thermark.metrics.detection import detection_scores
from thermark.models.inference import face_finder
from thermark.models.inference.face_finder import FaceFinder
from thermark.report.transfer.boxes import Boxes
from thermark.report.transfer.camera import Located, Pictures, predictions

FLOOR = 0.01  # the least score of a detection that precision and recall are looked at for
POLARITIES = {"as it is": False, "inverted": True}


def opened(file: Path) -> tuple[FaceFinder, float]:
    """Return a detector that returns detections of any score, and the threshold of its file."""
    return face_finder.load(file, threshold=FLOOR), face_finder.load(file).threshold


def numbers(pictures: Pictures, finder: FaceFinder, threshold: float) -> dict[str, dict[str, Any]]:
    """Return polarity -> AP50, recall, precision and counts, against the publisher's boxes made tight."""
    labels = labelled(pictures)
    return {
        name: detection_scores(
            np.unique(labels.frames), labels, detected(pictures, finder, inverted), threshold
        ).numbers()
        for name, inverted in POLARITIES.items()
    }


def in_boxes(pictures: Pictures, finder: FaceFinder, threshold: float) -> Boxes:
    """Return the box (N, 4) in which each face was found at the `threshold`, NaN for one that was missed."""
    found = detected(pictures, finder)
    sure = np.asarray(found.scores) >= threshold
    found = detections.Boxes(found.frames[sure], found.xyxy[sure], np.asarray(found.scores)[sure])
    given = np.full((len(pictures.faces), 4), np.nan, np.float32)
    hit = detections.matched(labelled(pictures), found, OVERLAP)
    given[hit[hit >= 0]] = found.xyxy[hit >= 0]
    return given


def surest(name: str, vocabulary: str, locate: Located, pictures: Pictures, boxes: Boxes) -> Predictions:
    """Return what a network says in the best of several places of each detected box (N, 4), as Landmarker does."""
    places = moved.moved(boxes)
    by_place = {str(at): places[:, at] for at in range(places.shape[1])}
    tried = list(predictions(name, vocabulary, locate, pictures, by_place).values())
    chosen = moved.surest(np.stack([one.score for one in tried], axis=1)), np.arange(len(boxes))
    xy, score = (np.stack(part)[chosen] for part in ([one.xy for one in tried], [one.score for one in tried]))
    return replace(tried[0], xy=xy, score=score, boxes=places.swapaxes(0, 1)[chosen])


def labelled(pictures: Pictures) -> detections.Boxes:
    """Return the tight box of each face."""
    return detections.Boxes(np.asarray(pictures.faces.frames, str), boxes.to_tight(pictures.faces.prompts))


def detected(pictures: Pictures, finder: FaceFinder, inverted: bool = False) -> detections.Boxes:
    """Return what is found in each picture once, however many faces it has."""
    names, places = np.unique(np.asarray(pictures.faces.frames, str), return_index=True)
    frames, xyxy, scores = [np.zeros(0, str)], [np.zeros((0, 4), np.float32)], [np.zeros(0, np.float32)]
    for name, place in zip(names, places, strict=True):
        image = pictures.images[place]
        some, score = finder.faces(255 - image if inverted else image)
        frames.append(np.full(len(some), name))
        xyxy.append(some)
        scores.append(score)
    return detections.Boxes(np.concatenate(frames), np.concatenate(xyxy), np.concatenate(scores))
