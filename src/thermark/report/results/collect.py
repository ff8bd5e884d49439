"""Records from what evaluation left: summaries, per-face errors, data cards."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.core import files
from thermark.core.faces import Faces, open_table
from thermark.core.geometry import bounding_box, box_size
from thermark.metrics.bootstrap import interval
from thermark.metrics.evaluate import Config
from thermark.metrics.rates import rate_interval
from thermark.metrics.registry import MAIN, METRICS, describe, parse_name
from thermark.metrics.scores import labels
from thermark.metrics.summary import Thresholds
from thermark.report.leaderboard.inputs import found, titled
from thermark.report.results.errors import Errors
from thermark.report.results.origins import tier, trained_on
from thermark.report.results.record import DataSet, Estimate, Floor, Part, Protocol, Record

FIELDS = ("faces", "missed", "points", "seeds")  # counts that a record has beside its metrics
ENDS = ("_low", "_high", "_seed_std")


@dataclass(frozen=True)
class Places:
    """What earlier stages left, in folders.

    `reports`/<set>.json, `details`/<contestant>/<set>.json, `errors`/<contestant>/<set>.npz, `faces`/<set>/.
    """

    reports: Path
    details: Path
    errors: Path
    faces: Path


@dataclass(frozen=True)
class Known:
    """What is known of a contestant beside its scores: its recipe or family, and numbers that no chance moves.

    `training`: the section of the run that it asks, empty for none; `taught`: its teachers of too few seeds;
    `run`: the one of this profile that trained its network.
    """

    kind: str
    family: str
    exact: dict[str, int]
    training: Mapping[str, Any] = field(default_factory=dict)
    taught: str = ""
    run: str = ""


def data_set(name: str, config: Config, places: Places) -> DataSet:
    """Return what a prepared data set is."""
    report = found(places.reports / f"{name}.json")
    card, origin = report["card"], report["origin"]
    scored = _scored(open_table(places.faces / name), config)
    # Terms and notes of the real data set do not apply to what was made in its layout.
    told = card if origin == "real" else {}
    return DataSet(
        name=name,
        title=titled(report, name),
        origin=origin,
        labels="rendered" if origin != "real" else card["labels"],
        modality=report["modality"],
        licence=told.get("licence", ""),
        citation=told.get("citation", ""),
        notes=told.get("notes", ""),
        faces=len(scored),
        subjects=len(np.unique(scored.subjects)),
        face=_mean_face(scored, config),
        vocabularies=tuple(sorted(report.get("vocabularies", ()))),
    )


def protocol(name: str, config: Config, main: str, places: Places) -> Protocol:
    """Return how a data set is scored; `main` is the metric that ranks."""
    report = found(places.reports / f"{name}.json")
    return Protocol(
        vocabulary=config.vocabulary,
        split=config.split,
        bridges=dict(config.bridges),
        cap=config.cap,
        main=main,
        miss=miss(config.thresholds, main),
        labels=report["fingerprint"],
        boxes=str(report.get("boxes", "")),
    )


def miss(limits: Thresholds, main: str) -> float:
    """Return what a missed face counts in the mean over all faces, in the unit of the main metric."""
    return float(getattr(limits, f"miss_{MAIN[main]}"))


def details(contestants: Sequence[str], dataset: str, places: Places) -> dict[str, dict[str, Any]]:
    """Return contestant -> its details on a data set; raises DataError for one that is missing."""
    return {name: found(places.details / name / f"{dataset}.json") for name in contestants}


def errors(dataset: str, told: Mapping[str, Mapping[str, Any]], places: Places) -> dict[str, Errors]:
    """Return contestant -> per-face errors of the main metric, of those that ran.

    Faces that it cannot be told of, such as those without eyes, are left out: nobody could find or miss them.
    """
    made = {}
    for name, own in told.items():
        if own["summary"]["status"] == "ok":
            stored = files.read_arrays(places.errors / name / f"{dataset}.npz")
            known = ~np.isnan(stored["per_seed"]).any(axis=0)
            made[name] = {key: stored[key][..., known] for key in ("ids", "subjects", "per_seed")}
            made[name]["seeded"] = np.array("seeds" in own["summary"])
    return made


def record(
    on: DataSet,
    how: Protocol,
    name: str,
    known: Known,
    told: Mapping[str, Any],
    errors: Errors | None,
    config: Config,
    modalities: Mapping[str, str],
    kin: Collection[str] = (),
) -> Record:
    """Return the record of a contestant from its details and per-face errors, None where it has none.

    `modalities`: face set -> `thermal` or `rgb`, of all that are prepared; `kin`: those read from the same files.
    """
    summary = told["summary"]
    learned = tuple(told.get("trained_on", ()))
    common: dict[str, Any] = {
        "dataset": on.name,
        "contestant": name,
        "kind": known.kind,
        "run": known.run,
        "status": summary["status"],
        "reason": summary.get("reason", ""),
        "tier": tier(on.origin),
        "trained_on": trained_on(known.family, learned, on.name, modalities, kin),
        "trained_sets": learned,
        "exact": known.exact,
    }
    if errors is None:
        return Record(**common)
    subjects = len(np.unique(errors["subjects"]))
    return Record(
        **common,
        boxes=summary.get("boxes", ""),
        seeds=summary.get("seeds", 0),
        points=summary["points"],
        faces=summary["faces"],
        subjects=subjects,
        missed=summary["missed"],
        metrics=_metrics(summary, how, errors, config),
        per_seed=tuple(_mean(row[np.isfinite(row)]) for row in np.atleast_2d(errors["per_seed"])),
        parts={
            stratum: {value: _part(own, how.main) for value, own in each.items()}
            for stratum, each in told["subsets"].items()
        },
        landmarks=tuple(told["landmarks"]),
        floor=_floor(told.get("floor"), how.main),
        predictions=tuple(told["predictions"]),
        errors=told["errors"],
    )


def _metrics(summary: Mapping[str, Any], how: Protocol, errors: Errors, config: Config) -> dict[str, Estimate]:
    """Return every metric of a summary, and before them the found rate and the mean error of all faces."""
    subjects, values = errors["subjects"], np.atleast_2d(errors["per_seed"])
    finite = np.isfinite(values)
    answered = int(finite.all(axis=0).sum())
    of_all = {"faces": len(subjects), "subjects": len(np.unique(subjects))}
    of_found = {"faces": answered, "subjects": len(np.unique(subjects[finite.all(axis=0)]))}
    low, high = rate_interval(finite, subjects, config.bootstrap, config.seed) or (None, None)
    made = {"found": Estimate(value=float(finite.mean()), low=low, high=high, **of_all)}
    # A found face may be worse than a miss, too: then a miss would be the better answer.
    capped = np.minimum(values, how.miss)
    ends = interval(capped, subjects, config.bootstrap, config.seed, within=(0.0, how.miss)) or (None, None)
    spread = float(capped.mean(axis=1).std(ddof=1)) if len(values) > 1 else None
    made[f"{how.main}_all"] = Estimate(
        value=float(capped.mean()), low=ends[0], high=ends[1], seed_std=spread, **of_all
    )
    for name in dict.fromkeys([how.main, *summary]):
        if parse_name(name)[0] in METRICS and name not in FIELDS:
            beside = {end[1:]: summary.get(name + end) for end in ENDS}
            own = of_all if describe(name).counts_misses else of_found
            made[name] = Estimate.model_validate({"value": summary.get(name)} | beside | own)
    return made


def _part(summary: Mapping[str, Any], main: str) -> Part:
    ends = {end: summary.get(f"{main}_{end}") for end in ("low", "high", "seed_std")}
    return Part(value=summary.get(main), **ends, faces=summary["faces"], missed=summary["missed"])


def _floor(told: Mapping[str, Any] | None, main: str) -> Floor | None:
    if not told:
        return None
    counts = {name: told[name] for name in ("faces", "lost", "flickering", "views")}
    return Floor(px=told.get("px"), value=told.get(main), **counts)


def _mean(values: NDArray[np.floating]) -> float | None:
    return float(values.mean()) if len(values) else None


def _scored(faces: Faces, config: Config) -> Faces:
    return faces if config.split == "all" else faces.take(np.flatnonzero(faces.splits == "test"))


def _mean_face(faces: Faces, config: Config) -> tuple[tuple[float, float] | None, ...]:
    """Return the mean place of each landmark in its face's box, of width 1; nothing where there is one point."""
    points = labels(faces, config.vocabulary, config.bridges).truth.astype(np.float64)
    if points.shape[1] < 2:
        return ()
    boxes = bounding_box(points)
    width = np.maximum(box_size(boxes)[:, :1], 1e-9)
    known = (points - boxes[:, None, :2]) / width[:, None]
    whole = np.isfinite(points).any(axis=(1, 2))
    means = [_mean_point(column[np.isfinite(column).all(axis=1)]) for column in known[whole].transpose(1, 0, 2)]
    return tuple(means)


def _mean_point(places: NDArray[np.float64]) -> tuple[float, float] | None:
    return (float(places[:, 0].mean()), float(places[:, 1].mean())) if len(places) else None
