"""Comparisons as people read them: a table of a family, a difference in words, counts of verdicts."""

from collections import Counter
from collections.abc import Iterable, Mapping

from thermark.report.markdown import code, escaped, table
from thermark.report.numbers import scale, title
from thermark.report.numbers import unit as unit_of
from thermark.report.results.comparisons import EXPLORATORY, Pair
from thermark.report.results.record import ResultSet
from thermark.report.verdicts import undecided

VERDICTS = ("lower error", "higher error", "no difference shown")
HEADER = ("difference", "on", "in", "a − b", "95 %", "all faces", "p", "detectable", "of", "verdict")


def pairs(comparisons: Iterable[Pair], sets: Mapping[str, ResultSet]) -> str:
    """Return a table with a row a comparison; `caveat` is a column where any has one."""
    comparisons = list(comparisons)
    rows = [_row(pair, sets[pair.dataset]) for pair in comparisons]
    if any(pair.caveat for pair in comparisons):
        rows = [[*row, escaped(pair.caveat) or "–"] for row, pair in zip(rows, comparisons, strict=True)]
        return table([*HEADER, "caveat"], rows, texts=3)
    return table(HEADER, rows, texts=3)


def sentence(pair: Pair, main: str) -> str:
    """Return a difference in words: the number, its interval, the verdict and its caveat, or why there is none."""
    if pair.difference is None:
        return escaped(pair.verdict)
    value = f"{signed(pair.difference, main)} {unit(main)} in the mean"
    if bounded(pair):
        value += f" ({signed(pair.low, main)} to {signed(pair.high, main)})"
    return f"{value}: {_verdict(pair)}" + (f" ({escaped(pair.caveat)})" if pair.caveat else "")


def counted(comparisons: Iterable[Pair]) -> str:
    """Return how many comparisons show what, in words."""
    lower, higher, none, without = tally(comparisons)
    return (
        f"{lower} of {lower + higher + none + without} comparisons show a lower error, {higher} a higher one, "
        f"{none} no difference, {without} have no verdict"
    )


def tally(comparisons: Iterable[Pair]) -> tuple[int, int, int, int]:
    """Return how many show a lower error, a higher one, no difference, and how many have no verdict."""
    counts = Counter(pair.verdict if pair.verdict in VERDICTS else "" for pair in comparisons)
    return counts[VERDICTS[0]], counts[VERDICTS[1]], counts[VERDICTS[2]], counts[""]


def unit(main: str) -> str:
    """Return the unit in which differences of a metric are printed."""
    return "% points" if unit_of(main) == "%" else unit_of(main)


def signed(value: float | None, main: str) -> str:
    """Return a difference as printed: px, or percentage points, with its sign; – for none."""
    if value is None:
        return "–"
    return f"{scale(main) * value:+.2f}".replace("-", "−")


def _row(pair: Pair, results: ResultSet) -> list[str]:
    main, sure = results.protocol.main, bounded(pair)
    left_out = f" ({pair.left_out} left out)" if pair.left_out else ""
    seeds = " and ".join(dict.fromkeys(str(count) for count in pair.seeds if count))
    trained = f", {seeds} seed{'s' * (seeds != '1')}" if seeds else ""
    of = f"{pair.faces} faces{left_out}, {pair.subjects} subjects{trained}"
    return [
        f"{code(pair.a)} − {code(pair.b)}",
        escaped(results.data_set.title),
        f"{title(main)}, {unit(main)}",
        signed(pair.difference, main),
        f"{signed(pair.low, main)} to {signed(pair.high, main)}" if sure else "–",
        signed(pair.difference_all, main),
        "–" if pair.p_holm is None or not sure else "<0.001" if pair.p_holm < 0.001 else f"{pair.p_holm:.3f}",
        signed(pair.mde, main).lstrip("+") if sure else "–",
        of if pair.faces else "–",
        _verdict(pair),
    ]


def bounded(pair: Pair) -> bool:
    """Return whether an interval may be shown: one of too few seeds covers the subjects alone and misleads."""
    return pair.low is not None and pair.high is not None and not undecided(pair.verdict)


def _verdict(pair: Pair) -> str:
    if pair.verdict == EXPLORATORY:
        return f"*{EXPLORATORY}*"
    return escaped(": ".join(filter(None, [pair.verdict, pair.grey * (pair.verdict in VERDICTS)])))
