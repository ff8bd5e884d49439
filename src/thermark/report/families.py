"""What was compared because it had been declared, with its verdicts."""

from collections.abc import Sequence

from thermark.metrics.names import describe
from thermark.report.board import Board
from thermark.report.legend import DECLARED
from thermark.report.markdown import code, escaped, table
from thermark.report.numbers import LABELS, shown
from thermark.results.comparisons import Comparisons, Family, Pair

HEADER = (
    "data set",
    "contestant",
    "against",
    "difference",
    "95 %",
    "all faces",
    "p, Holm",
    "MDE",
    "on",
    "verdict",
)
TEXTS = 3  # columns of words before those of numbers


def families(made: Comparisons, boards: Sequence[Board]) -> list[str]:
    """Return the part of the leaderboard about declared comparisons, nothing where none is of a data set here."""
    main = {board.on.name: board.main for board in boards}
    parts = [_part(family, main) for family in made.families if family.pairs]
    return ["## Comparisons", DECLARED, *parts] if parts else []


def _part(family: Family, main: dict[str, str]) -> str:
    rows = [_row(pair, main[pair.dataset]) for pair in family.pairs]
    return f"**{escaped(family.question)}** ({code(family.name)})\n\n{table(HEADER, rows, TEXTS)}"


def _row(pair: Pair, metric: str) -> list[str]:
    names = [f"{code(pair.dataset)}: {LABELS[metric]}", code(pair.a), code(pair.b)]
    if pair.difference is None:
        return [*names, *["–"] * 6, escaped(pair.verdict)]
    unit = " %" if describe(metric).unit == "fraction" else " px"
    ends = "n/a" if pair.low is None else f"{shown(metric, pair.low)} to {shown(metric, pair.high)}"
    p = "–" if pair.p_holm is None else f"{pair.p_holm:.2g}"
    seeds = " and ".join(dict.fromkeys(str(count) for count in pair.seeds if count))
    on = f"{pair.faces} faces, {pair.subjects} subjects" + (f", {seeds} seeds" if seeds else "")
    verdict = escaped(pair.verdict) + (f" (*grey: {escaped(pair.grey)}*)" if pair.grey else "")
    numbers = [shown(metric, pair.difference) + unit, ends, shown(metric, pair.difference_all)]
    return [*names, *numbers, p, shown(metric, pair.mde), on, verdict]
