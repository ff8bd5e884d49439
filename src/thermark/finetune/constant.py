"""Who does better than an answer that looks at nothing: always the mean place of the training labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from thermark.finetune.groups import of_the_post
from thermark.finetune.inputs import Head, Numbers
from thermark.metrics import bootstrap
from thermark.report.markdown import code
from thermark.report.verdicts import withheld_alone

TITLE = "the mean place of the training labels"
REPLICATES = 2000
VERDICTS = ("lower error", "no difference shown", "higher error")


@dataclass(frozen=True)
class Mean:
    """A mean error in px of the frame over so many seeds, with its 95 % interval, None where there is none."""

    value: float | None
    low: float | None
    high: float | None
    seeds: int


def of(heads: Sequence[Head]) -> Numbers:
    """Return the numbers of the constant in the crops of a group of heads, empty where nobody told."""
    return next((own for head in heads if (own := head.numbers.get("constant") or {})), {})


def of_noses(heads: Sequence[Head], points: int = 1) -> Numbers:
    """Return the constant for the noses of the post's crops, which are also those in labelled boxes."""
    return of([head for head in heads if of_the_post(head) and head.numbers.get("points") == points])


def of_head(head: Head, numbers: Numbers) -> Mean:
    """Return the mean of a head on its test crops; the interval is that of Student's t over seeds."""
    value, spread = numbers.get("native_mean"), numbers.get("native_mean_spread")
    if value is None or spread is None or head.seeds < 2:
        return Mean(value, None, None, head.seeds)
    half = float(stdtrit(head.seeds - 1, 0.975)) * spread / head.seeds**0.5
    return Mean(value, value - half, value + half, head.seeds)


def of_contestant(summary: Numbers) -> Mean:
    """Return the mean of a contestant on whole frames; the interval is as in the leaderboard."""
    value, low, high = (summary.get(f"error_px_mean{end}") for end in ("", "_low", "_high"))
    return Mean(value, low, high, int(summary.get("seeds", 1)))


def verdict(own: Mean, constant: Numbers) -> str:
    """Return whether a mean is below that of the constant, by both intervals; nothing where one is not known.

    The constant has an interval over subjects: on other people it would be off by another distance. Of fewer than
    five seeds nothing is said.
    """
    limit = constant.get("native_mean")
    if own.value is None or limit is None:
        return ""
    if few := withheld_alone(own.seeds):
        return few
    least, most = bounds(constant) or (limit, limit)
    if own.low is None or own.high is None or (own.low <= most and own.high >= least):
        return VERDICTS[1]
    return VERDICTS[0] if own.high < least else VERDICTS[2]


def bounds(constant: Numbers) -> tuple[float, float] | None:
    """Return the 95 % interval over subjects of the constant's mean error in frame px, None of fewer than two."""
    own = {subject: errors for subject, errors in (constant.get("native_by_subject") or {}).items() if errors}
    values = np.array([error for errors in own.values() for error in errors])
    subjects = np.array([subject for subject, errors in own.items() for _ in errors], np.str_)
    return bootstrap.interval(values, subjects, REPLICATES, 0, within=(0.0, np.inf)) if len(own) > 1 else None


def standing(means: Mapping[str, Mean], constant: Numbers, over: str) -> str:
    """Return in words how each stands to the constant, by intervals that cover what `over` says."""
    said: dict[str, list[str]] = {}
    for name, own in means.items():
        if found := verdict(own, constant):
            said.setdefault(found, []).append(code(name))
    if not said:
        return ""
    parts = "; ".join(f"*{each}*: {', '.join(names)}" for each, names in sorted(said.items(), key=_order))
    start = f"Against *{TITLE}*, which has an interval over subjects, in the mean error in px of the frame"
    return f"{start}, by 95 % intervals {over}: {parts}."


def _order(each: tuple[str, list[str]]) -> int:
    return VERDICTS.index(each[0]) if each[0] in VERDICTS else len(VERDICTS)
