"""The leaderboard of one data set, and the card of each of its cells."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from thermark.metrics.registry import describe
from thermark.report.number_format import label, natural, shown, title
from thermark.report.page import words
from thermark.report.page.answers import leader
from thermark.report.page.figures.cost import Speeds, cost
from thermark.report.page.order import found, given, of_all, of_found, partial
from thermark.report.results.comparisons import Matrix
from thermark.report.results.ranking import ranked
from thermark.report.results.record import Estimate, Record, ResultSet

Facts = list[tuple[str, str]]
EXACT = {"macs": "multiply-adds"}
TRAINED = {"this set's train split": "own", "thermal": "thermal", "RGB": "rgb", "nothing": "nothing"}


@dataclass(frozen=True)
class Cell:
    """A number as printed, what stands small below it, and by what it is sorted (empty: last)."""

    text: str
    sub: str = ""
    sort: str = ""


@dataclass(frozen=True)
class Whisker:
    """An estimate and its interval as places between 0 and 100 on the axis of its column."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class BoardRow:
    """One contestant's line; `boxes` and `trained` are what filters go by."""

    contestant: str
    boxes: str
    trained: str
    partial: bool
    cells: tuple[Cell, ...]
    whisker: Whisker | None


def head(results: ResultSet) -> tuple[str, ...]:
    """Return the columns of the leaderboard after the contestant and its drawn interval."""
    unit = words.unit(results.protocol.main)
    columns = ("found, %", f"error, all faces, {unit}", "group", f"error, found faces, {unit}", "floor", "tier")
    return (*columns, "trained on", "boxes", "landmarks", "seeds", "parameters", "ms")


def top(results: ResultSet) -> float:
    """Return where the axis of drawn intervals ends, in the unit of the main metric."""
    errors = (of_all(results, record) for record in ranked(results))
    return max((error.high or error.value or 0.0 for error in errors), default=0.0)


def rows(results: ResultSet, matrix: Matrix | None, speeds: Speeds) -> list[BoardRow]:
    """Return a line for each contestant that ran, best first."""
    return [_row(results, record, matrix, speeds, top(results)) for record in ranked(results)]


def _row(results: ResultSet, record: Record, matrix: Matrix | None, speeds: Speeds, end: float) -> BoardRow:
    main, over_all, time = results.protocol.main, of_all(results, record), cost(record, "milliseconds", speeds)
    size, letters = record.exact.get("parameters"), matrix.groups.get(record.contestant, "") if matrix else ""
    points = max(bound.points for bound in results.records)
    floor = record.floor.value if record.floor else None
    cells = (
        _estimate("found", record, found(record)),
        _estimate(f"{main}_all", record, over_all),
        Cell(letters or words.DASH, "", letters),
        _estimate(main, record, of_found(results, record)),
        Cell(shown(main, floor), "", "" if floor is None else f"{floor:.6g}"),
        Cell(record.tier, "", record.tier),
        Cell(record.trained_on, "", record.trained_on),
        Cell("given" if given(record) else "found", record.boxes.replace("_", " "), record.boxes),
        Cell(f"{record.points} of {points}", "", str(record.points)),
        Cell(str(record.seeds or words.DASH), "", str(record.seeds)),
        Cell(words.amount(size) if size else words.DASH, "", f"{size:.0f}" if size else ""),
        Cell(words.DASH if time is None else words.milliseconds(time), "", "" if time is None else f"{time:.6g}"),
    )
    whisker = None
    if over_all.value is not None and end:
        low, high = (over_all.value if bound is None else bound for bound in (over_all.low, over_all.high))
        whisker = Whisker(*(round(100 * max(bound, 0.0) / end, 2) for bound in (over_all.value, low, high)))
    boxes, trained = "given" if given(record) else "found", TRAINED[record.trained_on]
    return BoardRow(record.contestant, boxes, trained, partial(results, record), cells, whisker)


def _estimate(name: str, record: Record, estimate: Estimate) -> Cell:
    if estimate.value is None:
        return Cell(words.DASH, words.no_interval(record, estimate), "")
    below = words.interval(name, estimate) or f"no interval: {words.no_interval(record, estimate)}"
    spread = "" if estimate.seed_std is None else f" ± {shown(name, estimate.seed_std)}"
    return Cell(shown(name, estimate.value) + spread, below, f"{estimate.value:.6g}")


def common(results: ResultSet) -> Facts:
    """Return what all cards of a data set have in common: protocol and data."""
    protocol, data_set = results.protocol, results.data_set
    main = protocol.main
    return [
        ("data set", f"{words.titled(data_set)}: {data_set.faces} faces of {data_set.subjects} subjects"),
        ("pictures and labels", words.origin(data_set)),
        (
            "protocol",
            f"{protocol.id}: {protocol.vocabulary}, split {protocol.split}, boxes {protocol.boxes or 'none'}",
        ),
        ("error", f"{title(main)}, {words.long_unit(main)}"),
        ("a miss counts", words.value(main, protocol.miss)),
        ("labels, sha256", protocol.labels),
        ("code", ", ".join(f"{name} {value[:12]}" for name, value in sorted(results.made.code.items()))),
        ("arithmetic", results.made.arithmetic),
    ]


