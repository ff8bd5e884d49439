"""Small inputs of the page with known numbers, and comparisons made up from records."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from records import result_set
from thermark.report.page.page_data import PageData
from thermark.report.results.comparisons import Comparisons, Family, Matrix, Pair
from thermark.report.results.estimates import estimate
from thermark.report.results.face_errors import Errors
from thermark.report.results.ranking import ranked
from thermark.report.results.record import Estimate, Floor, PartResult, Record, ResultSet

FACES, SUBJECTS = 12, 4
MISS = 0.5


def per_face(values: Sequence[float], seeds: int = 0) -> Errors:
    """Return errors of single faces, `seeds` times if there are several; faces f0, ... of subjects s0 to s3."""
    rows = np.stack([np.asarray(values, np.float64)] * max(seeds, 1))
    ids = np.array([f"f{index}" for index in range(len(values))])
    subjects = np.array([f"s{index % SUBJECTS}" for index in range(len(values))])
    return {"ids": ids, "subjects": subjects, "per_seed": rows, "seeded": np.array(seeds > 0)}


def record(name: str, errors: Errors | None, **more: Any) -> Record:
    """Return the record of a contestant with these errors on `small`, or of one that did not run."""
    common: dict[str, Any] = {
        "dataset": "small",
        "contestant": name,
        "kind": "rtmpose",
        "tier": "rendered data only",
    }
    common |= {"trained_on": "thermal"}
    if errors is None:
        return Record(**common | {"status": "skipped", "reason": "needs 300 MB"} | more)
    values = errors["per_seed"][0]
    hit = np.isfinite(values)
    counts = {"faces": len(values), "subjects": SUBJECTS}
    of_all = float(np.minimum(values, MISS).mean())
    metrics = {"found": Estimate(value=float(hit.mean()), low=0.5, high=1.0, **counts)}
    metrics["nme_io_all"] = Estimate(value=of_all, low=of_all * 0.9, high=of_all * 1.1, **counts)
    mean = float(values[hit].mean()) if hit.any() else None
    ends = {} if mean is None else {"low": mean * 0.9, "high": mean * 1.1}
    metrics["nme_io"] = Estimate(value=mean, **ends, **counts)
    metrics["auc@0.08io"] = Estimate(value=0.25, **counts)
    parts = {"distance": {key: PartResult(value=mean, **ends, faces=6, missed=0) for key in ("2 ft", "10 ft")}}
    fields: dict[str, Any] = {
        "status": "ok",
        "boxes": "prompt",
        "points": 68,
        **counts,
        "missed": int((~hit).sum()),
    }
    fields |= {
        "metrics": metrics,
        "per_seed": (mean,),
        "parts": parts,
        "landmarks": (mean,) * 68,
        "errors": "e" * 64,
    }
    return Record(**common | fields | {"predictions": ("p" * 64,)} | more)


def results(records: Sequence[Record], **more: Any) -> ResultSet:
    """Return a data set `small` of 68 points with these records."""
    circle = np.linspace(0, 2 * np.pi, 68)
    face = tuple((float(0.5 + np.cos(a) / 2), float(0.5 + np.sin(a) / 2)) for a in circle)
    about: dict[str, Any] = {
        "name": "small",
        "title": "Small, rendered",
        "origin": "rendered",
        "labels": "rendered",
    }
    about |= {"faces": FACES, "subjects": SUBJECTS, "face": face}
    return result_set(records, miss=MISS, **about | more)


def inputs(extra: str = "", **more: Any) -> PageData:
    """Return a set on which `good` errs by 0.02, `fair` by 0.03, `poor` misses a third, `idle` did not run.

    `extra`: the name of one contestant more, as good as `fair`.
    """
    errors = {
        "good": per_face(np.linspace(0.01, 0.03, FACES), 3),
        "fair": per_face(np.linspace(0.02, 0.04, FACES)),
        "poor": per_face([np.inf] * 4 + [0.1] * (FACES - 4)),
    }
    errors |= {extra: per_face(np.linspace(0.02, 0.0402, FACES))} if extra else {}
    records = [record("idle", None), record("poor", errors["poor"], boxes="yunet", trained_on="RGB")]
    records += [record("fair", errors["fair"], exact={"parameters": 4e6, "macs": 7e7})]
    records += [record("good", errors["good"], seeds=3, trained_on="this set's train split", per_seed=(0.02,) * 3)]
    records[-1] = records[-1].model_copy(
        update={
            "exact": {"parameters": 6e6},
            "floor": Floor(px=0.4, value=0.004, faces=6, lost=0, flickering=0, views=4),
        }
    )
    records += [record(extra, errors[extra])] if extra else []
    return PageData(sets={"small": results(records)}, errors={"small": errors}, **more)


def compared(sets: Mapping[str, ResultSet], apart: float = 0.15) -> Comparisons:
    """Return made-up comparisons: two differ where their errors do by more than the part `apart` of the lesser."""
    matrices = {name: _matrix(results, apart) for name, results in sets.items()}
    pairs = []
    for name, results in sets.items():
        names = [each.contestant for each in ranked(results) if found_error(results, each) is not None]
        pairs += [
            _pair(results, name, names[index], names[index + 1], apart) for index in range(min(3, len(names) - 1))
        ]
    family = Family(name="neighbours", question="Is each better than the next?", pairs=tuple(pairs))
    return Comparisons(families=(family,), matrices=matrices)


def found_error(results: ResultSet, record: Record) -> float | None:
    """Return the mean error over found faces."""
    return estimate(record, results.protocol.main).value


def _difference(results: ResultSet, a: str, b: str, apart: float) -> tuple[float, float, bool]:
    one, other = (found_error(results, each) or 0.0 for name in (a, b) if (each := results.of(name)))
    width = apart * min(one, other)
    return one - other, width, abs(one - other) > width


def _pair(results: ResultSet, dataset: str, a: str, b: str, apart: float) -> Pair:
    difference, width, real = _difference(results, a, b, apart)
    verdict = ("lower error" if difference < 0 else "higher error") if real else "no difference shown"
    p = {"p": 0.002, "p_holm": 0.006} if real else {"p": 0.4, "p_holm": 1.0}
    counts = {"faces": 10, "left_out": 2, "subjects": SUBJECTS, "seeds": (1, 1)}
    grey = "" if real else "below what could be detected"
    ends = {"low": difference - width, "high": difference + width, "mde": 1.4 * width}
    return Pair(
        dataset=dataset, a=a, b=b, difference=difference, **ends, **p, **counts, verdict=verdict, grey=grey
    )


def _matrix(results: ResultSet, apart_by: float) -> Matrix:
    names = [each.contestant for each in ranked(results) if found_error(results, each) is not None]
    cells = [[_difference(results, a, b, apart_by) if a != b else None for b in names] for a in names]

    def table(pick: Any, nothing: Any) -> tuple[Any, ...]:
        return tuple(tuple(nothing if cell is None else pick(*cell) for cell in row) for row in cells)

    groups: dict[str, str] = {}
    left = names
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ":
        apart = [name for name in left[1:] if _difference(results, name, left[0], apart_by)[2]]
        groups |= {name: letter for name in left if name not in apart}
        left = apart
        if not left:
            break
    return Matrix(
        contestants=tuple(names),
        difference=table(lambda d, w, real: d, None),
        low=table(lambda d, w, real: d - w, None),
        high=table(lambda d, w, real: d + w, None),
        p_holm=table(lambda d, w, real: 0.004 if real else 1.0, None),
        grey=table(lambda d, w, real: "" if real else "below what could be detected", ""),
        groups=groups,
    )
