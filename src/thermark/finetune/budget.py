"""How few labels are enough: the curve of each head over its budgets, and what it says."""

from collections.abc import Sequence
from dataclasses import dataclass

from thermark.bakeoff.showing import cells, titles
from thermark.finetune.groups import groups, name, told
from thermark.finetune.inputs import Head, Numbers, Study, labels
from thermark.finetune.tables import SPACES, names
from thermark.report.markdown import code, table
from thermark.report.verdicts import withheld

SHOWN = ("mean", "median", "pck@10")
LEGEND = (
    "Means over seeds on all test crops, and the 95 % interval of that mean over seeds: of the draw of the labels "
    "and of the start, not of other people or other cameras. Each seed draws its own labels from the pool, few of "
    "them part of more; with all of them only the start and the order of training differ, and the interval says "
    "less. Labels are called enough, or too few, where the intervals leave no doubt: the upper end of one against "
    "the lower end of the other. Of fewer than three seeds there are numbers and no verdict."
)


@dataclass(frozen=True)
class Enough:
    """What a curve says of the mean error in px of the frame.

    `labels`: the fewest that are shown to come near the error with all of `every`, as are those of more; `short`:
    the most that are shown not to, as are those of fewer. None where none are. `error` is that with `labels`, or
    with the most that are not all; `complete` that with all.
    """

    labels: int | None
    short: int | None
    error: float
    complete: float
    most: int
    every: int


def ends(head: Head) -> tuple[list[Numbers], Numbers] | None:
    """Return the budgets below all labels, fewest first, and that of all; None where one of the two is missing."""
    known = [each for each in head.budget if each.get("native_mean") is not None]
    if not known or not head.complete(known[-1]):
        return None
    fewer = [each for each in known if labels(each) < labels(known[-1])]
    return (fewer, known[-1]) if fewer else None


def enough(head: Head, within: float) -> Enough | None:
    """Return what the curve of a head says, None where nothing stands beside all labels, or of too few seeds.

    Near is at most (1 + `within`) times the error with all labels, whatever the values within both intervals.
    """
    found = ends(head)
    if found is None or withheld(head.seeds):
        return None
    fewer, last = found
    first = _from([_below(each, last, 1 + within) for each in fewer])
    # From the most labels down to the fewest, those that are too few end the list.
    few = _from([_below(last, each, 1 / (1 + within)) for each in reversed(fewer)])
    return Enough(
        labels=None if first is None else labels(fewer[first]),
        short=None if few is None else labels(fewer[len(fewer) - 1 - few]),
        error=fewer[-1 if first is None else first]["native_mean"],
        complete=last["native_mean"],
        most=labels(fewer[-1]),
        every=labels(last),
    )


def section(study: Study, within: float) -> str:
    """Return the curves as tables, px of the crop and px of the frame apart, after what they say."""
    parts = ["## How few labels are enough"]
    curves = [head for head in study.ran if head.budget]
    if not curves:
        return "\n\n".join([*parts, "No head was trained on several budgets of labels."])
    parts += ["\n".join(f"- {sentence(head, within)}" for head in curves), f"{LEGEND} {steps(curves)}"]
    for own in groups(curves):
        parts += [f"### Budgets of {told(own[0])}"]
        for space, said in SPACES.items():
            parts += [f"#### Budgets of {name(own[0])} in {said}", _table(own, space)]
    return "\n\n".join(parts)


def steps(heads: Sequence[Head]) -> str:
    """Return for how many optimiser steps budgets were trained, and whether their curves are of labels alone."""
    said: dict[str, list[str]] = {}
    for head in heads:
        said.setdefault(_steps(head), []).append(code(head.key))
    told = "; ".join(f"{', '.join(keys)}: {text}" for text, keys in said.items())
    return f"Optimiser steps of the budgets: {told}."


def _steps(head: Head) -> str:
    counts = [each.get("steps") for each in head.budget]
    found = sorted({int(count) for count in counts if count is not None})
    if not found or None in counts:
        return "not told"
    if len(found) == 1:
        return f"{found[0]:,} with every budget, so that the curve is about labels"
    return f"{found[0]:,} to {found[-1]:,}, so that the curve is not about labels alone"


def sentence(head: Head, within: float) -> str:
    """Return what a head's curve says in words, no more than its numbers do."""
    pair, found = ends(head), enough(head, within)
    if pair is None:
        return f"{code(head.key)}: no budget stands beside that of all labels."
    if found is None:
        most, every = pair[0][-1], pair[1]
        numbers = f"{_px(most['native_mean'])} with {labels(most)} of {labels(every)} labels, "
        numbers += f"{_px(every['native_mean'])} px of the frame with all"
        return f"{code(head.key)}: {numbers}; {withheld(head.seeds)}."
    share, error, complete = f"{100 * within:g} %", _px(found.error), _px(found.complete)
    if found.labels is None:
        said = (
            f"that fewer than all {found.every} labels come within {share} of their mean error is not shown: "
            f"with {found.most} it is {error}, with all {complete} px of the frame."
        )
    else:
        stays = ", and so do all larger budgets" if found.labels != found.most else ""
        said = (
            f"**{found.labels} of {found.every} labels** come within {share} of the mean error with all of them "
            f"({error} against {complete} px of the frame){stays}."
        )
    few = "" if found.short is None else f" {found.short} are shown to be too few."
    return f"{code(head.key)}: {said}{few}{_validation(head)}"


def _validation(head: Head) -> str:
    """Return what the budgets leave out: labels that choose the epoch are labels, too."""
    count, first = head.numbers.get("labels_val"), labels(head.budget[0])
    if not count:
        return ""
    return f" The {count} that choose the epoch come on top: {first} labels are {first + count} in truth."


def _table(heads: Sequence[Head], space: str) -> str:
    mean, *others = titles(names(space, SHOWN))
    header = ["head", "labels", "seeds", mean, "95 % interval", *others]
    rows = []
    for head in heads:
        for place, each in enumerate(head.budget):
            count = f"all {labels(each)}" if head.complete(each) else str(labels(each))
            start = ["" if place else code(head.key), count, str(head.seeds)]
            first, *rest = cells(each, names(space, SHOWN))
            rows.append([*start, first, _interval(each, space), *rest])
    return table(header, rows)


def _interval(each: Numbers, space: str) -> str:
    low, high = (each.get(f"{space}_mean_{end}") for end in ("low", "high"))
    return "–" if low is None or high is None else f"{_px(low)}–{_px(high)}"


def _px(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _below(a: Numbers, b: Numbers, times: float) -> bool:
    """Return whether all of the interval of a is below so many times that of b; not where one is not known."""
    high, low = a.get("native_mean_high"), b.get("native_mean_low")
    return high is not None and low is not None and high <= times * low


def _from(flags: Sequence[bool]) -> int | None:
    """Return the first place from which all flags are true, None where the last is not."""
    place = len(flags)
    while place and flags[place - 1]:
        place -= 1
    return place if place < len(flags) else None


def curve(heads: Sequence[Head]) -> str:
    """Return the mean error in frame px of every head and budget as CSV, with its interval over seeds."""
    lines = ["crops,head,labels,native_mean,low,high"]
    for head in heads:
        for each in head.budget:
            ends = (each.get(f"native_mean_{end}") for end in ("low", "high"))
            cells = [each.get("native_mean"), *ends]
            told = ("" if cell is None else f"{cell:.6g}" for cell in cells)
            lines.append(f"{head.numbers.get('crops', '')},{head.key},{labels(each)},{','.join(told)}")
    return "\n".join(lines) + "\n"
