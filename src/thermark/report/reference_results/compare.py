"""Our numbers beside published ones: one verdict for each cell."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from thermark.core.origin import Origin
from thermark.report.reference_results import PublishedCell
from thermark.report.too_few_seeds import undecided, withheld

# What may differ: so many noses of a rate, so many px of an error, so much of an error as a fraction.
TOLERATED_NOSES, TOLERATED_PX, TOLERATED_ERROR = 1, 0.5, 0.001
# So many tolerances the spread of seeds may allow: without a limit, the noisier a run the more it would reproduce.
WIDEST = 3
KEY = ("table", "row", "run", "metric", "level")  # they identify a cell on a page
ROUNDING = 1e-9  # 0.0306 - 0.0296 is a little more than 0.001
NO_PROFILE, UNMEASURED, UNFOUND = "not in this profile", "not measured", "nothing was found"


@dataclass(frozen=True)
class Ours:
    """What a contestant got in the unit of a cell: the mean over `seeds`, its spread and its 95 % interval.

    `value`: None where it ran and found nothing to measure. `seeds`: 0 if it is not trained here. `origin`: of the
    data. `noses`: how many it was asked about, None where that is not counted. `differing`: why it is another
    experiment.
    """

    value: float | None
    seeds: int = 0
    seed_std: float | None = None
    low: float | None = None
    high: float | None = None
    origin: Origin = "real"
    noses: float | None = None
    differing: str = ""


Lookup = Callable[[PublishedCell], Ours | str]  # a string is the reason why nothing was run


@dataclass(frozen=True)
class CellComparison:
    """A published number and ours, None where nothing ran; what is tolerated, what follows, and why."""

    cell: PublishedCell
    ours: Ours | None
    tolerance: float
    verdict: str
    reason: str = ""

    @property
    def value(self) -> float | None:
        """Our number, None where there is none."""
        return None if self.ours is None else self.ours.value

    @property
    def difference(self) -> float | None:
        """Ours minus the published number."""
        return None if self.value is None else self.value - self.cell.value

    @property
    def text(self) -> str:
        """The verdict with its reason, as printed."""
        return ": ".join(filter(None, [self.verdict, self.reason]))


def compare_cells(cells: Sequence[PublishedCell], ours: Lookup) -> list[CellComparison]:
    """Compare every published number with what `ours` finds for it.

    `reproduced` when they differ by no more than is allowed, an error as a fraction also by twice the standard
    deviation over seeds, but by `WIDEST` tolerances at most; `undecided` when within twice that deviation all the
    same; else `outside`. Of one or two seeds there is no verdict. `not comparable`: data that are not real, a
    reason that the cell or the contestant states, or another number of noses.
    """
    return [_compared(cell, ours(cell) if cell.run else cell.norun) for cell in cells]


def recalled(
    cells: Sequence[PublishedCell], page: Sequence[Mapping[str, Any]], rest: Lookup
) -> list[CellComparison]:
    """Return the comparisons that pages keep as plain data, and those with `rest` of what no page has run."""
    by_key = {tuple(comparison.get(name, "") for name in KEY): comparison for comparison in page}
    compared = []
    for comparison in compare_cells(cells, rest):
        row = by_key.get(tuple(getattr(comparison.cell, name) for name in KEY))
        newer = row is None or (row["verdict"].startswith("not run") and comparison.verdict != "not run")
        compared.append(comparison if row is None or newer else _recalled(comparison.cell, row))
    return compared


def _recalled(cell: PublishedCell, row: Mapping[str, Any]) -> CellComparison:
    value, text = row.get("ours", row.get("reproduced")), row["verdict"]
    ours = None if value is None else Ours(value, row.get("seeds", 0))
    verdict, _, reason = (text, "", "") if undecided(text) else text.partition(": ")
    return CellComparison(cell, ours, row.get("tolerance", 0.0), verdict, row.get("reason", reason))


def _compared(cell: PublishedCell, ours: Ours | str) -> CellComparison:
    spread = 2 * (ours.seed_std or 0.0) if isinstance(ours, Ours) else 0.0
    limit = _limit(cell, spread)
    if isinstance(ours, str):
        return CellComparison(cell, None, limit, "not run", ours)
    if barred := _barred(cell, ours):
        return CellComparison(cell, ours, limit, "not comparable", barred)
    if ours.value is None:
        return CellComparison(cell, ours, limit, "not run", UNFOUND)
    if few := withheld(ours.seeds):
        return CellComparison(cell, ours, limit, few)
    gap = abs(ours.value - cell.value)
    if gap <= limit + ROUNDING:
        return CellComparison(cell, ours, limit, "reproduced")
    if cell.unit == "fraction" and gap <= spread + ROUNDING:
        return CellComparison(cell, ours, limit, "undecided", "seeds spread")
    return CellComparison(cell, ours, limit, "outside")


def _barred(cell: PublishedCell, ours: Ours) -> str:
    """Return why a cell of a contestant that ran cannot be compared, nothing where it can."""
    reasons = [
        cell.unmeasured,
        f"{ours.origin} data" if ours.origin != "real" and cell.dataset else "",
        ours.differing,
        cell.incomparable,
        f"{ours.noses:.0f} noses here" if ours.noses is not None and ours.noses != cell.noses else "",
    ]
    return next(filter(None, reasons), "")


def _limit(cell: PublishedCell, spread: float) -> float:
    """Return by how much a number may differ, half a printed digit included; an error also by the `spread`."""
    error = max(TOLERATED_ERROR, min(spread, WIDEST * TOLERATED_ERROR))
    limits = {"fraction": error, "norm": error, "px": 0.005 + TOLERATED_PX, "crop px": 0.005 + TOLERATED_PX}
    limits |= {
        "rate": 0.0005 + TOLERATED_NOSES / max(cell.noses, 1),
        "count": TOLERATED_NOSES,
        "M": 0.005,
        "G": 0.005,
    }
    return limits.get(
        cell.unit, 0.0
    )  # parameters are exact; of times and the like every cell has the reason for none
