"""Published numbers beside ours, each with a verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from thermark.mlcmkd.inputs import Study
from thermark.published import Cell, Published
from thermark.report.markdown import code, escaped, table
from thermark.report.verdicts import withheld

Stability = Mapping[str, Mapping[str, float]]
UNDECIDED = "undecided: seeds spread"
# So many tolerances the spread of seeds may allow: without a limit, the noisier a run the more it would reproduce.
WIDEST = 3
LEGEND = (
    "{source}. Errors in %. *Ours* is the mean over seeds, with their standard deviation and the 95 % interval "
    "over subjects and seeds, of one seed over subjects only. *Reproduced*: it differs by at most {tolerance:.2f} "
    "percentage points, or by twice the standard deviation over seeds where that is more, yet never by more than "
    "{widest:.2f}. *Undecided*: by more, but within twice that deviation, so that the seeds spread too far to "
    "tell. *Outside*: by more than all these. Of fewer than three seeds there is no verdict. "
    "Ours average in the mirror image, its distribution shifted by the one bin that mirroring moves it; MMPose, "
    "with which the paper was made, does not shift it. Contestants with `flip: published` do as MMPose, and have "
    "a row of their own where the profile names them."
)


@dataclass(frozen=True)
class Compared:
    """A published number and ours: the mean over so many seeds, its spread, what is tolerated, and what follows.

    `reproduced` and what belongs to it are None where the run or the data set is not in the profile.
    """

    table: str
    cell: Cell
    reproduced: float | None
    seeds: int
    seed_std: float | None
    low: float | None
    high: float | None
    tolerance: float
    verdict: str

    @property
    def difference(self) -> float | None:
        """Ours minus the published number."""
        return None if self.reproduced is None else self.reproduced - self.cell.value


def compare(published: Published, study: Study, stability: Stability, tolerance: float) -> list[Compared]:
    """Compare every published number with the run that corresponds.

    `reproduced` when ours is within `tolerance`, or within twice the standard deviation over seeds where that is
    more, but three times `tolerance` at most; `undecided` when within twice that deviation all the same; else
    `outside`; fewer than three seeds have no verdict. Rendered data, and tables that leave out what a comparison
    needs, are `not comparable`. `not run` is what the profile has no run or no data set for.
    """
    origins = {each.name: each.origin for each in study.sets}
    rows = []
    for name, each in published.tables.items():
        for cell in _asked(each.cells, study, stability):
            origin = origins.get(cell.dataset)
            numbers = _numbers(cell, study, stability) if origin else {}
            ours, seed_std = numbers.get(cell.metric), numbers.get(f"{cell.metric}_seed_std")
            spread = 2 * (seed_std or 0.0)
            allowed = max(tolerance, min(spread, WIDEST * tolerance))
            barred = each.incomparable if origin == "real" else f"{origin} data"
            seeds = _seeds(cell, study) if ours is not None else 0
            verdict = _verdict(None if ours is None else abs(ours - cell.value), allowed, spread, barred, seeds)
            low, high = (numbers.get(f"{cell.metric}_{end}") for end in ("low", "high"))
            rows.append(Compared(name, cell, ours, seeds, seed_std, low, high, allowed, verdict))
    return rows


def section(published: Published, rows: Sequence[Compared], study: Study, tolerance: float) -> str:
    """Return the tables as Markdown; what was not run is named below each in one line."""
    parts = [
        "## Published and reproduced",
        LEGEND.format(
            source=escaped(published.source), tolerance=100 * tolerance, widest=WIDEST * 100 * tolerance
        ),
    ]
    if any(row.reproduced is not None for row in rows):
        parts += map(escaped, published.remarks)
    for name, each in published.tables.items():
        ran = [row for row in rows if row.table == name and row.reproduced is not None]
        idle = dict.fromkeys(
            code(row.cell.run) + f" on {code(row.cell.dataset)}" * (row.cell.run in study.runs)
            for row in rows
            if row.table == name and row.reproduced is None
        )
        parts.append(f"### Table {name}: {escaped(each.title)}")
        if ran:
            parts += [_table(ran), *map(escaped, [*each.remarks, *_remarks(ran)])]
        if idle:
            parts.append(f"Not run in this profile: {', '.join(idle)}.")
    return "\n\n".join([*parts, escaped(published.absent)])


def _asked(cells: Sequence[Cell], study: Study, stability: Stability) -> list[Cell]:
    """Return all cells, and after each that of the same network with the flip test of MMPose, if there is one."""
    found = []
    for cell in cells:
        found.append(cell)
        if cell.run in study.unshifted and cell.metric not in stability.get(cell.run, {}):
            found.append(cell.model_copy(update={"run": study.unshifted[cell.run]}))
    return found


def _numbers(cell: Cell, study: Study, stability: Stability) -> Mapping[str, float]:
    if cell.metric in stability.get(cell.run, {}):
        return stability[cell.run]
    result = study.results.get((cell.run, cell.dataset))
    if result is None or not result.ran:
        return {}
    return result.subsets.get(cell.stratum, {}).get(cell.level, {}) if cell.stratum else result.summary


def _seeds(cell: Cell, study: Study) -> int:
    """Return over how many seeds a number of ours is the mean: of trainings, or of results on a data set."""
    result = study.results.get((cell.run, cell.dataset))
    return result.seeds if result and result.ran else len(study.logs.get(cell.run, ()))


def _verdict(gap: float | None, allowed: float, spread: float, barred: str, seeds: int) -> str:
    if gap is None:
        return "not run"
    if barred:
        return f"not comparable: {barred}"
    if few := withheld(seeds):
        return few
    # Against rounding: 0.0306 - 0.0296 is a little more than 0.001.
    if gap <= allowed + 1e-9:
        return "reproduced"
    return UNDECIDED if gap <= spread + 1e-9 else "outside"


def _table(rows: Sequence[Compared]) -> str:
    header = ["row", "run", "on", "published", "ours", "seed std", "95 %", "difference", "verdict"]
    return table(header, [_row(row) for row in rows])


def _row(row: Compared) -> list[str]:
    cell, scale, digits = row.cell, *((1, 4) if row.cell.metric == "std" else (100, 2))

    def shown(value: float | None, sign: str = "") -> str:
        return "–" if value is None else f"{scale * value:{sign}.{digits}f}".replace("-", "−")

    bounds = "–" if row.low is None else f"{shown(row.low)}–{shown(row.high)}"
    numbers = [shown(cell.value), shown(row.reproduced), shown(row.seed_std), bounds, shown(row.difference, "+")]
    return [escaped(cell.row), code(cell.run), escaped(_part(cell)), *numbers, row.verdict]


def _remarks(rows: Sequence[Compared]) -> list[str]:
    return [f"{row.cell.row}, {_part(row.cell)}: {row.cell.remark}." for row in rows if row.cell.remark]


def _part(cell: Cell) -> str:
    return " ".join(filter(None, [cell.dataset, cell.level]))
