"""The errors of one seed on one set of faces, and one function a metric of them; NaN where a number is undefined.

`unit` is that of `Scores.size`: `px`, or the name of a normaliser. Pages import this for what metrics are called:
nothing here reads pictures or landmarks.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from thermark.core.point_errors import mean_of_finite, median_of_finite
from thermark.core.point_errors import pck as pck_of
from thermark.metrics.auc import auc as auc_of
from thermark.metrics.auc import failure_rate as failure_rate_of
from thermark.metrics.distances import Floats, per_face
from thermark.metrics.matching import Rows

UNDEFINED = float("nan")


@dataclass(frozen=True)
class Scores:
    """What was measured, one row a face.

    `errors` (N, K) px, NaN unlabelled, infinite missed; `offsets` (N, K, 2) px; `hidden` (N, K) bool;
    `normalisers`: name -> (N,) px or NaN; `subjects` (N,) str; `supported` (K,) bool, the points that exist
    in the contestant's vocabulary; `instances` (N,) int64, the row of the predictions that answers for the face,
    -1 for none; `prompted` (N,) bool, the faces that have a prompt. Of all faces, whichever rows are looked at:
    `detections`, how many instances a contestant that finds faces itself has found in the frames of scored faces,
    None for one that is given the boxes; `failed_frames`, on how many frames it raised an error.
    """

    errors: Floats
    offsets: Floats
    hidden: NDArray[np.bool_]
    normalisers: dict[str, Floats]
    subjects: NDArray[np.str_]
    supported: NDArray[np.bool_]
    instances: Rows
    prompted: NDArray[np.bool_]
    detections: int | None
    failed_frames: int

    @cached_property
    def face_px(self) -> Floats:
        """The mean error of each face in px, (N,): NaN unlabelled, infinite missed."""
        return per_face(self.errors)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Which faces have a labelled point, (N,)."""
        return np.asarray(~np.isnan(self.face_px))

    def face_errors(self, unit: str) -> Floats:
        """Return the mean error of each face in a unit (see `size`), (N,); NaN for a face without normaliser."""
        return self.face_px / self.size(unit)

    def size(self, unit: str) -> Floats:
        """Return what errors in px are divided by for a unit: `px`, or the name of a normaliser; (N,)."""
        return np.ones(len(self.errors)) if unit == "px" else self.normalisers[unit]

    def rows(self, chosen: NDArray[np.bool_]) -> "Scores":
        """Return the faces chosen by a mask (N,)."""
        return replace(
            self,
            errors=self.errors[chosen],
            offsets=self.offsets[chosen],
            hidden=self.hidden[chosen],
            normalisers={name: column[chosen] for name, column in self.normalisers.items()},
            subjects=self.subjects[chosen],
            instances=self.instances[chosen],
            prompted=self.prompted[chosen],
        )

    def points(self, chosen: NDArray[np.bool_]) -> "Scores":
        """Return the same faces scored on a mask (K,) or (N, K) of points; normalisers stay as they are."""
        errors = np.where(chosen, self.errors, np.nan)
        used = chosen if chosen.ndim == 1 else chosen.any(axis=0)
        return replace(self, errors=errors, supported=self.supported & used)


def mean(scores: Scores, unit: str) -> float:
    """Return the mean error of the found faces, each of which counts once."""
    return mean_of_finite(scores.face_errors(unit))


def median(scores: Scores, unit: str) -> float:
    """Return the median error of the found faces."""
    return median_of_finite(scores.face_errors(unit))


def pooled(scores: Scores, unit: str) -> float:
    """Return the mean error of all predicted points of all faces (MMPose 1.3, `keypoint_nme`).

    A face counts with its number of labelled points, whereas in `mean` every face counts once.
    """
    return mean_of_finite(scores.errors / scores.size(unit)[:, None])


def pck(scores: Scores, limit: float, unit: str) -> float:
    """Return the part of the labelled points with an error of at most `limit`."""
    return pck_of(scores.errors / scores.size(unit)[:, None], limit)


def auc(scores: Scores, limit: float, unit: str) -> float:
    """Return the area under the cumulative error distribution of the faces up to `limit`."""
    return auc_of(scores.face_errors(unit), limit)


def failure_rate(scores: Scores, limit: float, unit: str) -> float:
    """Return the part of the faces with an error above `limit`, or missed."""
    return failure_rate_of(scores.face_errors(unit), limit)


def faces(scores: Scores) -> float:
    """Return how many faces have a label."""
    return int(scores.labelled.sum())


def unlabelled(scores: Scores) -> float:
    """Return how many faces have none, if there are any."""
    return int((~scores.labelled).sum()) or UNDEFINED


def missed(scores: Scores) -> float:
    """Return how many faces were missed."""
    return int(np.isinf(scores.face_px).sum())


def points(scores: Scores) -> float:
    """Return how many landmarks are scored."""
    return int((scores.supported & ~np.isnan(scores.errors).all(axis=0)).sum())


def unnormalised(scores: Scores, unit: str) -> float:
    """Return how many labelled faces have no normaliser, undefined where none has one."""
    absent = np.isnan(scores.size(unit)[scores.labelled])
    return UNDEFINED if absent.all() else int(absent.sum())


def unprompted(scores: Scores) -> float:
    """Return how many labelled faces have no prompt, if there are any."""
    return int((scores.labelled & ~scores.prompted).sum()) or UNDEFINED


def missed_prompted(scores: Scores) -> float:
    """Return how many faces were missed although they have a prompt; where all have one, it is `missed`."""
    missed_ones = int((np.isinf(scores.face_px) & scores.prompted).sum())
    return UNDEFINED if np.isnan(unprompted(scores)) else missed_ones


def recall(scores: Scores) -> float:
    """Return the part of the labelled faces that were detected, of contestants that detect faces themselves."""
    if scores.detections is None or not scores.labelled.any():
        return UNDEFINED
    return float((scores.instances[scores.labelled] >= 0).mean())


def detections(scores: Scores) -> float:
    """Return how many instances were detected in the frames of the faces."""
    return UNDEFINED if scores.detections is None else scores.detections


def precision(scores: Scores) -> float:
    """Return the part of the detections that were matched to a face."""
    return _matched(scores) / scores.detections if scores.detections else UNDEFINED


def extra(scores: Scores) -> float:
    """Return how many detections were matched to no face."""
    return UNDEFINED if scores.detections is None else scores.detections - _matched(scores)


def _matched(scores: Scores) -> int:
    return int((scores.instances >= 0).sum())


def failed_frames(scores: Scores) -> float:
    """Return on how many frames the contestant raised an error, if on any."""
    return scores.failed_frames or UNDEFINED


def offset(scores: Scores, axis: int) -> float:
    """Return the mean signed offset of the predicted points, where a single landmark is scored."""
    if len(scores.supported) != 1:
        return UNDEFINED
    return mean_of_finite(scores.offsets[np.isfinite(scores.errors)][:, axis])
