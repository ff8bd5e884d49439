"""The leaderboard of one data set, and the card of each of its cells."""

from dataclasses import dataclass
from typing import Any

from thermark.metrics.registry import describe
from thermark.report.number_format import label, natural, shown, title
from thermark.report.page import words
from thermark.report.page.answers import leader
from thermark.report.page.figures.cost import cost
from thermark.report.page.view import View, given
from thermark.report.results.estimates import bounds, estimate, plus_minus
from thermark.report.results.ranking import whole
from thermark.report.results.record import Record

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


def head(view: View) -> tuple[str, ...]:
    """Return the columns of the leaderboard after the contestant and its drawn interval."""
    columns = ("found, %", f"error, all faces, {view.unit}", "group", f"error, found faces, {view.unit}", "floor")
    return (*columns, "tier", "trained on", "boxes", "landmarks", "seeds", "parameters", "ms")


def top(view: View) -> float:
    """Return where the axis of drawn intervals ends, in the unit of the main metric."""
    errors = map(view.error, view.ranked)
    return max((error.high or error.value or 0.0 for error in errors), default=0.0)


def rows(view: View) -> list[BoardRow]:
    """Return a line for each contestant that ran, best first."""
    end = top(view)
    return [
        BoardRow(
            record.contestant,
            "given" if given(record) else "found",
            TRAINED[record.trained_on],
            not whole(record, view.results),
            _cells(view, record),
            _whisker(view, record, end),
        )
        for record in view.ranked
    ]


def _cells(view: View, record: Record) -> tuple[Cell, ...]:
    time, size = cost(record, "milliseconds", view.speeds), record.exact.get("parameters")
    points = max(bound.points for bound in view.results.records)
    floor = record.floor.value if record.floor else None
    return (
        _estimate("found", record),
        _estimate(view.over_all, record),
        Cell(view.group(record) or words.DASH, "", view.group(record)),
        _estimate(view.main, record),
        Cell(shown(view.main, floor), "", "" if floor is None else f"{floor:.6g}"),
        Cell(record.tier, "", record.tier),
        Cell(record.trained_on, "", record.trained_on),
        Cell("given" if given(record) else "found", record.boxes.replace("_", " "), record.boxes),
        Cell(f"{record.points} of {points}", "", str(record.points)),
        Cell(str(record.seeds or words.DASH), "", str(record.seeds)),
        Cell(words.amount(size) if size else words.DASH, "", f"{size:.0f}" if size else ""),
        Cell(words.DASH if time is None else words.milliseconds(time), "", "" if time is None else f"{time:.6g}"),
    )


def _estimate(name: str, record: Record) -> Cell:
    one = estimate(record, name)
    if one.value is None:
        return Cell(words.DASH, words.no_interval(record, one))
    below = bounds(name, one) or f"no interval: {words.no_interval(record, one)}"
    return Cell(shown(name, one.value) + plus_minus(record, name), below, f"{one.value:.6g}")


def _whisker(view: View, record: Record, end: float) -> Whisker | None:
    error = view.error(record)
    if error.value is None or not end:
        return None
    ends = [error.value if bound is None else bound for bound in (error.value, error.low, error.high)]
    return Whisker(*(round(100 * max(bound, 0.0) / end, 2) for bound in ends))


def common(view: View) -> Facts:
    """Return what all cards of a data set have in common: protocol and data."""
    protocol, data_set, made = view.results.protocol, view.results.data_set, view.results.made
    boxes = protocol.boxes or "none"
    return [
        ("data set", f"{view.title}: {data_set.faces} faces of {data_set.subjects} subjects"),
        ("pictures and labels", words.origin(data_set)),
        ("protocol", f"{protocol.id}: {protocol.vocabulary}, split {protocol.split}, boxes {boxes}"),
        ("error", f"{title(view.main)}, {view.measure}"),
        ("a miss counts", words.value(view.main, protocol.miss)),
        ("labels, sha256", protocol.labels),
        ("code", ", ".join(f"{name} {value[:12]}" for name, value in sorted(made.code.items()))),
        ("arithmetic", made.arithmetic),
    ]


def card(view: View, record: Record) -> dict[str, Any]:
    """Return everything about one contestant on one data set: `facts`, and `metrics` with intervals."""
    card: dict[str, Any] = {"contestant": record.contestant, "dataset": record.dataset, "status": record.status}
    if not record.ran:
        return card | {"facts": [("why it has no numbers", record.reason or record.status)]}
    return card | {"facts": _facts(view, record), "metrics": _metrics(record)}


def _facts(view: View, record: Record) -> Facts:
    sets = f" ({', '.join(record.trained_sets)})" if record.trained_sets else ""
    seeds = ", ".join(shown(view.main, value) for value in record.per_seed)
    fewer = "" if whole(record, view.results) else ": fewer than others, means do not compare"
    return [
        ("found", _counted("found", record)),
        ("error, all faces", _counted(view.over_all, record)),
        ("error, found faces", _counted(view.main, record)),
        ("missed", f"{record.missed} of {record.faces} faces"),
        ("intervals cover", words.covered(record)),
        ("seeds", f"{record.seeds}: {seeds} {view.unit}" if record.seeds else "not trained here, no seeds"),
        ("group", _group(view, record)),
        ("floor", _floor(view.main, record)),
        ("tier", record.tier),
        ("trained on", f"{record.trained_on}{sets}"),
        ("boxes", f"{'given' if given(record) else 'found by itself'}: {record.boxes}"),
        ("landmarks", f"{record.points}{fewer}"),
        ("recipe or family", record.kind),
        *((EXACT.get(name, name), words.amount(value)) for name, value in sorted(record.exact.items())),
        ("time", _time(view, record)),
        ("predictions, sha256", ", ".join(record.predictions) or "none"),
        ("errors, sha256", record.errors or "none"),
    ]


def _counted(name: str, record: Record) -> str:
    one = estimate(record, name)
    if one.value is None:
        return words.no_interval(record, one)
    text = words.with_interval(name, one)
    why_none = "" if "interval" in text else f", no interval: {words.no_interval(record, one)}"
    return f"{text}{why_none}; {one.faces} faces, {one.subjects} subjects"


def _group(view: View, record: Record) -> str:
    letter = view.group(record)
    if not view.matrix or not letter:
        return "not compared"
    first = leader(view.matrix, record.contestant)
    if first != record.contestant:
        return f"{letter}: no significant difference from {first}, the best of that group"
    others = [name for name, other in view.matrix.groups.items() if other == letter and name != first]
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
    moved = f"the scatter of its landmarks when the image is shifted by 1{words.DASH}2 px"
    return f"{value}{floor.px:.2f} px: {moved}, {floor.faces} faces{lost}"


def _time(view: View, record: Record) -> str:
    time = cost(record, "milliseconds", view.speeds)
    if time is None:
        return "not measured here"
    timing = view.speeds[record.contestant]
    bounds = words.quartiles(timing)
    return f"{words.milliseconds(time)} ms{f' ({bounds})' * bool(bounds)}, {timing['note']}"


def _metrics(record: Record) -> list[tuple[str, str, str]]:
    """Return label, value and interval of every metric but the three that stand above."""
    rows = []
    for name in sorted(record.metrics, key=natural):
        if name == "found" or name.endswith("_all"):
            continue
        one, count = record.metrics[name], describe(name).is_count
        value = one.value if not count or one.value is None else int(one.value)
        rows.append((label(name), shown(name, value), bounds(name, one)))
    return rows
