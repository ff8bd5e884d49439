"""Evaluation: a pure function of faces and predictions."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeInt

from thermark.core import files
from thermark.core.config import Section
from thermark.core.errors import DataError
from thermark.core.faces import Faces
from thermark.core.predictions import Predictions
from thermark.landmarks import load, targets
from thermark.metrics.auc import ced
from thermark.metrics.distances import per_face
from thermark.metrics.names import describe
from thermark.metrics.nme import normalised
from thermark.metrics.scores import Scores, score
from thermark.metrics.summary import MAIN, Summary, Thresholds, face_errors, main_metric, summarise


class Config(Section):
    """How a data set is scored.

    `vocabulary`: the landmarks compared. `split`: `test`, or `all` faces. `bridges`: source vocabulary ->
    version of its bridge, where the default is not meant. `bootstrap`: replicates of the 95 % interval, 0 for
    none.
    """

    vocabulary: str = "ibug68"
    split: Literal["test", "all"] = "test"
    bridges: dict[str, str] = Field(default_factory=dict)
    thresholds: Thresholds = Thresholds()
    bootstrap: NonNegativeInt = 1000
    seed: NonNegativeInt = 0


@dataclass(frozen=True)
class Evaluation:
    """Numbers of one contestant on one data set.

    `summary`: flat, finite; `metric` names the one that ranks. `subsets`: stratum -> value -> summary, with
    landmark groups under `points`. `errors`: one row a scored face (`rows` in the face set, `ids`,
    `subjects`, `error_px`, `nme_io`, `nme_diag`; infinite = missed), and the `vocabulary` and `bridges` it
    was read by. `ced`: `error`, `fraction`.
    """

    summary: Summary
    subsets: dict[str, dict[str, Summary]]
    errors: dict[str, NDArray[Any]]
    ced: dict[str, NDArray[np.float64]]


def evaluate(faces: Faces, predictions: Predictions, config: Config, dataset: str) -> Evaluation:
    """Score predictions against the labels of the face set `dataset`; a face without a prediction is a miss.

    A contestant that could not run, or whose landmarks have no counterpart in the vocabulary, gets a status
    and a reason and no numbers. Raises DataError for an empty split, misaligned predictions, labels that do
    not exist in the vocabulary, or `split: all` of a set that the contestant was trained on; ConfigError for a
    missing bridge.
    """
    chosen = np.ones(len(faces), bool) if config.split == "all" else faces.splits == "test"
    if not chosen.any():
        raise DataError(
            f"no face is in the {config.split} split", "choose another split or `limit` in params.yaml"
        )
    _require_unseen(predictions, config, dataset)
    if predictions.status != "ok":
        return Evaluation({"status": predictions.status, "reason": predictions.reason}, {}, {}, {})
    if config.vocabulary not in {predictions.vocabulary, *targets(predictions.vocabulary)}:
        reason = f"{predictions.vocabulary} cannot be read as {config.vocabulary}"
        return Evaluation({"status": "skipped", "reason": reason}, {}, {}, {})
    scores = score(faces, predictions, config.vocabulary, config.bridges).rows(chosen)
    if np.isnan(scores.errors).all():
        raise DataError(
            f"{predictions.contestant} shares no labelled point with the test faces in {config.vocabulary}",
            "score in another vocabulary, or add a bridge to landmarks/",
        )
    tested = faces.take(np.flatnonzero(chosen))
    main = main_metric(scores)
    summary = {"status": "ok", "metric": main} | _summary(scores, main, config)
    return Evaluation(
        summary=summary | _unprompted(scores, tested),
        subsets=_strata(scores, tested, main, config) | {"points": _groups(scores, main, config)},
        errors=_table(scores, tested, np.flatnonzero(chosen)) | _reading(config),
        ced=_curve(scores, main, config),
    )


def write(evaluation: Evaluation, predictions: str, metrics: Path, details: Path, ced: Path, errors: Path) -> None:
    """Write the summary alone, and with all subsets, as JSON, the curve as CSV, per-face errors as npz.

    `predictions` is the sha256 of what was scored: with it in the details, whoever reads these depends on that
    too. All files exist, even empty. Raises ConfigError for a metric that `names.METRICS` does not explain.
    """
    for name in evaluation.summary.keys() - {"status", "reason", "metric"}:
        describe(name)
    content = {"summary": evaluation.summary, "subsets": evaluation.subsets, "predictions": predictions}
    files.write_json(metrics, evaluation.summary)
    files.write_json(details, content)
    lines = [f"{x:.6g},{y:.6g}" for x, y in zip(*evaluation.ced.values(), strict=True)]
    files.write_text(ced, "\n".join(["error,fraction", *lines]) + "\n")
    files.write_arrays(errors, evaluation.errors)


def _require_unseen(predictions: Predictions, config: Config, dataset: str) -> None:
    """Raise DataError when the scored faces hold those that the contestant has learned from."""
    if config.split == "all" and dataset in predictions.trained_on:
        raise DataError(
            f"{predictions.contestant} was trained on {dataset}, of which all faces would be scored",
            f"set `split: test` in evaluate.{dataset}, or train on another data set",
        )


def _unprompted(scores: Scores, faces: Faces) -> Summary:
    """Return how many scored faces have no prompt, and how many were missed although they have one.

    Nothing when every scored face has a prompt: then `missed` says it all.
    """
    face_px = per_face(scores.errors)
    bare = np.isnan(faces.prompts).any(axis=1)
    unprompted = int((bare & ~np.isnan(face_px)).sum())
    missed = int((np.isinf(face_px) & ~bare).sum())
    return {"unprompted": unprompted, "missed_prompted": missed} if unprompted else {}


def _summary(scores: Scores, main: str, config: Config) -> Summary:
    return summarise(scores, main, config.thresholds, config.bootstrap, config.seed)


def _strata(scores: Scores, faces: Faces, main: str, config: Config) -> dict[str, dict[str, Summary]]:
    """Return a summary for each value of each stratum; an empty value means that a face is in no part."""
    return {
        name: {
            str(value): _summary(scores.rows(column == value), main, config)
            for value in np.unique(column)
            if str(value)
        }
        for name, column in sorted(faces.strata.items())
    }


def _groups(scores: Scores, main: str, config: Config) -> dict[str, Summary]:
    """Return a summary for each landmark group, and for visible and hidden points."""
    vocabulary = load(config.vocabulary)
    masks: dict[str, NDArray[np.bool_]] = {
        name: np.isin(np.arange(len(vocabulary)), members) for name, members in vocabulary.groups.items()
    }
    if scores.hidden.any():
        masks |= {"visible": ~scores.hidden, "hidden": scores.hidden}
    parts = {name: scores.points(mask) for name, mask in masks.items()}
    return {name: _summary(part, main, config) for name, part in parts.items() if not np.isnan(part.errors).all()}


def _table(scores: Scores, faces: Faces, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    face_px = per_face(scores.errors)
    scored = ~np.isnan(face_px)
    relative = {f"nme_{name}": normalised(face_px, scores.normalisers[name]) for name in ("io", "diag")}
    columns = {"rows": rows, "ids": faces.ids, "subjects": faces.subjects, "error_px": face_px} | relative
    return {name: column[scored] for name, column in columns.items()}


def _reading(config: Config) -> dict[str, NDArray[Any]]:
    """Return by which vocabulary and bridges the points were read, so that a picture can show what was
    scored.
    """
    versions = np.array([[name, version] for name, version in sorted(config.bridges.items())], dtype=np.str_)
    return {"vocabulary": np.array(config.vocabulary), "bridges": versions.reshape(-1, 2)}


def _curve(scores: Scores, main: str, config: Config) -> dict[str, NDArray[np.float64]]:
    limit = getattr(config.thresholds, f"auc_{MAIN[main]}")
    error, fraction = ced(face_errors(scores, main), 2 * limit)
    return {"error": error, "fraction": fraction}
