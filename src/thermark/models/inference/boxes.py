"""Where a top-down model looks: in given boxes, in the whole frame, or in persons that a detector finds.

And how the boxes of several images are one batch.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt, model_validator

from thermark.core.bundle import Bundle
from thermark.models.inference.contract import BundleConfig, Floats, Given, Image

Rows = NDArray[np.int64]
SCORE, OVERLAP = 0.7, 0.45  # of persons, as in rtmlib
# Images -> boxes (P, 4) and their scores (P,) of each.
Detect = Callable[[Sequence[Image]], list[tuple[Floats, Floats]]]


class PersonBoxes(BundleConfig):
    """What top-down models share.

    `given`: the whole `frame`, the `labelled` persons, the `prompt` of each face, or its `own` persons, which
    `detector` finds, a file of the bundle `weights`; `detector_score` and `nms` are its thresholds, by default 0.7
    and 0.45 of persons, and the file's of our own detector of faces. `threads`: of onnxruntime, in native
    arithmetic.
    """

    given: Given
    detector: str | None = None
    detector_score: float | None = Field(default=None, ge=0, le=1)
    nms: float | None = Field(default=None, ge=0, le=1)
    threads: PositiveInt = 2

    @model_validator(mode="after")
    def _boxes_have_one_source(self) -> Self:
        if (self.given == "own") != (self.detector is not None):
            raise ValueError("`given: own` needs a detector, any other `given` must have none")
        return self


def person_detector(config: PersonBoxes, bundle: Bundle, device: str) -> tuple[Detect | None, str]:
    """Return the detector of a model that finds its `own` persons or faces, and the name of where boxes come from.

    The card of its file tells which it is: of `kind: face_detector` it is one of ours, else a YOLOX.
    """
    if config.detector is None:
        return None, str(config.given)
    score, overlap = config.detector_score, config.nms
    # Here, because onnxruntime and rtmlib are needed for nothing else.
    from thermark.models.inference import face_finder, persons

    if bundle.cards.get(config.detector, {}).get("kind") == face_finder.KIND:
        path = bundle.file(config.detector)
        return face_finder.load(path, device, config.threads, score, overlap), face_finder.KIND
    score, overlap = (SCORE if score is None else score), (OVERLAP if overlap is None else overlap)
    detector = persons.load(bundle, config.detector, score, overlap, device, config.threads)
    return detector, Path(config.detector).stem


def boxes_in(
    images: Sequence[Image], boxes: Sequence[Floats | None], detector: Detect | None
) -> list[tuple[Floats, Floats]]:
    """Return boxes and scores for each image: those that the detector finds, or the given ones, scores NaN."""
    if detector is not None:
        return detector(images)
    return [(box, np.full(len(box), np.nan, np.float32)) for box in boxes if box is not None]


def predict_in_boxes(
    boxes: Sequence[Floats],
    points: int,
    usable: Callable[[Floats], Rows],
    batch: int,
    predict: Callable[[Rows, Floats], tuple[NDArray[np.floating], Floats]],
) -> list[tuple[Floats, Floats]]:
    """Return xy (P, K, 2) and score (P, K) for the boxes (P, 4) of each image; rows that are not `usable` are NaN.

    `predict` returns them for at most `batch` boxes (B, 4), with the numbers (B,) of the images that these are in.
    """
    flat = np.concatenate([np.zeros((0, 4), np.float32), *boxes])
    owners = np.repeat(np.arange(len(boxes)), [len(xyxy) for xyxy in boxes])
    xy = np.full((len(flat), points, 2), np.nan, np.float32)
    score = np.full((len(flat), points), np.nan, np.float32)
    rows = usable(flat)
    for start in range(0, len(rows), batch):
        part = rows[start : start + batch]
        xy[part], score[part] = predict(owners[part], flat[part])
    ends = np.cumsum([len(xyxy) for xyxy in boxes])
    return [
        (xy[end - len(xyxy) : end], score[end - len(xyxy) : end]) for end, xyxy in zip(ends, boxes, strict=True)
    ]
