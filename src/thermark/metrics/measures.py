"""The numbers of one seed on one set of faces, one function a metric; NaN where a number is undefined.

`unit` is that of `Scores.size`: `px`, or the name of a normaliser.
"""

import numpy as np

from thermark.core.point_errors import mean_of_finite, median_of_finite
from thermark.core.point_errors import pck as pck_of
from thermark.metrics.auc import auc as auc_of
from thermark.metrics.auc import failure_rate as failure_rate_of
from thermark.metrics.nme import pooled as pooled_of
from thermark.metrics.scores import Scores

UNDEFINED = float("nan")


def mean(scores: Scores, unit: str) -> float:
    """Return the mean error of the found faces, each of which counts once."""
    return mean_of_finite(scores.face_errors(unit))


def median(scores: Scores, unit: str) -> float:
    """Return the median error of the found faces."""
    return median_of_finite(scores.face_errors(unit))


def pooled(scores: Scores, unit: str) -> float:
    """Return the mean error of the predicted points, so that a face counts with its number of points."""
    return pooled_of(scores.errors, scores.size(unit))


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
    """Return how many faces were missed although they have a prompt; where all have one, `missed` says it."""
    missed_ones = int((np.isinf(scores.face_px) & scores.prompted).sum())
    return UNDEFINED if np.isnan(unprompted(scores)) else missed_ones


def recall(scores: Scores) -> float:
    """Return the part of the labelled faces that were detected, by who detects faces itself."""
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
