"""Verdicts of two trees side by side: each one of a page must be on the page of the other tree, too."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from thermark.report.too_few_seeds import undecided

State = Literal["held", "turned", "vanished", "new", "silent"]
PageJson = Mapping[str, Any]
NOTHING = ("not run", "not comparable")  # such verdicts on published numbers judge no number of ours
CELL = ("table", "row", "run", "metric", "dataset", "stratum", "level")


@dataclass(frozen=True)
class Verdict:
    """The verdict on a page of the base tree and that on the other tree's; None where there is none.

    `together`: that over both trees (together.py), of a declared comparison.
    """

    page: str
    subject: str
    base: str | None
    other: str | None
    together: str | None = None

    @property
    def state(self) -> State:
        """Whether it `held`; `silent`: neither tree has one; `new`, `vanished`: only the other, only the base."""
        if not self.base or _says_nothing(self.base):
            return "silent" if not self.other or _says_nothing(self.other) else "new"
        if not self.other or _says_nothing(self.other):
            return "vanished"
        return "held" if self.base == self.other else "turned"


def compare(name: str, base: PageJson, other: PageJson, together: Mapping[str, str]) -> list[Verdict]:
    """Return every verdict of the page `name` in either tree, in the order of the base."""
    first, second = verdicts_of(base), verdicts_of(other)
    return [
        Verdict(name, subject, first.get(subject), second.get(subject), together.get(subject))
        for subject in {**first, **second}
    ]


def verdicts_of(page: PageJson) -> dict[str, str]:
    """Return subject -> verdict of a page: comparisons, published numbers, curves of labels."""
    verdicts = {
        f"{row['a']} − {row['b']} on {row['dataset']}, {family['name']}": str(row["verdict"])
        for family in page.get("families", [])
        for row in family["pairs"]
    }
    verdicts |= {f"{name} − the constant": str(verdict) for name, verdict in page.get("constant", {}).items()}
    verdicts |= {f"{key}: labels that are enough": _enough(row) for key, row in page.get("enough", {}).items()}
    verdicts |= {f"{name}: size and speed": str(verdict) for name, verdict in page.get("claim", {}).items()}
    return verdicts | {_cell(row): str(row["verdict"]) for row in page.get("published", [])}


def _enough(row: Mapping[str, Any]) -> str:
    count, short, every = row.get("labels"), row.get("short"), row.get("every")
    if count is not None:
        return f"{count} of {every} are enough"
    return "none is shown" if short is None else f"{short} of {every} are too few"


def _cell(row: Mapping[str, Any]) -> str:
    return "published " + ", ".join(str(row[name]) for name in CELL if row.get(name))


def _says_nothing(verdict: str) -> bool:
    return undecided(verdict) or verdict.startswith(NOTHING)
