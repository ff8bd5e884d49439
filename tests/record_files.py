"""Records and comparisons in miniature, from errors that a test writes down: no prediction, no evaluation."""

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from records import result_set
from thermark.core.config import parse
from thermark.report.results import compare
from thermark.report.results.collect import Contestant
from thermark.report.results.comparisons import write_comparisons
from thermark.report.results.record import Estimate, PartResult, Record, ResultSet, write_set

METRICS = {"tfake": "nme_io", "facesynthetics": "nme_io", "charlotte": "nme_diag", "thermeval": "error_px_mean"}


def errors(per_seed: np.ndarray, seeded: bool = True) -> dict[str, np.ndarray]:
    """Return per-face errors (S, N) as results have them, every face of a subject of its own."""
    ids = np.array([f"{row:03}" for row in range(per_seed.shape[1])])
    return {"ids": ids, "subjects": ids, "per_seed": per_seed, "seeded": np.array(seeded)}


def record(dataset: str, name: str, per_seed: np.ndarray, **more) -> Record:
    """Return a record that fits errors (S, N) of a data set's main metric; its Side is twice as hard."""
    main, count = METRICS[dataset], per_seed.shape[1]
    means = per_seed[:, np.isfinite(per_seed).all(axis=0)].mean(axis=1)
    value, spread = float(means.mean()), float(means.std(ddof=1)) if len(means) > 1 else None
    estimate = {"low": 0.9 * value, "high": 1.1 * value, "seed_std": spread, "faces": count}
    fields = {
        "kind": "kind",
        "status": "ok",
        "tier": "measured",
        "trained_on": "thermal",
        "boxes": "prompt",
        "seeds": len(means),
        "faces": count,
        "missed": int(np.isinf(per_seed).any(axis=0).sum()),
        "metrics": dict.fromkeys((main, f"{main}_all"), Estimate(value=value, subjects=count, **estimate)),
        "parts": {"view": {"Side": PartResult(value=2 * value, missed=0, **estimate)}},
    }
    return Record(dataset=dataset, contestant=name, **(fields | more))


def write(
    root: Path,
    records: Mapping[str, list[Record]],
    found: Mapping[str, Mapping[str, np.ndarray]],
    families: Mapping[str, dict],
    origin: str = "real",
    training: Mapping[str, tuple[Mapping, str]] | None = None,
    title: str = "",
    unseeded: Collection[str] = (),
) -> None:
    """Write `root`/results and `root`/comparisons.json of data set -> records and -> contestant -> errors (S, N).

    `training`: contestant -> section of its run, and which of its teachers are too few; `unseeded`: who was not
    trained here.
    """
    sets = {name: _set(name, entries, origin, title or name.upper()) for name, entries in records.items()}
    everybody = {record.contestant for entries in records.values() for record in entries}
    known = {name: Contestant("kind", "", {}, *(training or {}).get(name, ())) for name in everybody}
    config = parse({"families": dict(families), "bootstrap": 200, "flips": 500}, compare.Config, "comparisons")
    beside = {
        name: {each: errors(values, each not in unseeded) for each, values in entries.items()}
        for name, entries in found.items()
    }
    for name, results in sets.items():
        write_set(root / f"results/{name}.json", results)
    (root / "results").mkdir(parents=True, exist_ok=True)
    write_comparisons(root / "comparisons.json", compare.comparisons(sets, beside, config, known))


def _set(name: str, rows: list[Record], origin: str, title: str) -> ResultSet:
    about = {"name": name, "title": title if origin == "real" else f"{title}, {origin}", "origin": origin}
    about["modality"] = "rgb" if name == "facesynthetics" else "thermal"
    return result_set(rows, METRICS[name], 50.0 if METRICS[name] == "error_px_mean" else 0.5, **about)
