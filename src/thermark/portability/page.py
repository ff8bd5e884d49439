"""The comparison of two trees as Markdown: first whether verdicts held, then numbers, then files."""

from collections import Counter
from collections.abc import Sequence

from thermark.portability.compare import Compared
from thermark.portability.numbers import Number
from thermark.portability.same import Files
from thermark.portability.verdicts import Verdict
from thermark.report.markdown import code, escaped, table
from thermark.report.numbers import label, shown

TITLE = "# The same pipeline in another arithmetic"
ABOUT = (
    "Code, data, settings and seeds are the same in both; what differs is how numbers are rounded and in which "
    "order they are added, and so, after some thousands of steps, the weights. A verdict that does not hold under "
    "it is none. A number of trainings is expected to move within its interval, and an interval over subjects "
    "alone promises nothing about another training."
)
LOUD = ("turned", "vanished", "outside", "gone")  # what a reader looks for
ORDER = {state: place for place, state in enumerate(("turned", "vanished", "new", "held", "silent"))}
FEW = 40  # names of files in one line


def text(base: str, other: str, found: Compared) -> str:
    """Return the page on two trees, called by their arithmetic."""
    parts = [
        TITLE,
        f"Base: {escaped(base)}. Other: {escaped(other)}. {ABOUT}",
        "\n".join(f"- {each}" for each in _answer(found)),
        *_verdicts(found.verdicts),
        *_numbers(found.numbers),
        *_files(found.files),
    ]
    return "\n\n".join(parts)


def _answer(found: Compared) -> list[str]:
    """Return the three answers, in sentences that their counts write."""
    said = Counter(each.state for each in found.verdicts)
    spoken = said["held"] + said["turned"] + said["vanished"]
    first = (
        f"**{said['held']} of {spoken} verdicts held**, {said['turned']} turned, {said['vanished']} vanished; "
        f"{said['new']} are only in the other, {said['silent']} had no verdict in either."
    )
    kept = Counter(each.state for each in found.numbers)
    ranged = [
        each for each in found.numbers if each.state in ("equal", "inside", "outside") and each.low is not None
    ]
    inside = sum(each.state != "outside" for each in ranged)
    second = (
        f"**{inside} of {len(ranged)} numbers stayed in their intervals**, {kept['outside']} moved out; "
        f"{kept['equal']} are equal, {kept['gone']} have no number in the other, {kept['new']} only there."
    )
    own = found.files
    third = f"**{len(own.equal)} of {own.count} files are equal to the byte.**"
    return [first, second, third]


def _verdicts(found: Sequence[Verdict]) -> list[str]:
    told = [each for each in found if each.state != "silent"]
    if not told:
        return ["## Verdicts", "There is none in either."]
    rows = [
        [code(each.page), escaped(each.subject), _said(each.base), _said(each.other), _loud(each.state)]
        for each in sorted(told, key=lambda each: ORDER[each.state])
    ]
    return ["## Verdicts", table(["page", "of", "base", "other", ""], rows, texts=5)]


def _said(verdict: str | None) -> str:
    return escaped(verdict or "–")


def _numbers(found: Sequence[Number]) -> list[str]:
    told = [each for each in found if each.state != "no number"]
    if not told:
        return ["## Numbers", "There is none in either."]
    rows = [_number(each) for each in told]
    header = ["contestant", "on", "metric", "base", "95 %", "interval over", "other", "missed", ""]
    return ["## Numbers", table(header, rows, texts=3)]


def _number(each: Number) -> list[str]:
    value, low, high, other = (shown(each.metric, one) for one in (each.base, each.low, each.high, each.other))
    interval = "n/a" if each.low is None or each.high is None else f"{low}–{high}"
    missed = " / ".join("–" if one is None else str(one) for one in each.missed)
    state = _loud(each.state) + (f", {escaped(each.reason)}" if each.state == "gone" and each.reason else "")
    name = [code(each.contestant), code(each.dataset), escaped(label(each.metric))]
    return [*name, value, interval, each.over or "–", other, missed, state]


def _files(found: Files) -> list[str]:
    parts = ["## Files"]
    told = {
        "Other bytes": found.different,
        "Only in the base": found.base_only,
        "Only in the other": found.other_only,
    }
    parts += [f"{title} ({len(names)}): {_named(names)}." for title, names in told.items() if names]
    return parts if len(parts) > 1 else [*parts, "All are equal to the byte."]


def _named(names: Sequence[str]) -> str:
    said = ", ".join(map(escaped, names[:FEW]))
    return f"{said} and {len(names) - FEW} more" if len(names) > FEW else said


def _loud(state: str) -> str:
    return f"**{state}**" if state in LOUD else state
