"""How few labels are enough: the curve of each head over its budgets, and the conclusion from it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from thermark.report.columns import cells, formatted, titles
from thermark.report.fewshot.head import HeadResult, Numbers, labels
from thermark.report.fewshot.head_tables import names
from thermark.report.grouping import grouped
from thermark.report.markdown import code, table
from thermark.report.too_few_seeds import withheld

SHOWN = ("mean", "median", "pck@10")
MEAN = ("native_mean", "native_mean_low", "native_mean_high")
CURVE = ("crops", "head", "labels", "native_mean", "low", "high")


@dataclass(frozen=True)
class Enough:
    """The conclusion from a curve of the mean error in px of the frame.

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


def ends(head: HeadResult) -> tuple[list[Numbers], Numbers] | None:
    """Return the budgets below all labels, fewest first, and that of all; None where one of the two is missing."""
    measured = [budget for budget in head.budget if budget.get("native_mean") is not None]
    if not measured or not head.complete(measured[-1]):
        return None
    fewer = [budget for budget in measured if labels(budget) < labels(measured[-1])]
    return (fewer, measured[-1]) if fewer else None


def enough(head: HeadResult, within: float) -> Enough | None:
    """Return the conclusion from a head's curve, None where nothing stands beside all labels, or of too few seeds.

    Near is at most (1 + `within`) times the error with all labels, whatever the values within both intervals.
    """
    pair = ends(head)
    if pair is None or withheld(head.seeds):
        return None
    fewer, last = pair
    near = [_below(budget, last, 1 + within) for budget in fewer]
    far = [_below(last, budget, 1 / (1 + within)) for budget in fewer]
    first = next((at for at in range(len(fewer)) if all(near[at:])), None)
    few = next((at for at in reversed(range(len(fewer))) if all(far[: at + 1])), None)
    return Enough(
        labels=None if first is None else labels(fewer[first]),
        short=None if few is None else labels(fewer[few]),
        error=fewer[-1 if first is None else first]["native_mean"],
        complete=last["native_mean"],
        most=labels(fewer[-1]),
        every=labels(last),
    )


def steps(heads: Sequence[HeadResult]) -> str:
    """Return for how many optimiser steps budgets were trained, and whether their curves show labels alone."""
    by_text = grouped((_steps(head), code(head.key)) for head in heads)
    return "; ".join(f"{', '.join(keys)}: {text}" for text, keys in by_text.items())


def _steps(head: HeadResult) -> str:
    distinct = sorted({int(budget["steps"]) for budget in head.budget})
    if len(distinct) == 1:
        return f"{distinct[0]:,} for every budget, so that the curve shows the effect of labels"
    return f"{distinct[0]:,} to {distinct[-1]:,}, so that the curve does not show the effect of labels alone"


def sentence(head: HeadResult, within: float) -> str:
    """Return the conclusion from a head's curve as a sentence."""
    pair, verdict = ends(head), enough(head, within)
    if pair is None:
        return f"{code(head.key)}: no budget stands beside that of all labels."
    if verdict is None:
        most, every = pair[0][-1], pair[1]
        numbers = f"{most['native_mean']:.2f} with {labels(most)} of {labels(every)} labels, "
        numbers += f"{every['native_mean']:.2f} px of the frame with all"
        return f"{code(head.key)}: {numbers}; {withheld(head.seeds)}."
    share = f"{100 * within:g} %"
    if verdict.labels is None:
        text = f"no smaller budget is shown to come within {share} of the mean error with all {verdict.every} "
        text += (
            f"labels: {verdict.error:.2f} with {verdict.most}, {verdict.complete:.2f} px of the frame with all."
        )
    else:
        stays = ", and so do all larger budgets" if verdict.labels != verdict.most else ""
        text = f"**{verdict.labels} of {verdict.every} labels** come within {share} of the mean error with all of "
        text += f"them ({verdict.error:.2f} against {verdict.complete:.2f} px of the frame){stays}."
    few = "" if verdict.short is None else f" {verdict.short} are too few."
    # Labels that choose the epoch are labels, too.
    count, first = head.numbers.get("labels_val"), labels(head.budget[0])
    val = f" {count} validation labels come on top: {first} labels are {first + (count or 0)} in total."
    return f"{code(head.key)}: {text}{few}{val if count else ''}"


def listed(heads: Sequence[HeadResult], space: str) -> str:
    """Return the curves of a group of heads as a table, in px of one space."""
    mean, *others = titles(names(space, SHOWN))
    rows = []
    for head in heads:
        for place, budget in enumerate(head.budget):
            count = f"all {labels(budget)}" if head.complete(budget) else str(labels(budget))
            low, high = (formatted(f"{space}_mean", budget.get(f"{space}_mean_{end}")) for end in ("low", "high"))
            first, *rest = cells(budget, names(space, SHOWN))
            bounds = "–" if "–" in (low, high) else f"{low}–{high}"
            rows.append(["" if place else code(head.key), count, str(head.seeds), first, bounds, *rest])
    return table(["head", "labels", "seeds", mean, "95 % interval", *others], rows)


def curve(heads: Sequence[HeadResult]) -> pd.DataFrame:
    """Return the mean error in frame px of every head and budget, with its interval over seeds."""
    rows = [
        [head.numbers.get("crops", ""), head.key, labels(budget), *map(budget.get, MEAN)]
        for head in heads
        for budget in head.budget
    ]
    return pd.DataFrame(rows, columns=CURVE)


def _below(a: Numbers, b: Numbers, times: float) -> bool:
    """Return whether all of the interval of a is below so many times that of b; not where one is not known."""
    high, low = a.get("native_mean_high"), b.get("native_mean_low")
    return high is not None and low is not None and high <= times * low
