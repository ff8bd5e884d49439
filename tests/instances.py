"""Annotations and predictions of the faces of a given table."""

import numpy as np

from thermark.core.annotations import Annotations
from thermark.core.faces import Faces
from thermark.core.predictions import Predictions


def annotations_of(faces: Faces, first: dict[str, int] | None = None) -> Annotations:
    """Return annotations in which each face is a nose of 4 x 4 px in a person.

    `first`: frame -> its place among the first annotations.
    """
    frames = list(dict.fromkeys(faces.frames.tolist()))
    sources = {frame: str(source) for frame, source in zip(faces.frames, faces.strata["source"], strict=True)}
    order = first or {frame: place for place, frame in enumerate(frames)}
    files = [sources[frame] for frame in frames]
    ranks = [files[:place].count(source) for place, source in enumerate(files)]
    owners, classes, boxes = [], [], []
    for frame, nose, person in zip(faces.frames.tolist(), faces.xy[:, 0] + 0.5, faces.boxes + 0.5, strict=True):
        owners += [frames.index(frame)] * 2
        classes += ["person", "nose"]
        boxes += [[*person[:2], *(person[2:] - person[:2])], [*(nose - 2), 4, 4]]
    return Annotations(
        frames=np.array(frames),
        sources=np.array([sources[frame] for frame in frames]),
        ranks=np.array(ranks, np.int64),
        first=np.array([order[frame] for frame in frames]),
        owners=np.array(owners, np.int64),
        classes=np.array(classes),
        xywh=np.array(boxes, np.float64).reshape(-1, 4),
    )


def predictions_at(truth: Faces, xy: np.ndarray, contestant: str, vocabulary: str, trained_on=()) -> Predictions:
    """Return predictions `xy` (N, K, 2) px of all faces from their prompts, on data `d`, of full confidence."""
    return Predictions(
        contestant=contestant,
        vocabulary=vocabulary,
        box_source="prompt",
        data="d",
        frames=truth.frames,
        faces=np.arange(len(truth)),
        xy=xy.astype(np.float32),
        score=np.ones(xy.shape[:2], np.float32),
        boxes=truth.prompts,
        box_score=np.full(len(truth), np.nan, np.float32),
        trained_on=tuple(trained_on),
    )
