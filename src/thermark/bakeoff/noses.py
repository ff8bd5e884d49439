"""One nose an instance, read from whatever landmarks a contestant predicts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thermark.bakeoff.inputs import NOSE
from thermark.core.predictions import Predictions
from thermark.landmarks import bridge, project

# By which points the posts read the nose; what they did not use is read by its first bridge.
POSTS = {"coco_wholebody133": "posts", "sapiens308": "posts", "mediapipe478": "wings"}


@dataclass(frozen=True)
class Noses:
    """Predicted noses: `frames` (M,) str; `faces` (M,) int64, the row that was asked for or -1; `xy` (M, 2) px;
    `score` (M,), that of the box, or of the points where the box was given.
    """

    frames: NDArray[np.str_]
    faces: NDArray[np.int64]
    xy: NDArray[np.float64]
    score: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.frames)


def noses(said: Predictions, version: str | None = None) -> Noses:
    """Return the noses among the predictions, in source px (integer = pixel centre); instances without one are
    left out. `version` names the bridge from the contestant's vocabulary, by default its first.
    """
    xy = project(said.xy, said.vocabulary, NOSE, version)[:, 0].astype(np.float64)
    kept = np.isfinite(xy).all(axis=1)
    points = np.where(np.isfinite(said.score), said.score, 0.0).mean(axis=1) if said.score.size else said.box_score
    score = np.where(np.isfinite(said.box_score), said.box_score, points)
    return Noses(said.frames[kept], said.faces[kept], xy[kept], score[kept].astype(np.float64))


def posted(said: Predictions) -> Noses:
    """Return the noses as the posts read them."""
    return noses(said, POSTS.get(said.vocabulary))


def versions(vocabulary: str) -> list[str]:
    """Return all ways in which a vocabulary is read as a nose, the default first; none where it is one."""
    return list(bridge(vocabulary, NOSE).versions) if vocabulary != NOSE else []
