"""Distances and normalisers of one contestant on one set of faces, in the vocabulary that is scored."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from thermark.core.errors import DataError
from thermark.core.faces import Faces
from thermark.core.predictions import Predictions
from thermark.landmarks import load, project, weights
from thermark.metrics.distances import Floats, distances, offsets
from thermark.metrics.nme import box_normalisers, interocular


@dataclass(frozen=True)
class Scores:
    """What was measured, one row a face.

    `errors` (N, K) px, NaN unlabelled, infinite missed; `offsets` (N, K, 2) px; `hidden` (N, K) bool;
    `normalisers`: name -> (N,) px or NaN; `subjects` (N,) str; `supported` (K,) bool, the points that exist
    in the contestant's vocabulary.
    """

    errors: Floats
    offsets: Floats
    hidden: NDArray[np.bool_]
    normalisers: dict[str, Floats]
    subjects: NDArray[np.str_]
    supported: NDArray[np.bool_]

    def rows(self, chosen: NDArray[np.bool_]) -> "Scores":
        """Return the faces chosen by a mask (N,)."""
        return replace(
            self,
            errors=self.errors[chosen],
            offsets=self.offsets[chosen],
            hidden=self.hidden[chosen],
            normalisers={name: column[chosen] for name, column in self.normalisers.items()},
            subjects=self.subjects[chosen],
        )

    def points(self, chosen: NDArray[np.bool_]) -> "Scores":
        """Return the same faces scored on a mask (K,) or (N, K) of points; normalisers stay as they are."""
        errors = np.where(chosen, self.errors, np.nan)
        used = chosen if chosen.ndim == 1 else chosen.any(axis=0)
        return replace(self, errors=errors, supported=self.supported & used)


def score(faces: Faces, predictions: Predictions, target: str, versions: dict[str, str]) -> Scores:
    """Translate labels and predictions into the vocabulary `target` and measure them, row by row of `faces`.

    `versions` names the bridge to use per source vocabulary. Points without a counterpart in the contestant's
    vocabulary count as unlabelled. Raises ConfigError where no bridge leads, DataError for misaligned
    predictions.
    """
    truth, hidden, eyes = _truth(faces, target, versions)
    version = versions.get(predictions.vocabulary)
    predicted = project(_aligned(faces, predictions), predictions.vocabulary, target, version)
    supported: NDArray[np.bool_] = np.ones(len(load(target)), np.bool_)
    if predictions.vocabulary != target:
        supported = weights(predictions.vocabulary, target, version).sum(axis=1) > 0
    return Scores(
        errors=np.where(supported, distances(truth, predicted), np.nan),
        offsets=offsets(truth, predicted),
        hidden=hidden,
        normalisers={"io": eyes} | box_normalisers(truth),
        subjects=faces.subjects,
        supported=supported,
    )


def _truth(
    faces: Faces, target: str, versions: dict[str, str]
) -> tuple[NDArray[np.float32], NDArray[np.bool_], Floats]:
    """Return labels (N, K, 2), hidden flags (N, K) and inter-ocular distances (N,).

    Each row is read in its own vocabulary.

    The eyes are looked up before translation, so that a single nose point is normalised by the face it sits
    in.
    """
    width = len(load(target))
    truth = np.full((len(faces), width, 2), np.nan, np.float32)
    seen = truth.copy()
    eyes = np.full(len(faces), np.nan)
    for name in np.unique(faces.vocabularies):
        rows = np.flatnonzero(faces.vocabularies == name)
        vocabulary = load(str(name))
        own = faces.xy[rows, : len(vocabulary)]
        visible = np.where(faces.visible[rows, : len(vocabulary), None], own, np.nan)
        version = versions.get(str(name))
        truth[rows] = project(own, str(name), target, version)
        seen[rows] = project(visible, str(name), target, version)
        eyes[rows] = interocular(own, vocabulary)
    return truth, np.isnan(seen[..., 0]) & ~np.isnan(truth[..., 0]), eyes


def _aligned(faces: Faces, predictions: Predictions) -> NDArray[np.float32]:
    """Return predicted points (N, K_own, 2) in the order of `faces`, NaN for a face without a row."""
    width = len(load(predictions.vocabulary))
    if predictions.xy.shape[1:] != (width, 2):
        raise DataError(
            f"predictions of {predictions.contestant} have shape {predictions.xy.shape}, "
            f"{predictions.vocabulary} has {width} points",
            "mend the contestant's vocabulary, then predict again",
        )
    prompted = np.flatnonzero(predictions.faces >= 0)
    rows = predictions.faces[prompted]
    if len(np.unique(rows)) != len(rows) or (len(rows) and rows.max() >= len(faces)):
        raise DataError(
            f"predictions of {predictions.contestant} name a face twice or one that does not exist",
            "run `dvc repro` to predict again",
        )
    aligned = np.full((len(faces), width, 2), np.nan, np.float32)
    aligned[rows] = predictions.xy[prompted]
    return aligned
