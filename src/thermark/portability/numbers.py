"""Scores of two trees side by side: did each number stay in the interval that was printed with it?"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from thermark.core import files

State = Literal["equal", "inside", "outside", "no interval", "no number", "gone", "new"]
Summary = Mapping[str, Any]


@dataclass(frozen=True)
class ComparedNumber:
    """The main metric of a contestant on a data set in the base tree, with its interval, and in the other tree.

    `over`: what the interval covers. What a tree does not have is None; `reason` is why the other has none.
    """

    contestant: str
    dataset: str
    metric: str
    base: float | None
    low: float | None
    high: float | None
    over: str
    other: float | None
    missed: tuple[int | None, int | None]
    reason: str = ""

    @property
    def state(self) -> State:
        """What became of the number; `equal` is equal in all six digits that files have."""
        if self.base is None:
            return "no number" if self.other is None else "new"
        if self.other is None:
            return "gone"
        if self.base == self.other:
            return "equal"
        if self.low is None or self.high is None:
            return "no interval"
        return "inside" if self.low <= self.other <= self.high else "outside"


def compare(base: Path, other: Path) -> list[ComparedNumber]:
    """Return a number for each `<contestant>/<data set>.json` below either of two folders of details, by name."""
    first, second = read(base), read(other)
    return [number(*key, first.get(key), second.get(key)) for key in sorted({*first, *second})]


def read(folder: Path) -> dict[tuple[str, str], Summary]:
    """Return (contestant, data set) -> summary of all details below a folder."""
    return {(path.parent.name, path.stem): files.read_json(path)["summary"] for path in folder.glob("*/*.json")}


def number(contestant: str, dataset: str, base: Summary | None, other: Summary | None) -> ComparedNumber:
    """Return a number from the summaries of both trees, None where a tree has none."""
    summary, others = _ran(base), _ran(other)
    metric = str((summary or others).get("metric", ""))
    low, high = (summary.get(f"{metric}_{end}") for end in ("low", "high"))
    return ComparedNumber(
        contestant=contestant,
        dataset=dataset,
        metric=metric,
        base=summary.get(metric),
        low=low,
        high=high,
        over=str(summary.get("interval", "subjects")) if low is not None else "",
        other=others.get(metric),
        missed=(summary.get("missed"), others.get("missed")),
        reason=_reason(other) if summary else "",
    )


def _ran(summary: Summary | None) -> Summary:
    return summary if summary and summary.get("status") == "ok" else {}


def _reason(summary: Summary | None) -> str:
    """Return why a tree has no number, nothing where it has one."""
    if summary is None:
        return "no such contestant"
    return "" if _ran(summary) else f"{summary.get('status', '')}: {summary.get('reason', '')}"
