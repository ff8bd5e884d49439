"""Evaluation: a pure function of faces and predictions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeInt, PositiveFloat

from thermark.core.config import Section, parse
from thermark.core.errors import ConfigError, DataError
from thermark.core.faces import Faces
from thermark.core.predictions import Predictions
from thermark.landmarks import load, targets
from thermark.metrics.distances import per_face
from thermark.metrics.floor import Jittered, floor
from thermark.metrics.names import MOVED
from thermark.metrics.nme import mean_of_finite, normalised
from thermark.metrics.scores import Labels, Scores, labels, score
from thermark.metrics.seeds import combined
from thermark.metrics.summary import MAIN, Summary, Thresholds, face_errors, main_metric, summarise


class Config(Section):
    """How a data set is scored.

    `vocabulary`: the landmarks compared. `split`: `test`, or `all` faces. `bridges`: source vocabulary ->
    version of its bridge, where the default is not meant. `cap`: how far from a labelled face an unprompted
    detection may be and still be matched to it, as a part of the size of the face. `bootstrap`: replicates of the
    95 % interval, 0 for none.
    """

    vocabulary: str = "ibug68"
    split: Literal["test", "all"] = "test"
    bridges: dict[str, str] = Field(default_factory=dict)
    thresholds: Thresholds = Thresholds()
    cap: PositiveFloat = 0.5
    bootstrap: NonNegativeInt = 1000
    seed: NonNegativeInt = 0


def reading(where: str, raw: dict[str, Any], split: str | None) -> Config:
    """Return how a data set is scored; which of its faces are is said once, for predictions and scores alike."""
    if split is None or "split" in raw:
        raise ConfigError(f"{where} does not say which faces are scored", "say `test` or `all` under `scored`")
    return parse(raw | {"split": split}, Config, where)


@dataclass(frozen=True)
class Evaluation:
    """Numbers of one contestant on one data set.

    `summary`: flat, finite; `metric` names the one that ranks, `boxes` says who found the faces. `subsets`:
    stratum -> value -> summary, with landmark groups under `points` and
    moved boxes under MOVED. `errors`: one row a scored face (`rows` in
    the face set, `ids`, `subjects`, `error_px`, `nme_io`, `nme_diag`; infinite = missed), each the mean over
    seeds, so that a miss of one seed is a miss; `per_seed` (S, N), the error that ranks, by seed; `instances` (S,
    N), the row of the predictions that answers for the face, -1 for none; and the `vocabulary` and `bridges` it
    was read by. `landmarks`: the mean error of each
    point of the vocabulary over found faces and seeds, in the unit of the metric that ranks, None where nothing is
    labelled. `trained_on`: the face sets that the contestant has learned from. `floor`: see metrics/floor.py,
    empty for who saw no shifted pictures.
    """

    summary: Summary
    subsets: dict[str, dict[str, Summary]]
    errors: dict[str, NDArray[Any]]
    landmarks: list[float | None] = field(default_factory=list)
    trained_on: tuple[str, ...] = ()
    floor: Summary = field(default_factory=dict)


def evaluate(
    faces: Faces,
    predictions: Predictions | Sequence[Predictions],
    config: Config,
    dataset: str,
    relatives: frozenset[str] = frozenset(),
    read: Labels | None = None,
    moved: Mapping[str, Sequence[Predictions]] = MappingProxyType({}),
    jittered: Jittered | None = None,
) -> Evaluation:
    """Score predictions against the labels of the face set `dataset`; a face without a prediction is a miss.

    `predictions` are those of a contestant without seeds, or of each seed of a run, whose metrics are then means
    over `seeds`. `relatives` are other face sets that were read from the same files, `read` the labels of `faces`
    where they have been translated before; `moved`: variant -> what each seed said of boxes that are not quite
    right; `jittered`: of shifted pictures. A contestant that could not run, or whose landmarks have no counterpart
    in the vocabulary, gets a status and a reason and no numbers. Raises DataError for an empty split, misaligned
    predictions, labels that do not exist in the vocabulary, seeds of several vocabularies, or `split: all` of a
    set when the contestant was trained on it or on a relative; ConfigError for a missing bridge.
    """
    said = [predictions] if isinstance(predictions, Predictions) else list(predictions)
    chosen = np.ones(len(faces), bool) if config.split == "all" else faces.splits == "test"
    if not chosen.any():
        raise DataError(
            f"no face is in the {config.split} split", "choose another split or `limit` in params.yaml"
        )
    if excuse := _excuse(said, config, dataset, relatives):
        return Evaluation(excuse, {}, {})
    read = read or labels(faces, config.vocabulary, config.bridges)
    seeds = [_scored(faces, one, config, chosen, read) for one in said]
    if np.isnan(seeds[0].errors).all():
        raise DataError(
            f"{said[0].contestant} shares no labelled point with the test faces in {config.vocabulary}",
            "score in another vocabulary, or add a bridge to landmarks/",
        )
    tested = faces.take(np.flatnonzero(chosen))
    main = main_metric(seeds[0])
    summary: Summary = {"status": "ok", "metric": main, "boxes": said[0].box_source}
    summary |= _summary(seeds, main, config) | _unprompted(seeds, tested) | _detected(seeds) | _failed(said)
    rows = {name: [_scored(faces, one, config, chosen, read) for one in each] for name, each in moved.items()}
    boxes = {name: _summary(each, main, config) for name, each in rows.items()}
    return Evaluation(
        summary=summary if isinstance(predictions, Predictions) else summary | {"seeds": len(seeds)},
        subsets=_strata(seeds, tested, main, config)
        | {"points": _groups(seeds, main, config)}
        | ({MOVED: boxes} if boxes else {}),
        errors=_table(seeds, main, tested, np.flatnonzero(chosen)) | _reading(config),
        landmarks=_by_landmark(seeds, main),
        trained_on=said[0].trained_on,
        floor=floor(faces, chosen, seeds, jittered, main, config.vocabulary, config.bridges, config.cap)
        if jittered
        else {},
    )


def _scored(faces: Faces, said: Predictions, config: Config, chosen: NDArray[np.bool_], read: Labels) -> Scores:
    return score(faces, said, config.vocabulary, config.bridges, chosen, config.cap, read)


def _excuse(said: Sequence[Predictions], config: Config, dataset: str, relatives: frozenset[str]) -> Summary:
    """Return why there can be no numbers, nothing when there can.

    Raises DataError when the scored faces hold those that a seed has learned from, and when seeds differ in their
    landmarks.
    """
    for one in said:
        taught = [name for name in one.trained_on if name == dataset or name in relatives]
        if config.split == "all" and taught:
            same = "" if taught[0] == dataset else f", which was read from the same files as {dataset}"
            raise DataError(
                f"{one.contestant} was trained on {taught[0]}{same}, of which all faces would be scored",
                f"set `scored.{dataset}: test`, or train on another data set",
            )
        if one.status != "ok":
            return {"status": one.status, "reason": one.reason}
        if one.vocabulary != said[0].vocabulary:
            raise DataError(
                f"seeds of {one.contestant} predict {said[0].vocabulary} and {one.vocabulary}",
                "run `dvc repro` to predict again",
            )
    own = said[0].vocabulary
    if config.vocabulary in {own, *targets(own)}:
        return {}
    return {"status": "skipped", "reason": f"{own} cannot be read as {config.vocabulary}"}


def _unprompted(seeds: Sequence[Scores], faces: Faces) -> dict[str, float]:
    """Return how many scored faces have no prompt, and how many were missed although they have one.

    Nothing when every scored face has a prompt: then `missed` says it all.
    """
    bare = np.isnan(faces.prompts).any(axis=1)
    each: list[dict[str, float]] = []
    for scores in seeds:
        face_px = per_face(scores.errors)
        unprompted = int((bare & ~np.isnan(face_px)).sum())
        each.append({"unprompted": unprompted, "missed_prompted": int((np.isinf(face_px) & ~bare).sum())})
    counts = combined(each)
    return counts if counts["unprompted"] else {}


def _detected(seeds: Sequence[Scores]) -> dict[str, float]:
    """Return how many instances a contestant found itself, and how many of them are no labelled face.

    Nothing for one that was told where the faces are. It holds for all faces alone: an instance that nobody is
    matched to belongs to no part of them.
    """
    each: list[dict[str, float]] = []
    for scores in seeds:
        if scores.detections is None:
            return {}
        matched = int((scores.instances >= 0).sum())
        counts = {"predictions": scores.detections, "extra": scores.detections - matched}
        each.append(counts | {"precision": matched / scores.detections if scores.detections else np.nan})
    return {name: number for name, number in combined(each).items() if np.isfinite(number)}


def _failed(said: Sequence[Predictions]) -> dict[str, float]:
    """Return on how many frames the contestant raised an error, the most of any seed; nothing when on none."""
    frames = max(len(one.failed) for one in said)
    return {"failed_frames": frames} if frames else {}


def _summary(seeds: Sequence[Scores], main: str, config: Config) -> Summary:
    return summarise(seeds, main, config.thresholds, config.bootstrap, config.seed)


def _strata(seeds: Sequence[Scores], faces: Faces, main: str, config: Config) -> dict[str, dict[str, Summary]]:
    """Return a summary for each value of each stratum; an empty value means that a face is in no part."""
    return {
        name: {
            str(value): _summary([scores.rows(column == value) for scores in seeds], main, config)
            for value in np.unique(column)
            if str(value)
        }
        for name, column in sorted(faces.strata.items())
    }


def _groups(seeds: Sequence[Scores], main: str, config: Config) -> dict[str, Summary]:
    """Return a summary for each landmark group, and for visible and hidden points."""
    vocabulary, hidden = load(config.vocabulary), seeds[0].hidden
    masks: dict[str, NDArray[np.bool_]] = {
        name: np.isin(np.arange(len(vocabulary)), members) for name, members in vocabulary.groups.items()
    }
    if hidden.any():
        masks |= {"visible": ~hidden, "hidden": hidden}
    parts = {name: [scores.points(mask) for scores in seeds] for name, mask in masks.items()}
    return {
        name: _summary(part, main, config) for name, part in parts.items() if not np.isnan(part[0].errors).all()
    }


def _table(seeds: Sequence[Scores], main: str, faces: Faces, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Return the columns of the scored faces, and their main error by seed."""
    face_px = np.stack([per_face(scores.errors) for scores in seeds])
    relative = {f"nme_{name}": normalised(face_px, seeds[0].normalisers[name]) for name in ("io", "diag")}
    by_seed = {"error_px": face_px} | relative
    columns = {"rows": rows, "ids": faces.ids, "subjects": faces.subjects}
    columns |= {name: errors.mean(axis=0) for name, errors in by_seed.items()}
    columns["per_seed"] = np.stack([face_errors(scores, main) for scores in seeds])
    columns["instances"] = np.stack([scores.instances for scores in seeds])
    scored = ~np.isnan(face_px[0])
    return {name: column[..., scored] for name, column in columns.items()}


def _by_landmark(seeds: Sequence[Scores], main: str) -> list[float | None]:
    """Return the mean error of each point over found faces and seeds in the unit of `main`, None of no points."""
    each = [scores.errors / scores.size(MAIN[main])[:, None] for scores in seeds]
    means = np.array([[mean_of_finite(column) for column in errors.T] for errors in each]).mean(axis=0)
    return [float(mean) if np.isfinite(mean) else None for mean in means]


def _reading(config: Config) -> dict[str, NDArray[Any]]:
    """Return by which vocabulary and bridges the points were read, so that a picture can show what was
    scored.
    """
    versions = np.array([[name, version] for name, version in sorted(config.bridges.items())], dtype=np.str_)
    return {"vocabulary": np.array(config.vocabulary), "bridges": versions.reshape(-1, 2)}