def card(results: ResultSet, record: Record, matrix: Matrix | None, speeds: Speeds) -> dict[str, Any]:
    """Return everything about one contestant on one data set: `facts`, and `metrics` with intervals."""
    card: dict[str, Any] = {"contestant": record.contestant, "dataset": record.dataset, "status": record.status}
    if not record.ran:
        return card | {"facts": [("why it has no numbers", record.reason or record.status)]}
    return card | {"facts": _facts(results, record, matrix, speeds), "metrics": _metrics(record)}


def _facts(results: ResultSet, record: Record, matrix: Matrix | None, speeds: Speeds) -> Facts:
    main, floor = results.protocol.main, record.floor
    sets = f" ({', '.join(record.trained_sets)})" if record.trained_sets else ""
    seeds = ", ".join(shown(main, value) for value in record.per_seed)
    facts = [("found", _counted(results, "found", record, found(record)))]
    facts += [
        (f"error, {kind} faces", _counted(results, name, record, estimate))
        for kind, name, estimate in _errors(results, record)
    ]
    facts += [
        ("missed", f"{record.missed} of {record.faces} faces"),
        ("intervals cover", words.covered(record)),
        ("seeds", f"{record.seeds}: {seeds} {words.unit(main)}" if record.seeds else "not trained here, no seeds"),
        ("group", _group(record, matrix)),
        ("floor", _floor(main, record) if floor else "not measured"),
        ("tier", record.tier),
        ("trained on", f"{record.trained_on}{sets}"),
        ("boxes", f"{'given' if given(record) else 'found by itself'}: {record.boxes}"),
        (
            "landmarks",
            f"{record.points}" + (": fewer than others, means do not compare" if partial(results, record) else ""),
        ),
        ("recipe or family", record.kind),
        *((EXACT.get(name, name), words.amount(value)) for name, value in sorted(record.exact.items())),
        ("time", _time(record, speeds)),
        ("predictions, sha256", ", ".join(record.predictions) or "none"),
        ("errors, sha256", record.errors or "none"),
    ]
    return facts


def _errors(results: ResultSet, record: Record) -> Sequence[tuple[str, str, Estimate]]:
    main = results.protocol.main
    return (("all", f"{main}_all", of_all(results, record)), ("found", main, of_found(results, record)))


def _counted(results: ResultSet, name: str, record: Record, estimate: Estimate) -> str:
    if estimate.value is None:
        return words.no_interval(record, estimate)
    text = words.with_interval(results, name, estimate)
    why_none = "" if "interval" in text else f", no interval: {words.no_interval(record, estimate)}"
    return f"{text}{why_none}; {estimate.faces} faces, {estimate.subjects} subjects"


def _group(record: Record, matrix: Matrix | None) -> str:
    letter = matrix.groups.get(record.contestant, "") if matrix else ""
    if not matrix or not letter:
        return "not compared"
    first = leader(matrix, record.contestant)
    if first != record.contestant:
        return f"{letter}: no significant difference from {first}, the best of that group"
    others = [name for name, other in matrix.groups.items() if other == letter and name != first]
    same = f"no significant difference from {words.listed(others)}" if others else "alone in it"
    return f"{letter}, its best: {same}"


def _floor(main: str, record: Record) -> str:
    floor = record.floor
    if floor is None:
        return "not measured"
    if floor.px is None:
        return f"unknown: no face was found in all {floor.views} views"
    value = "" if floor.value is None else f"{words.value(main, floor.value)}, "
    lost = f", {floor.lost} more were lost in some view" if floor.lost else ""
    meaning = (
        f"the scatter of its landmarks when the image is shifted by 1{words.DASH}2 px, {floor.faces} faces{lost}"
    )
    return f"{value}{floor.px:.2f} px: {meaning}"


def _time(record: Record, speeds: Speeds) -> str:
    time = cost(record, "milliseconds", speeds)
    if time is None:
        return "not measured here"
    timing = speeds[record.contestant]
    ends = [words.milliseconds(timing[key]) for key in ("ms_low", "ms_high") if timing.get(key) is not None]
    return (
        f"{words.milliseconds(time)} ms"
        + (f" ({words.DASH.join(ends)})" if len(ends) == 2 else "")
        + f", {timing['note']}"
    )


def _metrics(record: Record) -> list[tuple[str, str, str]]:
    """Return label, value and interval of every metric but the three that stand above."""
    rows = []
    for name in sorted(record.metrics, key=natural):
        if name == "found" or name.endswith("_all"):
            continue
        estimate, count = record.metrics[name], describe(name).is_count
        value = estimate.value if not count or estimate.value is None else int(estimate.value)
        rows.append((label(name), shown(name, value), words.interval(name, estimate)))
    return rows
