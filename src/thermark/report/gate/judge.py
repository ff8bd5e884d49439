"""Verdicts on each metric of each contestant, from two sets of results; pure functions.

A metric with an error for each face is tested for non-inferiority on the faces that both found: a regression when
the 95 % interval of the paired difference leaves out 0 on the bad side and the difference exceeds the margin,
inconclusive when the interval holds both 0 and the margin. What seeds determine is compared exactly.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from thermark.metrics.bootstrap import difference
from thermark.metrics.registry import describe
from thermark.report.gate.gate_config import Config, Margin
from thermark.report.gate.sources import Side
from thermark.report.results.estimates import value
from thermark.report.results.face_errors import Errors, places, same_faces
from thermark.report.results.record import Record, ResultSet

Verdict = Literal["ok", "improved", "new", "inconclusive", "regression", "cannot compare"]
About = tuple[str, str, str]  # data set, contestant and metric
Aligned = tuple[NDArray[np.float64], NDArray[np.float64]]  # errors (S, N) of the base and the head, face by face


@dataclass(frozen=True)
class Judgement:
    """One thing that was compared; `difference` is head less base, `low` and `high` its 95 % interval."""

    dataset: str
    contestant: str
    metric: str
    verdict: Verdict
    reason: str
    base: float | None = None
    head: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    margin: float | None = None
    faces: int = 0


def judge(base: Side, head: Side, config: Config) -> list[Judgement]:
    """Return a row for everything that is compared, and for everything that cannot be."""
    rows = []
    for name in dict.fromkeys([*base.sets, *head.sets]):
        if name not in head.sets:
            rows.append(Judgement(name, "", "data set", "regression", f"{head.name} has no results on {name}"))
        elif name not in base.sets:
            rows.append(Judgement(name, "", "data set", "new", f"{base.name} has no results on {name}"))
        else:
            rows += _data_set(base, head, name, config)
    return rows


def exit_code(rows: Sequence[Judgement], strict: bool = False) -> int:
    """Return 0 when nothing is worse, 1 for a regression, 2 when something cannot be compared.

    `strict`: what is inconclusive counts as a regression.
    """
    verdicts = {row.verdict for row in rows}
    if "regression" in verdicts or (strict and "inconclusive" in verdicts):
        return 1
    return 2 if "cannot compare" in verdicts else 0


def _data_set(base: Side, head: Side, name: str, config: Config) -> Iterator[Judgement]:
    before, after = base.sets[name], head.sets[name]
    if reason := _other_protocol(before, after):
        both_rendered = before.data_set.origin == after.data_set.origin == "rendered"
        moved = both_rendered and before.protocol.labels != after.protocol.labels
        # What our renderer draws is fixed by its seeds: it must not move unseen.
        yield Judgement(name, "", "data", "regression" if moved else "cannot compare", reason)
        return
    listed = [record.contestant for record in (*before.records, *after.records)]
    for contestant in dict.fromkeys(listed):
        if contestant not in config.ignore:
            errors = base.errors[name].get(contestant), head.errors[name].get(contestant)
            yield from _contestant(before, after, contestant, errors, config)


def _other_protocol(before: ResultSet, after: ResultSet) -> str:
    """Return in what the protocols differ, nothing where they are one."""
    pair = before.protocol.model_dump(), after.protocol.model_dump()
    parts = [f"{key}: {pair[0][key]!r} and {pair[1][key]!r}" for key in pair[0] if pair[0][key] != pair[1][key]]
    return f"scored by other protocols ({'; '.join(parts)})" if parts else ""


def _contestant(
    before: ResultSet,
    after: ResultSet,
    contestant: str,
    errors: tuple[Errors | None, Errors | None],
    config: Config,
) -> Iterator[Judgement]:
    name, main = before.data_set.name, before.protocol.main
    old, new = before.of(contestant), after.of(contestant)
    if old is None:
        yield Judgement(name, contestant, "", "new", "not in the base")
    elif new is None:
        reason = "no longer listed" if old.ran else "no longer listed, and did not run before"
        yield Judgement(name, contestant, "", "regression" if old.ran else "ok", reason)
    elif not old.ran:
        yield Judgement(name, contestant, "", "new" if new.ran else "ok", "did not run before")
    elif not new.ran:
        yield Judgement(name, contestant, "", "regression", new.why)
    elif errors[0] is None or errors[1] is None:
        yield Judgement(name, contestant, main, "cannot compare", "no errors by face beside the record")
    elif reason := _other_conditions(old, new) or _other_faces(old, new, *errors):  # type: ignore[arg-type]
        yield Judgement(name, contestant, main, "cannot compare", reason)
    else:
        yield from _numbers(old, new, (errors[0], errors[1]), before, config)


def _other_conditions(old: Record, new: Record) -> str:
    """Return in what two answers were given under other conditions, nothing where they are the same."""
    if old.boxes != new.boxes:
        return f"other boxes: {old.boxes or 'none'} and {new.boxes or 'none'}"
    # A training that failed and is left out makes the mean no better.
    return f"fewer seeds: {new.seeds}, and {old.seeds} before" if new.seeds < old.seeds else ""


def _other_faces(old: Record, new: Record, base: Errors, head: Errors) -> str:
    """Return why two answers cannot be paired, nothing where they are about the same faces."""
    if len(np.unique(head["ids"])) != len(head["ids"]):
        return "a face is scored twice"
    if not same_faces(head["ids"], base["ids"]):
        return f"other faces: {len(base['ids'])} and {len(head['ids'])}"
    if np.isnan(head["per_seed"]).any() or np.isnan(base["per_seed"]).any():
        return "the error of a face is not a number"
    if old.points != new.points:
        return f"other landmarks: {old.points} and {new.points} points are scored"
    subjects = dict(zip(base["ids"], base["subjects"], strict=True))
    moved = [
        face for face, subject in zip(head["ids"], head["subjects"], strict=True) if subjects[face] != subject
    ]
    return f"face {moved[0]} belongs to another subject" if moved else ""


def _numbers(
    old: Record, new: Record, errors: tuple[Errors, Errors], how: ResultSet, config: Config
) -> Iterator[Judgement]:
    whose = old.dataset, old.contestant
    for name in config.exact:
        values = old.exact.get(name), new.exact.get(name)
        if values != (None, None):
            yield _exact((*whose, name), *values, config.tolerance)
    if config.scores == "exact":
        for name in dict.fromkeys([*old.metrics, *new.metrics]):
            yield _exact((*whose, name), value(old, name), value(new, name), config.tolerance)
        return
    yield _found(old, new, config.margins.get("found", Margin()))
    aligned = errors[0]["per_seed"], errors[1]["per_seed"][:, places(errors[1]["ids"], errors[0]["ids"])]
    main, miss = how.protocol.main, how.protocol.miss
    if not {main, f"{main}_all"} & {*config.margins}:
        reason = f"no margin is stated for {main} or {main}_all"
        yield Judgement(*whose, main, "cannot compare", reason)
    kept = np.isfinite(aligned[0]).all(axis=0) & np.isfinite(aligned[1]).all(axis=0)
    subjects = np.asarray(errors[0]["subjects"])
    capped = np.minimum(aligned[0], miss), np.minimum(aligned[1], miss)
    for name, pair, subjects_of in (
        (main, (aligned[0][:, kept], aligned[1][:, kept]), subjects[kept]),
        (f"{main}_all", capped, subjects),
    ):
        if name in config.margins:
            yield _paired((*whose, name), pair, subjects_of, config)
    for name in config.margins:
        if name not in ("found", main, f"{main}_all") and (name in old.metrics or name in new.metrics):
            yield _as_it_stands((*whose, name), value(old, name), value(new, name), config)


def _found(old: Record, new: Record, margin: Margin) -> Judgement:
    """Return whether fewer faces are found: a fact about these faces, that needs no interval."""
    before, after = value(old, "found") or 0.0, value(new, "found") or 0.0
    allowed = margin.of(before)
    worse = before - after > allowed + 1e-12
    verdict: Verdict = "regression" if worse else "improved" if after > before else "ok"
    reason = f"{new.missed} of {new.faces} faces are missed, {old.missed} were" if worse else ""
    return Judgement(
        old.dataset, old.contestant, "found", verdict, reason, before, after, after - before, margin=allowed
    )


def _exact(about: About, base: float | None, head: float | None, tolerance: float) -> Judgement:
    if base is None or head is None:
        same = base is None and head is None
        reason = "" if same else "defined on one side only"
        return Judgement(*about, "ok" if same else "regression", reason, base, head)
    allowed = tolerance * max(abs(base), abs(head), 1.0)
    moved = not abs(head - base) <= allowed
    reason = "must not move at all" if moved else ""
    return Judgement(*about, "regression" if moved else "ok", reason, base, head, head - base, margin=allowed)


def _as_it_stands(about: About, base: float | None, head: float | None, config: Config) -> Judgement:
    if base is None and head is not None:
        return Judgement(*about, "new", "the base has no such number: not compared", base, head)
    if base is None or head is None:
        return Judgement(*about, "ok" if base is None else "regression", "undefined", base, head)
    margin = config.margins[about[-1]].of(base)
    sign = -1.0 if describe(about[-1]).higher_is_better else 1.0
    loss = sign * (head - base)
    verdict: Verdict = "regression" if loss > margin else "improved" if loss < -margin else "ok"
    return Judgement(*about, verdict, "", base, head, head - base, margin=margin)


def _paired(about: About, values: Aligned, subjects: NDArray[np.str_], config: Config) -> Judgement:
    """Return the verdict of non-inferiority of an error, which is worse when higher."""
    faces = values[0].shape[1]
    if not faces:  # that one of them found none is said by the found rate
        return Judgement(*about, "ok", "no face was found by both")
    base, head = float(values[0].mean()), float(values[1].mean())
    if not (np.isfinite(base) and np.isfinite(head)):
        return Judgement(*about, "regression", "an error is not a number", faces=faces)
    gap, margin = head - base, config.margins[about[-1]].of(base)
    low, high = _interval(values, subjects, config)
    verdict, reason = _verdict(gap, low, high, margin)
    if len(np.unique(subjects)) < 2 and gap:
        reason = f"{reason}; one subject: the difference as it stands".removeprefix("; ")
    return Judgement(*about, verdict, reason, base, head, gap, low, high, margin, faces)


def _interval(values: Aligned, subjects: NDArray[np.str_], config: Config) -> tuple[float, float]:
    """Return the 95 % interval of head less base; of equal answers, and of one subject, the difference itself.

    Seed k of one side was drawn as seed k of the other: where both have as many, their differences are one run's.
    """
    gap = float(values[1].mean() - values[0].mean())
    if np.array_equal(*values):
        return gap, gap
    if len(values[0]) == len(values[1]):
        paired = values[1] - values[0]
        bounds = difference(paired, np.zeros((1, paired.shape[1])), subjects, config.replicates, config.seed)
    else:
        bounds = difference(values[1], values[0], subjects, config.replicates, config.seed)
    return bounds or (gap, gap)


def _verdict(gap: float, low: float, high: float, margin: float) -> tuple[Verdict, str]:
    if low > 0 and gap > margin:
        return "regression", "worse by more than the margin, beyond doubt"
    if low <= 0 <= high and low <= margin <= high and gap:
        return "inconclusive", "the interval holds both no difference and the margin"
    if high < 0 and -gap > margin:
        return "improved", "better by more than the margin: move the baseline"
    return "ok", "worse, by less than the margin" if low > 0 else ""
