"""Published numbers beside ours, each with a verdict."""

from collections.abc import Mapping, Sequence
from typing import Any

from thermark.report.columns import Format
from thermark.report.distillation.distillation_data import DistillationData
from thermark.report.markdown import code, escaped, table
from thermark.report.reference_results import Published, PublishedCell
from thermark.report.reference_results.compare import NO_PROFILE, UNMEASURED, CellComparison, Ours, compare_cells
from thermark.report.results import reproduced

Stability = Mapping[str, Mapping[str, float]]
HEADER = ("row", "run", "on", "published", "ours", "seed std", "95 %", "difference", "verdict")


def compare(published: Published, study: DistillationData, stability: Stability) -> list[CellComparison]:
    """Compare every published number with the run that corresponds.

    `not run` is what the profile has no run or no data set for.
    """

    recorded = reproduced.recorded(study.sets)

    def ours(cell: PublishedCell) -> Ours | str:
        results = study.sets.get(cell.dataset)
        if results is None:
            return f"{cell.dataset} is {NO_PROFILE}" if cell.dataset else UNMEASURED
        if cell.metric in stability.get(cell.run, {}):
            record = results.of(cell.run)
            seeds = record.seeds if record and record.ran else len(study.logs.get(cell.run, ()))
            numbers = stability[cell.run]
            std, low, high = (numbers.get(f"{cell.metric}_{end}") for end in ("seed_std", "low", "high"))
            return Ours(numbers[cell.metric], seeds, std, low, high, results.data_set.origin)
        in_study = cell.run in {*study.runs, *study.unshifted.values()}
        return recorded(cell) if in_study else NO_PROFILE

    return compare_cells(_asked(published.cells(), study, stability), ours)


def listed(rows: Sequence[CellComparison]) -> str:
    """Return the numbers of a published table that ran, as a table; empty without any."""
    cells = [_row(row) for row in rows if row.value is not None]
    return table(HEADER, cells) if cells else ""


def remarks(rows: Sequence[CellComparison]) -> list[str]:
    """Return the doubts about published numbers that were compared."""
    ran = [row.cell for row in rows if row.value is not None and row.cell.doubt]
    return [f"{cell.row}, {_part(cell)}: {cell.doubt}." for cell in ran]


def idle(rows: Sequence[CellComparison], study: DistillationData) -> list[str]:
    """Return which runs there are not, here or anywhere, and what the study does not measure, a line each."""
    lines: dict[str, dict[str, None]] = {}
    for cell in (row.cell for row in rows if row.value is None):
        start, name = "Not measured in this study", escaped(cell.title)
        if not cell.run:
            start, name = f"In no profile ({escaped(cell.norun)})", escaped(cell.row)
        elif cell.dataset:
            name = code(cell.run) + f" on {code(cell.dataset)}" * (cell.run in study.runs)
            start = "Not run in this profile"
        lines.setdefault(start, {})[name] = None
    return [f"{start}: {', '.join(names)}." for start, names in lines.items()]


def plain(row: CellComparison) -> dict[str, Any]:
    """Return a comparison as plain data."""
    cell, ours = row.cell, row.ours or Ours(None)
    fields = cell.model_dump(include={"table", "row", "run", "dataset", "metric", "stratum", "level"})
    fields |= {name: getattr(ours, name) for name in ("seeds", "seed_std", "low", "high")}
    fields |= {"published": cell.value, "reproduced": ours.value, "difference": row.difference}
    verdict = row.verdict if row.verdict == "not run" else row.text
    return fields | {"tolerance": row.tolerance, "verdict": verdict, "reason": row.reason, "remark": cell.doubt}


def _asked(cells: Sequence[PublishedCell], study: DistillationData, stability: Stability) -> list[PublishedCell]:
    """Return all cells, and after each that of the same network with the flip test of MMPose, if there is one."""

    def with_flipped(cell: PublishedCell) -> list[PublishedCell]:
        flipped = cell.dataset and cell.metric not in stability.get(cell.run, {})
        other = study.unshifted.get(cell.run) if flipped else None
        return [cell, cell.model_copy(update={"run": other})] if other else [cell]

    return [copy for cell in cells for copy in with_flipped(cell)]


def _row(row: CellComparison) -> list[str]:
    cell, ours = row.cell, row.ours or Ours(None)
    head = Format("", digits=4) if cell.unit == "norm" else Format("", 100)
    bounds = "–" if ours.low is None else f"{head.text(ours.low)}–{head.text(ours.high)}"
    numbers = [*map(head.text, (cell.value, ours.value, ours.seed_std)), bounds]
    difference = head._replace(signed=True).text(row.difference)
    return [escaped(cell.row), code(cell.run), escaped(_part(cell)), *numbers, difference, row.text]


def _part(cell: PublishedCell) -> str:
    return " ".join(filter(None, [cell.dataset, cell.level]))
