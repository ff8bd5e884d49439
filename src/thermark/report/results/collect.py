"""Records from the outputs of evaluation: summaries, per-face errors, data cards."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.core import files
from thermark.core.faces import Faces, open_table
from thermark.core.geometry import bounding_box, box_size
from thermark.core.origin import Origin
from thermark.metrics.bootstrap import interval
from thermark.metrics.evaluate import Config
from thermark.metrics.rates import rate_interval
from thermark.metrics.registry import MAIN, METRICS, describe, parse_name
from thermark.metrics.scores import labels
from thermark.metrics.summary import Thresholds
from thermark.report.paths import ReportPaths
from thermark.report.results.face_errors import Errors
from thermark.report.results.record import DataSet, Estimate, Floor, PartResult, Protocol, Record, Tier, TrainedOn
from thermark.report.stage_files import open_json, titled

FIELDS = ("faces", "missed", "points", "seeds")  # counts that a record has beside its metrics
ENDS = ("_low", "_high", "_seed_std")

# Families whose networks were published trained on thermal pictures; those of all others learned from colour ones.
THERMAL = {"tfan"}
# Families that learn from nothing but our face sets, which predictions name, and absent contestants. So do all
# that bring no weights.
UNKNOWN = {"absent", "learned", "mean_shape", "cascade"}


@dataclass(frozen=True)
class Contestant:
    """What a record needs of a contestant beside its scores: recipe or family, and exact numbers.

    `training`: the section of its run, empty for none; `few_seed_teachers`: which of its teachers have too few
    seeds; `run`: the one of this profile that trained its network; `weightless`: no weights from elsewhere.
    """

    kind: str
    family: str
    exact: dict[str, int]
    training: Mapping[str, Any] = field(default_factory=dict)
    few_seed_teachers: str = ""
    run: str = ""
    weightless: bool = False


def data_set(name: str, config: Config, paths: ReportPaths) -> DataSet:
    """Return what a prepared data set is."""
    report = open_json(paths.reports / f"{name}.json")
    card, origin = report["card"], report["origin"]
    scored = _scored(open_table(paths.faces / name), config)
    # Terms and notes of the real data set do not apply to rendered data in its layout.
    terms = card if origin == "real" else {}
    return DataSet(
        name=name,
        title=titled(report, name),
        origin=origin,
        labels="rendered" if origin != "real" else card["labels"],
        modality=report["modality"],
        licence=terms.get("licence", ""),
        citation=terms.get("citation", ""),
        notes=terms.get("notes", ""),
        faces=len(scored),
        subjects=len(np.unique(scored.subjects)),
        face=_mean_face(scored, config),
        vocabularies=tuple(sorted(report.get("vocabularies", ()))),
    )


def protocol(name: str, config: Config, main: str, paths: ReportPaths) -> Protocol:
    """Return how a data set is scored; `main` is the metric that ranks."""
    report = open_json(paths.reports / f"{name}.json")
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


def details(contestants: Sequence[str], dataset: str, paths: ReportPaths) -> dict[str, dict[str, Any]]:
    """Return contestant -> its details on a data set; raises DataError for one that is missing."""
    return {name: open_json(paths.details / name / f"{dataset}.json") for name in contestants}


def errors(dataset: str, details: Mapping[str, Mapping[str, Any]], paths: ReportPaths) -> dict[str, Errors]:
    """Return contestant -> per-face errors of the main metric, of those that ran.

    Faces on which it is undefined, such as those without eyes, are left out: they are neither found nor missed.
    """
    result = {}
    for name, of_one in details.items():
        if of_one["summary"]["status"] == "ok":
            stored = files.read_arrays(paths.errors / name / f"{dataset}.npz")
            known = ~np.isnan(stored["per_seed"]).any(axis=0)
            result[name] = {key: stored[key][..., known] for key in ("ids", "subjects", "per_seed")}
            result[name]["seeded"] = np.array("seeds" in of_one["summary"])
    return result


def record(
    data_set: DataSet,
    protocol: Protocol,
    name: str,
    info: Contestant,
    details: Mapping[str, Any],
    errors: Errors | None,
    config: Config,
    modalities: Mapping[str, str],
    kin: Collection[str] = (),
) -> Record:
    """Return the record of a contestant from its details and per-face errors, None where it has none.

    `modalities`: face set -> `thermal` or `rgb`, of all that are prepared; `kin`: those read from the same files.
    """
    summary = details["summary"]
    learned = tuple(details.get("trained_on", ()))
    common: dict[str, Any] = {
        "dataset": data_set.name,
        "contestant": name,
        "kind": info.kind,
        "run": info.run,
        "status": summary["status"],
        "reason": summary.get("reason", ""),
        "tier": tier(data_set.origin),
        "trained_on": trained_on(info, learned, data_set.name, modalities, kin),
        "trained_sets": learned,
        "exact": info.exact,
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
        metrics=_metrics(summary, protocol, errors, config),
        per_seed=tuple(_mean(row[np.isfinite(row)]) for row in np.atleast_2d(errors["per_seed"])),
        parts={
            stratum: {value: _part(part, protocol.main) for value, part in values.items()}
            for stratum, values in details["subsets"].items()
        },
        landmarks=tuple(details["landmarks"]),
        floor=_floor(details.get("floor"), protocol.main),
        predictions=tuple(details["predictions"]),
        errors=details["errors"],
    )


def trained_on(
    info: Contestant,
    sets: Sequence[str],
    dataset: str,
    modalities: Mapping[str, str],
    relatives: Collection[str] = (),
) -> TrainedOn:
    """Return what a contestant learned from, the closest to the `dataset` that it is scored on.

    `sets` are the face sets that it learned from here, `modalities`: whether each is `thermal` or `rgb`.
    `relatives` are those that were read from the same files: of the same modality, their pictures are the same.
    """
    same = {name for name in relatives if modalities.get(name) == modalities.get(dataset)}
    if {dataset, *same} & {*sets}:
        return "this set's train split"
    if sets:
        return "thermal" if any(modalities.get(name) == "thermal" for name in sets) else "RGB"
    if info.family in UNKNOWN or info.weightless:
        return "nothing"
    return "thermal" if info.family in THERMAL else "RGB"


def tier(origin: Origin) -> Tier:
    """Return the tier of a number measured here: rendered and thermalised pictures are no evidence on a camera."""
    return "measured" if origin == "real" else "rendered data only"


def _metrics(
    summary: Mapping[str, Any], protocol: Protocol, errors: Errors, config: Config
) -> dict[str, Estimate]:
    """Return every metric of a summary, the found rate and the mean error of all faces."""
    subjects, values = errors["subjects"], np.atleast_2d(errors["per_seed"])
    finite = np.isfinite(values)
    answered = int(finite.all(axis=0).sum())
    all_faces = {"faces": len(subjects), "subjects": len(np.unique(subjects))}
    found_faces = {"faces": answered, "subjects": len(np.unique(subjects[finite.all(axis=0)]))}
    low, high = rate_interval(finite, subjects, config.bootstrap, config.seed) or (None, None)
    metrics = {"found": Estimate(value=float(finite.mean()), low=low, high=high, **all_faces)}
    # A found face may be worse than a miss, too: then a miss would be the better answer.
    capped = np.minimum(values, protocol.miss)
    ends = interval(capped, subjects, config.bootstrap, config.seed, within=(0.0, protocol.miss)) or (None, None)
    spread = float(capped.mean(axis=1).std(ddof=1)) if len(values) > 1 else None
    metrics[f"{protocol.main}_all"] = Estimate(
        value=float(capped.mean()), low=ends[0], high=ends[1], seed_std=spread, **all_faces
    )
    for name in dict.fromkeys([protocol.main, *summary]):
        if parse_name(name)[0] in METRICS and name not in FIELDS:
            ends_of = {end[1:]: summary.get(name + end) for end in ENDS}
            counts = all_faces if describe(name).counts_misses else found_faces
            metrics[name] = Estimate.model_validate({"value": summary.get(name)} | ends_of | counts)
    return metrics


def _part(summary: Mapping[str, Any], main: str) -> PartResult:
    ends = {end: summary.get(f"{main}_{end}") for end in ("low", "high", "seed_std")}
    return PartResult(value=summary.get(main), **ends, faces=summary["faces"], missed=summary["missed"])


def _floor(floor: Mapping[str, Any] | None, main: str) -> Floor | None:
    if not floor:
        return None
    counts = {name: floor[name] for name in ("faces", "lost", "flickering", "views")}
    return Floor(px=floor.get("px"), value=floor.get(main), **counts)


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


def _mean_point(points: NDArray[np.float64]) -> tuple[float, float] | None:
    return (float(points[:, 0].mean()), float(points[:, 1].mean())) if len(points) else None
