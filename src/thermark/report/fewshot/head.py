"""A head and what it is: its numbers by test and by budget, and its crops."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from thermark.report.grouping import grouped
from thermark.report.markdown import code

Numbers = Mapping[str, Any]
ALL, PUBLISHED = "all", "published"
FACTS = ("crops", "faces", "side", "geometry", "vocabulary")
GEOMETRIES = {"posts": "cut as the post cuts them", "square": "square about the prompt"}


@dataclass(frozen=True)
class HeadResult:
    """A head: what its run measured, and (labels, seed, mean error in frame px) of every training."""

    key: str
    numbers: Numbers
    trainings: tuple[tuple[int, int, float], ...] = ()

    @property
    def ran(self) -> bool:
        """Whether there are numbers."""
        return bool(self.numbers["status"] == "ok")

    @property
    def run(self) -> str:
        """The name of its model, and of the contestant that uses it."""
        return f"head_{self.key}"

    @property
    def reason(self) -> str:
        """Why there are none."""
        return str(self.numbers.get("reason") or self.numbers["status"])

    @property
    def budget(self) -> list[Numbers]:
        """The numbers of each budget of labels, fewest first and those of all labels last."""
        budgets = self.numbers.get("budget") or {}
        return [budgets[key] for key in sorted(budgets, key=lambda key: (key == ALL, budgets[key]["labels"]))]

    @property
    def seeds(self) -> int:
        """Over how many seeds the numbers are means."""
        return int(self.numbers.get("seeds") or 1)

    @property
    def of_the_post(self) -> bool:
        """Whether its crops and its split are those of part 2."""
        return bool(self.numbers.get("geometry") == "posts")

    @property
    def crops(self) -> str:
        """The name of its crop set as Markdown."""
        return code(str(self.numbers.get("crops", "–")))

    @property
    def heading(self) -> str:
        """Its crop set, as a heading names it: name, size and face set, geometry, vocabulary, as far as known."""
        side, faces, geometry, vocabulary = (self.numbers.get(name) for name in ("side", *FACTS[1:2], *FACTS[3:]))
        texts = [f"{side} x {side} px" if side else "", f"of {code(faces)}" if faces else ""]
        parts = [" ".join(filter(None, texts)), GEOMETRIES.get(str(geometry), "")]
        joined = ", ".join(filter(None, [*parts, f"labels {code(vocabulary)}" if vocabulary else ""]))
        return f"{self.crops}: {joined}" if joined else self.crops

    def tested(self, scope: str) -> Numbers:
        """Return the numbers on the `published` test crops or on `all`, empty where there are none."""
        numbers = (self.numbers.get("test") or {}).get(scope) or {}
        return numbers if numbers.get("crops") else {}

    def complete(self, budget: Numbers) -> bool:
        """Return whether this is the budget of all labels."""
        return budget is self.numbers["budget"].get(ALL)


def labels(budget: Numbers) -> int:
    """Return how many labels a budget has, which are stored as every mean over seeds is."""
    return int(budget["labels"])


def groups(heads: Sequence[HeadResult]) -> list[list[HeadResult]]:
    """Return the heads of each crop set, in the order in which they come: errors of two sets share no table."""
    return [*grouped((tuple(str(head.numbers.get(name)) for name in FACTS), head) for head in heads).values()]
