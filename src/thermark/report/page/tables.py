"""The numbers behind each figure as plain tables, for readers without JavaScript."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from thermark.landmarks import load
from thermark.report.number_format import interval, plus
from thermark.report.number_format import shown as printed
from thermark.report.page import words
from thermark.report.page.figures import cost, learning, pairs
from thermark.report.page.figures.distributions import by_subject, limit, named, strata, within
from thermark.report.page.figures.face import shown
from thermark.report.page.order import found, of_all
from thermark.report.results.comparisons import Comparisons, Family, Matrix
from thermark.report.results.face_errors import Errors
from thermark.report.results.printed import columns
from thermark.report.results.ranking import ranked
from thermark.report.results.record import PartResult, ResultSet

PAIRS = (
    "data set",
    "a",
    "b",
    "in",
    "a − b",
    "95 %",
    "p",
    "p, unadjusted",
    "detectable",
    "of",
    "verdict",
    "caveat",
)
EDGES = (0.25, 0.5, 0.75, 1.0)  # of the limit of a distribution


@dataclass(frozen=True)
class PageTable:
    """A caption, the names of columns, and rows whose first cell names them."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def ced(results: ResultSet, errors: Mapping[str, Errors], names: Sequence[str]) -> PageTable:
    """Return how many faces are within four errors, of every contestant."""
    main, top = results.protocol.main, limit(results)
    head = [f"≤ {words.scale(main) * edge * top:g} {words.unit(main)}" for edge in EDGES]
    with_band, rows = set(named(results, names)), []
    for record in ranked(results):
        if record.contestant in errors:
            shares = [
                within(errors[record.contestant], edge * top, record.contestant in with_band) for edge in EDGES
            ]
            ends = [f" ({low:.1f}{words.DASH}{high:.1f})" if low is not None else "" for _, low, high in shares]
            cells = [f"{part:.1f}{end}" for (part, _, _), end in zip(shares, ends, strict=True)]
            rows.append((record.contestant, *cells))
    return PageTable("Faces within an error, % (95 % interval)", ("contestant", *head), tuple(rows))


def parts(results: ResultSet, stratum: str, names: Sequence[str]) -> PageTable:
    """Return the error of found faces in each part of a stratum, with interval and found rate."""
    values, main, rows = strata(results)[stratum], results.protocol.main, []
    for name in named(results, names):
        record = results.of(name)
        parts_of = record.parts.get(stratum, {}) if record else {}
        if parts_of:
            rows.append((name, *(_part(main, parts_of.get(value)) for value in values)))
    caption = f"Error of found faces, {words.unit(main)} (95 % interval), and who was missed"
    return PageTable(caption, ("contestant", *values), tuple(rows))


def _part(main: str, part: PartResult | None) -> str:
    if part is None:
        return words.DASH
    lost = f", {part.missed} of {part.faces} missed" if part.missed else ""
    ends = interval(main, part.low, part.high)
    return f"{printed(main, part.value)}{f' ({ends})' * bool(ends)}{lost}"


def subjects(results: ResultSet, errors: Mapping[str, Errors], names: Sequence[str]) -> PageTable:
    """Return the error of each subject over all its faces."""
    contestants = [name for name in named(results, names) if name in errors]
    main, by_contestant = results.protocol.main, {name: by_subject(results, errors[name]) for name in contestants}
    everyone = dict.fromkeys(subject for errors_of in by_contestant.values() for subject in errors_of)
    rows = [
        (subject, *(printed(main, by_contestant[name].get(subject)) for name in contestants))
        for subject in everyone
    ]
    return PageTable(f"Error over all faces, {words.unit(main)}", ("subject", *contestants), tuple(rows))


def landmarks(results: ResultSet, names: Sequence[str]) -> PageTable:
    """Return the error of each landmark."""
    drawn, main = shown(results, names), results.protocol.main
    by_contestant = [record.landmarks for name in drawn if (record := results.of(name))]
    rows = [
        (
            point,
            *(printed(main, errors_of[index] if index < len(errors_of) else None) for errors_of in by_contestant),
        )
        for index, point in enumerate(load(results.protocol.vocabulary).points)
    ]
    return PageTable(f"Error by landmark, {words.unit(main)}", ("landmark", *drawn), tuple(rows))


def matrix(results: ResultSet, matrix: Matrix) -> PageTable:
    """Return the difference of each pair, row less column; one too small to interpret is in brackets."""
    cells = {(row["a"], row["b"]): row for row in pairs.pairs(results, matrix)}
    order = list(dict.fromkeys(a for a, _ in cells))
    rows = [(a, *(_pair(cells.get((a, b))) for b in order)) for a in order]
    unit = words.unit(results.protocol.main)
    caption = f"Row less column, {unit}; negative: the row has the lower error; "
    caption += "in brackets: too small to interpret (exploratory)"
    return PageTable(caption, ("contestant", *order), tuple(rows))


def _pair(row: Mapping[str, object] | None) -> str:
    if row is None:
        return ""
    if "difference" not in row:
        return words.DASH
    text = plus(float(str(row["difference"])))
    return f"({text})" if row["grey"] else text


def families(comparisons: Comparisons, sets: Mapping[str, ResultSet]) -> list[tuple[str, str, PageTable]]:
    """Return name, question and table of each declared family."""
    return [
        (family.name, family.question, PageTable(f"{family.name}: adjusted together", PAIRS, _pairs(family, sets)))
        for family in comparisons.families
    ]


def _pairs(family: Family, sets: Mapping[str, ResultSet]) -> tuple[tuple[str, ...], ...]:
    cells = [columns(pair, sets.get(pair.dataset)) for pair in family.pairs]
    return tuple(tuple(texts[name] for name in PAIRS) for texts in cells)


def costs(results: ResultSet, axis: cost.Axis, speeds: cost.Speeds) -> PageTable:
    """Return cost and error of those whose cost is known."""
    main = results.protocol.main
    rows = [
        (
            record.contestant,
            words.milliseconds(price) if axis == "milliseconds" else words.amount(price),
            f"{printed('found', found(record).value)} %",
            words.with_interval(results, f"{main}_all", of_all(results, record)),
        )
        for record, price in cost.priced(results, axis, speeds)
    ]
    return PageTable("Cost and error", ("contestant", axis, "found", "error over all faces"), tuple(rows))


def budget(lines: learning.Lines) -> PageTable:
    """Return the mean error of heads by labels."""
    rows = [
        (
            f"{line['head']}, {line['labels']:g} labels",
            f"{line['native_mean']:.2f}",
            f"{line['low']:.2f}{words.DASH}{line['high']:.2f}" if line.get("low") is not None else "none",
        )
        for line in lines
        if line.get("native_mean") is not None
    ]
    return PageTable("Mean error, px of the frame", ("head", "error", "95 % interval"), tuple(rows))


def training(lines: learning.Lines) -> PageTable:
    """Return the last epoch of each run."""
    last = {row["run"]: row for row in learning.epochs(lines)}
    rows = [
        (
            run,
            str(row["epoch"]),
            f"{row['error']:.2f}",
            f"{row['low']:.2f}{words.DASH}{row['high']:.2f}",
            str(row["seeds"]),
        )
        for run, row in last.items()
    ]
    head = ("run", "epochs", "error", "best to worst seed", "seeds")
    return PageTable("Validation error after the last epoch, % of the eyes' distance", head, tuple(rows))
