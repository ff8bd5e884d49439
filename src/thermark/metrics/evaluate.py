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
from thermark.core.point_errors import mean_of_finite
from thermark.core.predictions import Predictions
from thermark.landmarks import load, targets
from thermark.metrics.floor import Jittered, floor
from thermark.metrics.registry import MAIN, MOVED
from thermark.metrics.scores import Labels, Scores, labels, score
from thermark.metrics.summary import Summary, Thresholds, main_metric, summarise


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
    """Return how a data set is scored; `split` is that of the section `scored`, which predictions use, too."""
    if split is None or "split" in raw:
        raise ConfigError(f"{where} does not say which faces are scored", "say `test` or `all` under `scored`")
    return parse(raw | {"split": split}, Config, where)


@dataclass(frozen=True)
class Evaluation:
    """Numbers of one contestant on one data set.

    `summary`: flat, finite; `metric` names the main one, which ranks, `boxes` the source of boxes. `subsets`:
    stratum -> value -> summary, with landmark groups under `points` and moved boxes under MOVED. `errors`: one row
    a scored face (`rows` in the face set, `ids`, `subjects`, `error_px`, `nme_io`, `nme_diag`; infinite = missed),
    each the mean over seeds, so that a miss of one seed is a miss; `per_seed` (S, N), the main error by seed;
    `instances` (S, N), the row of the predictions that was matched to the face, -1 for none; and the `vocabulary`
    and `bridges` of the scored points. `landmarks`: the mean error of each landmark over found faces
    and seeds, in the unit of the main metric, None where nothing is labelled. `trained_on`: the face sets that the
    contestant has learned from. `floor`: see metrics/floor.py, empty without predictions on shifted pictures.
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
    where they have been translated before; `moved`: variant -> the predictions of each seed from boxes that are
    not quite right; `jittered`: those on shifted pictures. A contestant that could not run, or whose landmarks
    have no counterpart in the vocabulary, gets a status and a reason and no numbers. Raises DataError for an empty
    split, misaligned predictions, labels that do not exist in the vocabulary, seeds of several vocabularies, or
    `split: all` of a set when the contestant was trained on it or on a relative; ConfigError for a missing bridge.
    """
    by_seed = [predictions] if isinstance(predictions, Predictions) else list(predictions)
    chosen = np.ones(len(faces), bool) if config.split == "all" else faces.splits == "test"
    if not chosen.any():
        raise DataError(
            f"no face is in the {config.split} split", "choose another split or `limit` in params.yaml"
        )
    if absent := _why_absent(by_seed, config, dataset, relatives):
        return Evaluation(absent, {}, {})
    read = read or labels(faces, config.vocabulary, config.bridges)
    seeds = [_scored(faces, one, config, chosen, read) for one in by_seed]
    if np.isnan(seeds[0].errors).all():
        raise DataError(
            f"{by_seed[0].contestant} shares no labelled point with the test faces in {config.vocabulary}",
            "score in another vocabulary, or add a bridge to landmarks/",
        )
    tested = faces.take(np.flatnonzero(chosen))
    main = main_metric(seeds[0])
    summary: Summary = {"status": "ok", "metric": main, "boxes": by_seed[0].box_source}
    summary |= _summary(seeds, main, config, part=False)
    boxes = {
        name: _summary([_scored(faces, one, config, chosen, read) for one in variant], main, config)
        for name, variant in moved.items()
    }
    return Evaluation(
        summary=summary if isinstance(predictions, Predictions) else summary | {"seeds": len(seeds)},
        subsets=_strata(seeds, tested, main, config)
        | {"points": _groups(seeds, main, config)}
        | ({MOVED: boxes} if boxes else {}),
        errors=_table(seeds, main, tested, np.flatnonzero(chosen)) | _reading(config),
        landmarks=_by_landmark(seeds, main),
        trained_on=by_seed[0].trained_on,
        floor=floor(faces, chosen, seeds, jittered, main, config.vocabulary, config.bridges, config.cap)
        if jittered
        else {},
    )


def _scored(
    faces: Faces, predictions: Predictions, config: Config, chosen: NDArray[np.bool_], read: Labels
) -> Scores:
    return score(faces, predictions, config.vocabulary, config.bridges, chosen, config.cap, read)


def _why_absent(seeds: Sequence[Predictions], config: Config, dataset: str, relatives: frozenset[str]) -> Summary:
    """Return why there can be no numbers, nothing when there can.

    Raises DataError when the scored faces hold those that a seed has learned from, and when seeds differ in their
    landmarks.
    """
    for one in seeds:
        learned_from = [name for name in one.trained_on if name == dataset or name in relatives]
        if config.split == "all" and learned_from:
            same = "" if learned_from[0] == dataset else f", which was read from the same files as {dataset}"
            raise DataError(
                f"{one.contestant} was trained on {learned_from[0]}{same}, of which all faces would be scored",
                f"set `scored.{dataset}: test`, or train on another data set",
            )
        if one.status != "ok":
            return {"status": one.status, "reason": one.reason}
        if one.vocabulary != seeds[0].vocabulary:
            raise DataError(
                f"seeds of {one.contestant} predict {seeds[0].vocabulary} and {one.vocabulary}",
                "run `dvc repro` to predict again",
            )
    vocabulary = seeds[0].vocabulary
    if config.vocabulary in {vocabulary, *targets(vocabulary)}:
        return {}
    return {"status": "skipped", "reason": f"{vocabulary} cannot be read as {config.vocabulary}"}


def _summary(seeds: Sequence[Scores], main: str, config: Config, part: bool = True) -> Summary:
    return summarise(seeds, main, config.thresholds, config.bootstrap, config.seed, part)


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
    units = {"error_px": "px", "nme_io": "io", "nme_diag": "diag"}
    by_seed = {name: np.stack([scores.face_errors(unit) for scores in seeds]) for name, unit in units.items()}
    columns = {"rows": rows, "ids": faces.ids, "subjects": faces.subjects}
    columns |= {name: errors.mean(axis=0) for name, errors in by_seed.items()}
    columns["per_seed"] = np.stack([scores.face_errors(MAIN[main]) for scores in seeds])
    columns["instances"] = np.stack([scores.instances for scores in seeds])
    return {name: column[..., seeds[0].labelled] for name, column in columns.items()}


def _by_landmark(seeds: Sequence[Scores], main: str) -> list[float | None]:
    """Return the mean error of each point over found faces and seeds in the unit of `main`, None of no points."""
    by_seed = [scores.errors / scores.size(MAIN[main])[:, None] for scores in seeds]
    means = np.array([[mean_of_finite(column) for column in errors.T] for errors in by_seed]).mean(axis=0)
    return [float(mean) if np.isfinite(mean) else None for mean in means]


def _reading(config: Config) -> dict[str, NDArray[Any]]:
    """Return the vocabulary and bridges by which points were read, for pictures of what was scored."""
    versions = np.array([[name, version] for name, version in sorted(config.bridges.items())], dtype=np.str_)
    return {"vocabulary": np.array(config.vocabulary), "bridges": versions.reshape(-1, 2)}
