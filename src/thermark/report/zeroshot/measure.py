"""Every number of the bake-off, as one table: protocol, contestant, part of the noses and metric -> number."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.core.config import nearest
from thermark.core.errors import ConfigError
from thermark.core.pictures import BASE
from thermark.core.point_errors import PCK_LIMITS, summary
from thermark.core.predictions import COLUMNS, Predictions
from thermark.metrics.evaluate import Config, evaluate
from thermark.metrics.face_size import face_size
from thermark.metrics.scores import score
from thermark.metrics.seeds import combined
from thermark.report.results.record import Record
from thermark.report.zeroshot import blog
from thermark.report.zeroshot.inputs import NOSE, Said, Study
from thermark.report.zeroshot.nose_points import Noses, Numbers, posted, summarised, versions
from thermark.report.zeroshot.showing import Values

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
    return {(*key, metric): value for key, own in parts.items() for metric, value in own.items()}


def nested(values: Values) -> dict[str, Any]:
    """Return values as plain data: protocol -> contestant (-> part, where it has a name) -> metric -> number."""
    told: dict[str, Any] = {}
    for (*outer, metric), value in values.items():
        node = told
        for key in filter(None, outer):
            node = node.setdefault(key, {})
        node[metric] = value
    return told


def measure(study: Study, picture: str, scoring: Config) -> tuple[Values, dict[str, str]]:
    """Return the numbers of who ran, the best first, and why contestants have none of the posts' parts.

    These are of those that saw `picture`, the posts' variant. The parts of `unified` are `all` and each distance,
    of `tone` the variants, of `conventions` the readings of a nose. `scoring` is the ordinary evaluation. Raises
    ConfigError when the data set has variants, but none of that name.
    """
    if study.toned and picture not in study.toned:
        cause = f"{study.name} has no variant of its pictures called {picture!r}"
        raise ConfigError(cause, nearest(picture, list(study.toned)))
    how = scoring.model_copy(update={"split": study.results.protocol.split, "bootstrap": 0})
    ran = [record for record in study.records if record.ran]
    ran.sort(key=lambda record: (-_told(record).get(RANKS, 0.0), record.contestant))
    seen = {record.contestant: study.said(record, picture) for record in study.records}
    parts = _published(study)
    made: dict[Key, Numbers] = {}
    for record in ran:
        name, said, shown = record.contestant, study.said(record), seen[record.contestant]
        if not isinstance(shown, str):
            noses = [posted(one) for one in shown]
            made |= {(part, name, ""): averaged([count(one) for one in noses]) for part, count in parts.items()}
        if not isinstance(said, str):
            made |= {("unified", name, part): own for part, own in _unified(record, said, study).items()}
            made |= {("tone", name, variant): own for variant, own in _toned(record, study, how).items()}
            made |= {("conventions", name, way): own for way, own in _conventions(said, study, how).items()}
    return flat(made), {name: shown for name, shown in seen.items() if isinstance(shown, str)}


def averaged(seeds: Sequence[Numbers]) -> Numbers:
    """Return the mean over seeds of each number that is defined for all of them."""
    names = [name for name in seeds[0] if all(name in own for own in seeds)]
    return {name: float(np.mean([own[name] for own in seeds])) for name in names} if len(seeds) > 1 else seeds[0]


def _published(study: Study) -> Mapping[str, Callable[[Noses], Numbers]]:
    """Return part of the posts -> what counts it."""
    truths = {name: blog.first(study.annotated, part) for name, part in blog.PARTS.items()}
    crops = {"part2": study.pairs.test, "part2_all": study.pairs.every}
    scores = {name: partial(blog.score, truth) for name, truth in truths.items()}
    cut = partial(blog.score_crops, study.faces, study.pairs.crops)
    return scores | {name: partial(cut, rows) for name, rows in crops.items()}


def _told(record: Record) -> Numbers:
    """Return what the bake-off shows of a record."""
    numbers = {name: each.value for name, each in record.metrics.items() if name in METRICS}
    known = {name: value for name, value in numbers.items() if value is not None}
    return {"faces": record.faces, "missed": record.missed} | known


def _unified(record: Record, said: Said, study: Study) -> dict[str, Numbers]:
    """Return the leaderboard's numbers, of all noses and of those at each distance, and two shares beside them:
    how many noses the posts' match would call detected, and recall.

    Recall is the same for those who are told where a face is and for those who find it: an answer within the cap.
    """
    faces, errors = study.faces.take(study.scored), study.errors[record.contestant]["per_seed"]
    near = study.results.protocol.cap * face_size(study.faces)[study.scored]
    gaps = np.stack([blog.matched(blog.labelled(faces), posted(one)) for one in said])
    shares = {"detection": np.isfinite(gaps), "recall": errors <= near}
    column = faces.strata[STRATUM]
    rows = {ALL: np.ones(len(faces), bool)} | {name: column == name for name in sorted({*column.tolist()} - {""})}
    made = {part: combined([_errors(each[own]) for each in errors]) for part, own in rows.items()}
    made[ALL] = _told(record)
    return {
        part: {name: value for name, value in made[part].items() if np.isfinite(value)}
        | {name: float(hit[:, own].mean()) for name, hit in shares.items() if own.any()}
        for part, own in rows.items()
    }


def _errors(gaps: NDArray[np.float64]) -> Numbers:
    """Return the leaderboard's numbers of one seed's errors in px, under its names."""
    numbers = summary(gaps)
    rates = {f"{name}px": value for name, value in numbers.items() if name.startswith("pck@")}
    means = {f"error_px_{name}": numbers.get(name, np.nan) for name in ("mean", "median")}
    return {"faces": len(gaps), "missed": int(np.isinf(gaps).sum())} | rates | means


def _toned(record: Record, study: Study, how: Config) -> dict[str, Numbers]:
    """Return variant -> numbers on the scored faces, those of the pictures as prepared first.

    A variant on which the contestant could not run is absent; whoever sees no variants has nothing.
    """
    made = {BASE: _told(record)} if study.contestants[record.contestant] and study.toned else {}
    for name in study.toned:
        said = study.said(record, name)
        if not isinstance(said, str):
            scored = evaluate(study.faces, [_of(study, one) for one in said], how, study.name).summary
            made[name] = {metric: float(scored[metric]) for metric in METRICS if metric in scored}
    return made


def _of(study: Study, said: Predictions) -> Predictions:
    """Return the predictions on frames that hold a face: variants show others, which the posts count."""
    kept = np.isin(said.frames, study.faces.frames)
    return replace(said, **{name: getattr(said, name)[kept] for name in COLUMNS})


def _conventions(said: Said, study: Study, how: Config) -> dict[str, Numbers]:
    """Return version of the bridge -> offsets on the scored faces that were found, the default first.

    A contestant that predicts noses needs no bridge and has the one version `as it is`.
    """
    own, sizes = said[0].vocabulary, np.tile(face_size(study.faces)[study.scored], len(said))
    ways = {way: {own: way} for way in versions(own)} or {"as it is": {}}
    made = {}
    for way, bridges in ways.items():
        seeds = [score(study.faces, one, NOSE, bridges, study.scored, how.cap).offsets[:, 0] for one in said]
        made[way] = summarised(np.concatenate(seeds).astype(np.float64), sizes)
    return made
