"""What two contestants differ in beside the question: their boxes, their training, their teachers."""

from collections.abc import Mapping, Sequence
from typing import Any

from thermark.report.contestants import Sections
from thermark.report.results.record import Record
from thermark.report.verdicts import withheld

Run = Mapping[str, Any]
# What must be equal for a difference to be that of the method, or of the data to learn from.
BUDGET, METHOD, DATA = ("size", "input_size", "epochs", "batch"), ("recipe", "teacher"), ("train",)


def few_teachers(run: Run, runs: Sections) -> str:
    """Return which of the teachers above a run have fewer seeds than a verdict needs: another may turn it."""
    said, above = [], str(run.get("teacher"))
    while above in runs:
        if few := withheld(len(runs[above].get("seeds", [0]))):
            said.append(f"{few.partition(':')[0]} of {above}")
        above = str(runs[above].get("teacher"))
    return " and ".join(said)


def differing(a: Run, b: Run) -> list[str]:
    """Return in what two trainings differ beside their method, or beside their data; nothing for one or none."""
    if not a or not b:
        return []
    both = all(any(a.get(name) != b.get(name) for name in kind) for kind in (METHOD, DATA))
    named = [*(DATA + METHOD) * both, *BUDGET]
    return [f"{name} {a.get(name)} and {b.get(name)}" for name in named if a.get(name) != b.get(name)]


def caveat(records: Sequence[Record], runs: Sequence[Run], taught: Sequence[str]) -> str:
    """Return all that limits what a difference of two contestants is about, in words; empty for nothing.

    `runs` are the sections of what they ask, `taught` what `few_teachers` says of these, each of a and of b.
    """
    boxes = [record.boxes for record in records if record.boxes]
    said = [f"boxes {' and '.join(boxes)}"] if len(set(boxes)) > 1 else []
    said += differing(*runs)
    said += [f"{record.contestant} taught by {few}" for record, few in zip(records, taught, strict=True) if few]
    return "; ".join(said)
