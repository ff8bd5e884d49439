"""All numbers of the zero-shot page in one table: protocol, contestant, part of the noses and metric -> number."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from thermark.core.config import nearest
from thermark.core.errors import ConfigError
from thermark.core.packed_images import BASE
from thermark.core.point_errors import PCK_LIMITS, summary
from thermark.core.predictions import COLUMNS, Predictions
from thermark.metrics.evaluate import Config, evaluate
from thermark.metrics.face_size import face_size
from thermark.metrics.scores import score
from thermark.metrics.seeds import combined
from thermark.report.columns import Values
from thermark.report.results.record import Record
from thermark.report.zeroshot import protocols
from thermark.report.zeroshot.nose_points import NosePoints, Numbers, posted, summarised, versions
from thermark.report.zeroshot.zeroshot_data import NOSE, SeedPredictions, ZeroshotData

METRICS = (
    *("faces", "missed", "recall", "precision", "predictions", "extra"),
    *(f"pck@{limit}px" for limit in PCK_LIMITS),
    *("error_px_mean", "error_px_median"),
)
RANKS, STRATUM, ALL = "pck@5px", "distance", "all"
PROTOCOLS = ("part1", "part2", "part2_all", "part3", "unified", "tone", "conventions")
Key = tuple[str, str, str]  # protocol, contestant, part


def flat(parts: Mapping[Key, Numbers]) -> Values:
    """Return the numbers of each protocol, contestant and part by these and their metric."""
    return {(*key, metric): value for key, numbers in parts.items() for metric, value in numbers.items()}


def measure(study: ZeroshotData, picture: str, scoring: Config) -> tuple[Values, dict[str, str]]:
    """Return the numbers of contestants that ran, the best first, and why some have none of the posts' parts.

    These are of those that saw `picture`, the posts' variant. The parts of `unified` are `all` and each distance,
    of `tone` the variants, of `conventions` the readings of a nose. `scoring` is the ordinary evaluation. Raises
    ConfigError when the data set has variants, but none of that name.
    """
    if study.tone_variants and picture not in study.tone_variants:
        cause = f"{study.name} has no variant of its pictures called {picture!r}"
        raise ConfigError(cause, nearest(picture, list(study.tone_variants)))
    evaluation = scoring.model_copy(update={"split": study.results.protocol.split, "bootstrap": 0})
    ran = [record for record in study.records if record.ran]
    ran.sort(key=lambda record: (-_record_numbers(record).get(RANKS, 0.0), record.contestant))
    by_contestant = {record.contestant: study.predictions(record, picture) for record in study.records}
    parts = _published(study)
    numbers: dict[Key, Numbers] = {}
    for record in ran:
        name, predictions = record.contestant, study.predictions(record)
        on_picture = by_contestant[name]
        if not isinstance(on_picture, str):
            noses = [posted(one) for one in on_picture]
            numbers |= {(part, name, ""): averaged([count(one) for one in noses]) for part, count in parts.items()}
        if not isinstance(predictions, str):
            measured = {
                "unified": _unified(record, predictions, study),
                "tone": _variant_numbers(record, study, evaluation),
                "conventions": _conventions(predictions, study, evaluation),
            }
            numbers |= {
                (protocol, name, part): values
                for protocol, by_part in measured.items()
                for part, values in by_part.items()
            }
    return flat(numbers), {
        name: on_picture for name, on_picture in by_contestant.items() if isinstance(on_picture, str)
    }


def averaged(seeds: Sequence[Numbers]) -> Numbers:
    """Return the mean over seeds of each number that is defined for all of them."""
    names = [name for name in seeds[0] if all(name in numbers for numbers in seeds)]
    return (
        {name: float(np.mean([numbers[name] for numbers in seeds])) for name in names}
        if len(seeds) > 1
        else seeds[0]
    )


def _published(study: ZeroshotData) -> Mapping[str, Callable[[NosePoints], Numbers]]:
    """Return part of the posts -> what counts it."""
    truths = {name: protocols.first(study.annotated, part) for name, part in protocols.PARTS.items()}
    crops = {"part2": study.pairs.test, "part2_all": study.pairs.every}
    scores = {name: partial(protocols.score, truth) for name, truth in truths.items()}
    cut = partial(protocols.score_crops, study.faces, study.pairs.crops)
    return scores | {name: partial(cut, rows) for name, rows in crops.items()}


def _record_numbers(record: Record) -> Numbers:
    """Return the numbers of a record that the page shows."""
    numbers = {name: estimate.value for name, estimate in record.metrics.items() if name in METRICS}
    defined = {name: value for name, value in numbers.items() if value is not None}
    return {"faces": record.faces, "missed": record.missed} | defined


def _unified(record: Record, predictions: SeedPredictions, study: ZeroshotData) -> dict[str, Numbers]:
    """Return the leaderboard's numbers, of all noses and of those at each distance, and two shares beside them:
    how many noses the posts' match would call detected, and recall.

    Recall is the same with given boxes and with detected ones: a prediction within the cap.
    """
    faces, errors = study.faces.take(study.scored), study.errors[record.contestant]["per_seed"]
    near = study.results.protocol.cap * face_size(study.faces)[study.scored]
    gaps = np.stack([protocols.matched(protocols.labelled(faces), posted(one)) for one in predictions])
    shares = {"detection": np.isfinite(gaps), "recall": errors <= near}
    column = faces.strata[STRATUM]
    rows = {ALL: np.ones(len(faces), bool)} | {name: column == name for name in sorted({*column.tolist()} - {""})}
    numbers = {part: combined([_errors(seed[mask]) for seed in errors]) for part, mask in rows.items()}
    numbers[ALL] = _record_numbers(record)
    return {
        part: {name: value for name, value in numbers[part].items() if np.isfinite(value)}
        | {name: float(hit[:, mask].mean()) for name, hit in shares.items() if mask.any()}
        for part, mask in rows.items()
    }


def _errors(gaps: NDArray[np.float64]) -> Numbers:
    """Return the leaderboard's numbers of one seed's errors in px, under its names."""
    values = summary(gaps)
    rates = {f"{name}px": value for name, value in values.items() if name.startswith("pck@")}
    means = {f"error_px_{name}": values.get(name, np.nan) for name in ("mean", "median")}
    return {"faces": len(gaps), "missed": int(np.isinf(gaps).sum())} | rates | means


def _variant_numbers(record: Record, study: ZeroshotData, evaluation: Config) -> dict[str, Numbers]:
    """Return variant -> numbers on the scored faces, those of the pictures as prepared first.

    A variant on which the contestant could not run is absent; a contestant that sees no variants has no numbers.
    """
    numbers = (
        {BASE: _record_numbers(record)} if study.contestants[record.contestant] and study.tone_variants else {}
    )
    for name in study.tone_variants:
        predictions = study.predictions(record, name)
        if not isinstance(predictions, str):
            scored = evaluate(
                study.faces, [_on_face_frames(study, seed) for seed in predictions], evaluation, study.name
            ).summary
            numbers[name] = {metric: float(scored[metric]) for metric in METRICS if metric in scored}
    return numbers


def _on_face_frames(study: ZeroshotData, predictions: Predictions) -> Predictions:
    """Return the predictions on frames that hold a face: variants show others, which the posts count."""
    kept = np.isin(predictions.frames, study.faces.frames)
    return replace(predictions, **{name: getattr(predictions, name)[kept] for name in COLUMNS})


def _conventions(predictions: SeedPredictions, study: ZeroshotData, evaluation: Config) -> dict[str, Numbers]:
    """Return version of the bridge -> offsets on the scored faces that were found, the default first.

    A contestant that predicts noses needs no bridge and has the one version `as it is`.
    """
    vocabulary, sizes = predictions[0].vocabulary, np.tile(face_size(study.faces)[study.scored], len(predictions))
    ways = {way: {vocabulary: way} for way in versions(vocabulary)} or {"as it is": {}}
    numbers = {}
    for way, bridges in ways.items():
        seeds = [
            score(study.faces, seed, NOSE, bridges, study.scored, evaluation.cap).offsets[:, 0]
            for seed in predictions
        ]
        numbers[way] = summarised(np.concatenate(seeds).astype(np.float64), sizes)
    return numbers
