"""What two compared contestants differ in beside the question: boxes, training, teachers."""

from collections.abc import Mapping, Sequence
from typing import Any

from thermark.report.contestants import Sections
from thermark.report.results.record import Record
from thermark.report.too_few_seeds import withheld

Run = Mapping[str, Any]
# What must be equal for a difference to be that of the method, or of the data to learn from.
BUDGET, METHOD, DATA = ("size", "input_size", "epochs", "batch"), ("recipe", "teacher"), ("train",)


def few_teachers(run: Run, runs: Sections) -> str:
    """Return which of the teachers above a run have fewer seeds than a verdict needs, in words."""
    texts, above = [], str(run.get("teacher"))
    while above in runs:
        if few := withheld(len(runs[above].get("seeds", [0]))):
            texts.append(f"{few.partition(':')[0]} of {above}")
        above = str(runs[above].get("teacher"))
    return " and ".join(texts)


def differing(a: Run, b: Run) -> list[str]:
    """Return in what two trainings differ beside their method, or beside their data; nothing for one or none."""
    if not a or not b:
        return []
    both = all(any(a.get(name) != b.get(name) for name in kind) for kind in (METHOD, DATA))
    named = [*(DATA + METHOD) * both, *BUDGET]
    return [f"{name} {a.get(name)} and {b.get(name)}" for name in named if a.get(name) != b.get(name)]


def caveat(records: Sequence[Record], runs: Sequence[Run], few_seed_teachers: Sequence[str]) -> str:
    """Return what limits the meaning of a difference of two contestants, in words; empty for nothing.

    `runs` are the sections of their runs, `few_seed_teachers` what `few_teachers` returns for these.
    """
    boxes = [record.boxes for record in records if record.boxes]
    texts = [f"boxes {' and '.join(boxes)}"] if len(set(boxes)) > 1 else []
    texts += differing(*runs)
    by_record = zip(records, few_seed_teachers, strict=True)
    texts += [f"{record.contestant} taught by {few}" for record, few in by_record if few]
    return "; ".join(texts)
