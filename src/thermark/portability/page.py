"""The comparison of two trees as Markdown: first whether verdicts held, then numbers, then files."""

from collections import Counter
from collections.abc import Sequence

from thermark.portability.compare import ComparedFiles, TreeComparison
from thermark.portability.numbers import ComparedNumber
from thermark.portability.verdicts import Verdict
from thermark.report.markdown import code, escaped, table
from thermark.report.number_format import label, shown

TITLE = "# The same pipeline in another arithmetic"
ABOUT = (
    "Code, data, settings and seeds are the same in both; what differs is how numbers are rounded and in which "
    "order they are added, and so, after some thousands of steps, the weights. A verdict that does not hold under "
    "it is none. A number of trainings is expected to move within its interval, and an interval over subjects "
    "alone promises nothing about another training."
)
TOGETHER = (
    "*Both*: a declared comparison made over both runs, of each seed the mean of its two trainings. They begin "
    "with the same weights, so that a seed still counts once."
)
LOUD = ("turned", "vanished", "outside", "gone")  # what a reader looks for
ORDER = {state: place for place, state in enumerate(("turned", "vanished", "new", "held", "silent"))}
FEW = 40  # names of files in one line


def text(base: str, other: str, compared: TreeComparison) -> str:
    """Return the page on two trees, called by their arithmetic."""
    parts = [
        TITLE,
        f"Base: {escaped(base)}. Other: {escaped(other)}. {ABOUT}",
        "\n".join(f"- {line}" for line in _answer(compared)),
        *_verdicts(compared.verdicts),
        *_numbers(compared.numbers),
        *_files(compared.files),
    ]
    return "\n\n".join(parts)


def _answer(compared: TreeComparison) -> list[str]:
    """Return the three answers, in sentences that their counts write."""
    states = Counter(verdict.state for verdict in compared.verdicts)
    stated = states["held"] + states["turned"] + states["vanished"]
    first = (
        f"**{states['held']} of {stated} verdicts held**, {states['turned']} turned, "
        f"{states['vanished']} vanished; {states['new']} are only in the other, "
        f"{states['silent']} had no verdict in either."
    )
    kept = Counter(number.state for number in compared.numbers)
    ranged = [
        number
        for number in compared.numbers
        if number.state in ("equal", "inside", "outside") and number.low is not None
    ]
    inside = sum(number.state != "outside" for number in ranged)
    second = (
        f"**{inside} of {len(ranged)} numbers stayed in their intervals**, {kept['outside']} moved out; "
        f"{kept['equal']} are equal, {kept['gone']} have no number in the other, {kept['new']} only there."
    )
    files = compared.files
    third = f"**{len(files.equal)} of {files.count} files are equal to the byte.**"
    return [first, second, third]


def _verdicts(verdicts: Sequence[Verdict]) -> list[str]:
    stated = [verdict for verdict in verdicts if verdict.state != "silent"]
    if not stated:
        return ["## Verdicts", "There is none in either."]
    both = any(verdict.together for verdict in stated)
    rows = [
        [
            code(verdict.page),
            escaped(verdict.subject),
            _text(verdict.base),
            _text(verdict.other),
            *[_text(verdict.together)] * both,
            _loud(verdict.state),
        ]
        for verdict in sorted(stated, key=lambda verdict: ORDER[verdict.state])
    ]
    header = ["page", "of", "base", "other", *["both"] * both, ""]
    return ["## Verdicts", *[TOGETHER] * both, table(header, rows, texts=len(header))]


def _text(verdict: str | None) -> str:
    return escaped(verdict or "–")


def _numbers(numbers: Sequence[ComparedNumber]) -> list[str]:
    stated = [number for number in numbers if number.state != "no number"]
    if not stated:
        return ["## Numbers", "There is none in either."]
    rows = [_number(number) for number in stated]
    header = ["contestant", "on", "metric", "base", "95 %", "interval over", "other", "missed", ""]
    return ["## Numbers", table(header, rows, texts=3)]


def _number(number: ComparedNumber) -> list[str]:
    value, low, high, other = (
        shown(number.metric, one) for one in (number.base, number.low, number.high, number.other)
    )
    interval = "n/a" if number.low is None or number.high is None else f"{low}–{high}"
    missed = " / ".join("–" if one is None else str(one) for one in number.missed)
    state = _loud(number.state) + (
        f", {escaped(number.reason)}" if number.state == "gone" and number.reason else ""
    )
    name = [code(number.contestant), code(number.dataset), escaped(label(number.metric))]
    return [*name, value, interval, number.over or "–", other, missed, state]


def _files(files: ComparedFiles) -> list[str]:
    parts = ["## Files"]
    differing = {
        "Other bytes": files.different,
        "Only in the base": files.base_only,
        "Only in the other": files.other_only,
    }
    parts += [f"{title} ({len(names)}): {_named(names)}." for title, names in differing.items() if names]
    return parts if len(parts) > 1 else [*parts, "All are equal to the byte."]


def _named(names: Sequence[str]) -> str:
    text = ", ".join(map(escaped, names[:FEW]))
    return f"{text} and {len(names) - FEW} more" if len(names) > FEW else text


def _loud(state: str) -> str:
    return f"**{state}**" if state in LOUD else state
