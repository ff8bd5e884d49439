"""One nose an instance, read from whatever landmarks a contestant predicts, and how far readings lie apart."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thermark.core.predictions import Predictions
from thermark.landmarks import bridge, project
from thermark.report.zeroshot.zeroshot_data import NOSE

# By which points the posts read the nose; what they did not use is read by its first bridge.
POSTS = {"coco_wholebody133": "posts", "sapiens308": "posts", "mediapipe478": "wings"}
Numbers = dict[str, float]


@dataclass(frozen=True)
class NosePoints:
    """Predicted noses: `frames` (M,) str; `faces` (M,) int64, the row that was asked for or -1; `xy` (M, 2) px;
    `score` (M,), that of the box, or of the points where the box was given.
    """

    frames: NDArray[np.str_]
    faces: NDArray[np.int64]
    xy: NDArray[np.float64]
    score: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.frames)


def nose_points(predictions: Predictions, version: str | None = None) -> NosePoints:
    """Return the noses among the predictions, in source px (integer = pixel centre); instances without one are
    left out. `version` names the bridge from the contestant's vocabulary, by default its first.
    """
    xy = project(predictions.xy, predictions.vocabulary, NOSE, version)[:, 0].astype(np.float64)
    finite = np.isfinite(xy).all(axis=1)
    points = (
        np.where(np.isfinite(predictions.score), predictions.score, 0.0).mean(axis=1)
        if predictions.score.size
        else predictions.box_score
    )
    score = np.where(np.isfinite(predictions.box_score), predictions.box_score, points)
    return NosePoints(
        predictions.frames[finite], predictions.faces[finite], xy[finite], score[finite].astype(np.float64)
    )


def posted(predictions: Predictions) -> NosePoints:
    """Return the noses as the posts read them."""
    return nose_points(predictions, POSTS.get(predictions.vocabulary))


def versions(vocabulary: str) -> list[str]:
    """Return all ways in which a vocabulary is read as a nose, the default first; none where it is one."""
    return list(bridge(vocabulary, NOSE).versions) if vocabulary != NOSE else []


def summarised(gaps: NDArray[np.float64], sizes: NDArray[np.float64]) -> Numbers:
    """Return numbers of predicted minus labelled noses (n, 2) px on faces of `sizes` (n,) px; none finite, no
    offset.

    `offset_*_px` is the mean, positive to the right and downwards; `offset_*_face` the part of a face's size that
    explains the offsets best, in least squares. `error` is the root mean square length, `error_centred` that after
    this part was taken away, which can be no larger.
    """
    finite = np.isfinite(gaps).all(axis=1)
    gaps, sizes = gaps[finite], sizes[finite]
    if not len(gaps):
        return {"found": 0}
    px, face = gaps.mean(axis=0), (gaps * sizes[:, None]).sum(axis=0) / np.square(sizes).sum()
    numbers: Numbers = {"found": len(gaps)}
    for axis, name in enumerate("xy"):
        numbers |= {f"offset_{name}_px": float(px[axis]), f"offset_{name}_face": float(face[axis])}
    lengths = {"error": gaps, "error_centred": gaps - face * sizes[:, None]}
    return numbers | {
        name: float(np.sqrt(np.square(offsets).sum(axis=1).mean())) for name, offsets in lengths.items()
    }
