"""Results as people read them: a family as a table, a difference in words, counts of verdicts, who is absent."""

from collections import Counter
from collections.abc import Iterable, Mapping

from thermark.report.grouping import grouped
from thermark.report.markdown import code, escaped, table
from thermark.report.number_format import points, probability, signed, title
from thermark.report.results.comparisons import DECIDED, EXPLORATORY, Pair
from thermark.report.results.record import ResultSet
from thermark.report.too_few_seeds import undecided

VERDICTS = (*DECIDED, "no difference shown")
HEADER = ("difference", "on", "in", "a − b", "95 %", "all faces", "p", "detectable", "of", "verdict")
ABSENT = ("contestants", "data sets", "status", "why")


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
    value = f"{signed(pair.difference, main)} {points(main)} in the mean"
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


def columns(pair: Pair, results: ResultSet | None) -> dict[str, str]:
    """Return a comparison as plain texts by the name of their column; `results` are those of its data set."""
    main, sure = results.protocol.main if results else "nme_io", bounded(pair)
    left_out = f" ({pair.left_out} left out)" if pair.left_out else ""
    seeds = " and ".join(dict.fromkeys(str(count) for count in pair.seeds if count))
    trained = f", {seeds} seed{'s' * (seeds != '1')}" if seeds else ""
    return {
        "data set": results.data_set.title if results else pair.dataset,
        "a": pair.a,
        "b": pair.b,
        "in": f"{title(main)}, {points(main)}",
        "a − b": signed(pair.difference, main),
        "95 %": f"{signed(pair.low, main)} to {signed(pair.high, main)}" if sure else "–",
        "all faces": signed(pair.difference_all, main),
        "p": probability(pair.p_holm if sure else None),
        "p, unadjusted": probability(pair.p if sure else None),
        "detectable": signed(pair.mde, main).lstrip("+") if sure else "–",
        "of": f"{pair.faces} faces{left_out}, {pair.subjects} subjects{trained}" if pair.faces else "–",
        "verdict": ": ".join(filter(None, [pair.verdict, pair.grey * (pair.verdict in VERDICTS)])),
        "caveat": pair.caveat or "–",
    }


def _row(pair: Pair, results: ResultSet) -> list[str]:
    cells = columns(pair, results)
    about = [f"{code(pair.a)} − {code(pair.b)}", escaped(cells["data set"])]
    return [*about, *(cells[name] for name in HEADER[2:-1]), _verdict(pair)]


def bounded(pair: Pair) -> bool:
    """Return whether an interval may be shown: one of too few seeds covers the subjects alone and misleads."""
    return pair.low is not None and pair.high is not None and not undecided(pair.verdict)


def _verdict(pair: Pair) -> str:
    return f"*{EXPLORATORY}*" if pair.verdict == EXPLORATORY else escaped(columns(pair, None)["verdict"])


def absent(sets: Mapping[str, ResultSet]) -> list[tuple[str, ...]]:
    """Return rows of ABSENT; contestants share a row that have the same reason on the same data sets."""
    idle = [(name, record) for name, results in sets.items() for record in results.records if not record.ran]
    by_reason = grouped(((record.status, record.reason), (record.contestant, name)) for name, record in idle)
    rows: list[tuple[str, ...]] = []
    for (status, reason), cells in by_reason.items():
        by_sets = grouped((tuple(on), contestant) for contestant, on in grouped(cells).items())
        for on_sets, names in by_sets.items():
            where = "all" if len(on_sets) == len(sets) else ", ".join(on_sets)
            rows.append((", ".join(names), where, status, reason))
    return rows
