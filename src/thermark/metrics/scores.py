"""Distances and normalisers of one contestant on one set of faces, in the vocabulary that is scored."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thermark.core.errors import DataError
from thermark.core.faces import Faces
from thermark.core.predictions import Predictions
from thermark.landmarks import load, project, weights
from thermark.metrics.distances import Floats, distances, offsets
from thermark.metrics.face_size import face_size
from thermark.metrics.matching import Rows, assign
from thermark.metrics.measures import Scores as Scores
from thermark.metrics.normalisers import box_normalisers, interocular

GIVEN = ("prompt", "labelled")  # boxes that come with the face


@dataclass(frozen=True)
class Labels:
    """What was to be found, in the vocabulary that is scored.

    `truth` (N, K, 2) source px, NaN unlabelled; `hidden` (N, K) bool; `eyes` (N,), their distance in px or NaN.
    """

    truth: NDArray[np.float32]
    hidden: NDArray[np.bool_]
    eyes: Floats


def score(
    faces: Faces,
    predictions: Predictions,
    target: str,
    versions: dict[str, str],
    chosen: NDArray[np.bool_],
    cap: float,
    read: Labels | None = None,
) -> Scores:
    """Translate labels and predictions into the vocabulary `target` and measure them on the faces `chosen` (N,).

    `versions` names the bridge to use per source vocabulary. Points without a counterpart in the contestant's
    vocabulary count as unlabelled. Unprompted instances are matched to the chosen faces of their frame that have a
    label to be compared, within `cap` times the size of the face. `read` are the faces' labels, where they have
    been translated before. Raises ConfigError where no bridge leads, DataError for misaligned predictions.
    """
    read = read or labels(faces, target, versions)
    truth = read.truth
    version = versions.get(predictions.vocabulary)
    points = project(_points(predictions), predictions.vocabulary, target, version)
    supported: NDArray[np.bool_] = np.ones(len(load(target)), np.bool_)
    if predictions.vocabulary != target:
        supported = weights(predictions.vocabulary, target, version).sum(axis=1) > 0
    wanted = chosen & (np.isfinite(truth).all(axis=-1) & supported).any(axis=1)
    rows, detections = _match(faces, predictions, points, np.where(wanted[:, None, None], truth, np.nan), cap)
    predicted = np.full(truth.shape, np.nan, np.float32)
    predicted[rows >= 0] = points[rows[rows >= 0]]
    scores = Scores(
        errors=np.where(supported, distances(truth, predicted), np.nan),
        offsets=offsets(truth, predicted),
        hidden=read.hidden,
        normalisers={"io": read.eyes} | box_normalisers(truth),
        subjects=faces.subjects,
        supported=supported,
        instances=rows,
        prompted=np.isfinite(faces.prompts).all(axis=1),
        detections=detections,
        failed_frames=len(predictions.failed),
    )
    return scores.rows(chosen)


def labels(faces: Faces, target: str, versions: dict[str, str]) -> Labels:
    """Translate the labels of faces (N,) into the vocabulary `target`, each row from its own.

    The eyes are looked up before translation, so that a single nose point is normalised by the face it sits in.
    Raises ConfigError where no bridge leads.
    """
    width = len(load(target))
    truth = np.full((len(faces), width, 2), np.nan, np.float32)
    seen = truth.copy()
    eyes = np.full(len(faces), np.nan)
    for name in np.unique(faces.vocabularies):
        rows = np.flatnonzero(faces.vocabularies == name)
        vocabulary = load(str(name))
        xy = faces.xy[rows, : len(vocabulary)]
        visible = np.where(faces.visible[rows, : len(vocabulary), None], xy, np.nan)
        version = versions.get(str(name))
        truth[rows] = project(xy, str(name), target, version)
        seen[rows] = project(visible, str(name), target, version)
        eyes[rows] = interocular(xy, vocabulary)
    return Labels(truth, np.isnan(seen[..., 0]) & ~np.isnan(truth[..., 0]), eyes)


def _points(predictions: Predictions) -> NDArray[np.float32]:
    """Return the predicted points (M, K_own, 2); raises DataError when they are not those of the vocabulary."""
    width = len(load(predictions.vocabulary))
    if predictions.xy.shape[1:] != (width, 2):
        raise DataError(
            f"predictions of {predictions.contestant} have shape {predictions.xy.shape}, "
            f"{predictions.vocabulary} has {width} points",
            "mend the contestant's vocabulary, then predict again",
        )
    return predictions.xy


def _match(
    faces: Faces, predictions: Predictions, points: NDArray[np.floating], truth: NDArray[np.floating], cap: float
) -> tuple[Rows, int | None]:
    """Return the row of the predictions that belongs to each face, (N,), -1 for none, and how many were detected.

    A prompted row belongs to the face that it names; there is nothing to count then. `points` (M, K, 2) and
    `truth` (N, K, 2), NaN for a face that is not scored, are in the vocabulary that is scored.
    """
    if not unprompted(predictions):
        return _named(faces, predictions), None
    if not np.isin(predictions.frames, faces.frames).all():
        raise _misaligned(predictions, "a frame that does not exist")
    wanted = np.flatnonzero(np.isfinite(truth).all(axis=-1).any(axis=1))
    complete = np.isfinite(points).all(axis=-1).any(axis=1)
    able = np.flatnonzero(complete & np.isin(predictions.frames, faces.frames[wanted]))
    matched = assign(
        faces.frames[wanted],
        truth[wanted],
        cap * face_size(faces)[wanted],
        predictions.frames[able],
        points[able],
        np.nan_to_num(predictions.score[able]).mean(axis=1),
    )
    rows = np.full(len(faces), -1, np.int64)
    rows[wanted[matched >= 0]] = able[matched[matched >= 0]]
    return rows, len(able)


def unprompted(predictions: Predictions) -> bool:
    """Whether a contestant found the faces itself; raises DataError when it did so for some of them only.

    One without any row is known by the source of its boxes.
    """
    nameless = predictions.faces == -1
    if nameless.any() and not nameless.all():
        raise _misaligned(predictions, "a face in some rows and none in others")
    return bool(nameless.all()) if len(nameless) else predictions.box_source not in GIVEN


def _named(faces: Faces, predictions: Predictions) -> Rows:
    """Return the row of the predictions that names each face, (N,) int64, -1 for none."""
    named = predictions.faces
    if len(np.unique(named)) != len(named) or (len(named) and not 0 <= named.min() <= named.max() < len(faces)):
        raise _misaligned(predictions, "a face twice or one that does not exist")
    rows = np.full(len(faces), -1, np.int64)
    rows[named] = np.arange(len(named))
    return rows


def _misaligned(predictions: Predictions, what: str) -> DataError:
    return DataError(f"predictions of {predictions.contestant} name {what}", "run `dvc repro` to predict again")
