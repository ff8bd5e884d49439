"""Which heads beat a constant answer: always the mean position of the training labels."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import stdtrit

from thermark.metrics import bootstrap
from thermark.report.fewshot.fewshot_data import FewshotData
from thermark.report.fewshot.head import ALL, HeadResult, Numbers
from thermark.report.markdown import code
from thermark.report.results.printed import VERDICTS
from thermark.report.results.record import Estimate
from thermark.report.too_few_seeds import withheld_alone

TITLE = "the mean position of the training labels"
REPLICATES = 2000
BOXES = "labelled"  # those of the posts' crops
PIXELS = "error_px_mean"


def of(heads: Sequence[HeadResult]) -> Numbers:
    """Return the numbers of the constant in the crops of a group of heads, empty where none is recorded."""
    return next((numbers for head in heads if (numbers := head.numbers.get("constant") or {})), {})


def of_noses(heads: Sequence[HeadResult]) -> Numbers:
    """Return the constant for the noses of the post's crops, which are also those in labelled boxes."""
    return of([head for head in heads if head.of_the_post and head.numbers.get("points") == 1])


def of_head(head: HeadResult, numbers: Numbers) -> Estimate:
    """Return the mean of a head on its test crops; the interval is that of Student's t over seeds."""
    value, spread = numbers.get("native_mean"), numbers.get("native_mean_spread")
    mean = Estimate(value=value, faces=int(numbers.get("crops", 0)), subjects=0)
    if value is None or spread is None or head.seeds < 2:
        return mean
    half = float(stdtrit(head.seeds - 1, 0.975)) * spread / head.seeds**0.5
    return mean.model_copy(update={"low": value - half, "high": value + half})


def verdict(estimate: Estimate, seeds: int, constant: Numbers) -> str:
    """Return whether a mean over so many seeds is below that of the constant; nothing where one is not known.

    Both have intervals, the constant's over subjects: on other people it would be off by another distance. Of
    fewer than five seeds nothing is said.
    """
    limit = constant.get("native_mean")
    if estimate.value is None or limit is None:
        return ""
    if few := withheld_alone(seeds):
        return few
    least, most = bounds(constant) or (limit, limit)
    if estimate.low is None or estimate.high is None or (estimate.low <= most and estimate.high >= least):
        return VERDICTS[2]
    return VERDICTS[0] if estimate.high < least else VERDICTS[1]


def bounds(constant: Numbers) -> tuple[float, float] | None:
    """Return the 95 % interval over subjects of the constant's mean error in frame px, None of fewer than two."""
    by_subject = {
        subject: errors for subject, errors in (constant.get("native_by_subject") or {}).items() if errors
    }
    values = np.array([error for errors in by_subject.values() for error in errors])
    subjects = np.array([subject for subject, errors in by_subject.items() for _ in errors], np.str_)
    return (
        bootstrap.interval(values, subjects, REPLICATES, 0, within=(0.0, np.inf)) if len(by_subject) > 1 else None
    )


def contestants(study: FewshotData) -> dict[str, str]:
    """Return the verdict on each contestant in labelled boxes."""
    noses, labelled = (
        of_noses(study.ran),
        {name: record for name, record in study.scored.items() if record.boxes == BOXES},
    )
    verdicts = {
        name: verdict(record.metrics[PIXELS], record.seeds or 1, noses) for name, record in labelled.items()
    }
    return {name: text for name, text in verdicts.items() if text}


def others(study: FewshotData) -> float:
    """Return of how many noses the constant is, where that is not the number of the contestants; else 0."""
    noses = float(of_noses(study.ran).get("crops", 0))
    return noses if any(study.records[name].faces != noses for name in contestants(study)) else 0


def heads(group: Sequence[HeadResult]) -> dict[str, str]:
    """Return the verdict on each head of a group, on all of its crops."""
    verdicts = {head.key: verdict(of_head(head, head.tested(ALL)), head.seeds, of(group)) for head in group}
    return {key: text for key, text in verdicts.items() if text}


def grouped(verdicts: Mapping[str, str]) -> str:
    """Return verdicts in words, each with those of whom it is, the real ones first."""
    order = [*VERDICTS[::2], VERDICTS[1]]
    distinct = sorted(set(verdicts.values()), key=lambda text: (order.index(text) if text in order else 3, text))
    by_verdict = {text: [code(name) for name, verdict in verdicts.items() if verdict == text] for text in distinct}
    return "; ".join(f"*{text}*: {', '.join(names)}" for text, names in by_verdict.items())
