"""Published numbers beside ours, each with a verdict."""

from collections.abc import Mapping, Sequence
from typing import Any

from thermark.mlcmkd.inputs import Study
from thermark.published import Cell, Published
from thermark.report import reference
from thermark.report.markdown import code, escaped, table
from thermark.report.reference import NO_PROFILE, WIDEST, Compared, Ours, Tolerance

Stability = Mapping[str, Mapping[str, float]]
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


def compare(published: Published, study: Study, stability: Stability, tolerance: float) -> list[Compared]:
    """Compare every published number with the run that corresponds, an error by `tolerance`.

    `not run` is what the profile has no run or no data set for.
    """
    origins = {each.name: each.origin for each in study.sets}

    def ours(cell: Cell) -> Ours | str:
        if cell.dataset not in origins:
            return f"{cell.dataset} is {NO_PROFILE}" if cell.dataset else "not measured"
        origin, result = origins[cell.dataset], study.results.get((cell.run, cell.dataset))
        if cell.metric in stability.get(cell.run, {}):
            seeds = result.seeds if result and result.ran else len(study.logs.get(cell.run, ()))
            return reference.measured(cell, stability[cell.run], seeds, origin)
        if result is None:
            return NO_PROFILE
        return reference.summarised(cell, result.summary, result.subsets, origin)

    return reference.compare(_asked(published.cells(), study, stability), ours, Tolerance(error=tolerance))


def section(published: Published, rows: Sequence[Compared], study: Study, tolerance: float) -> str:
    """Return the tables as Markdown; what was not run is named below each in one line."""
    parts = [
        "## Published and reproduced",
        LEGEND.format(
            source=escaped(published.source), tolerance=100 * tolerance, widest=WIDEST * 100 * tolerance
        ),
    ]
    if any(row.value is not None for row in rows):
        parts += map(escaped, published.remarks)
    for name, each in published.tables.items():
        own = [row for row in rows if row.cell.table == name]
        ran = [row for row in own if row.value is not None]
        parts.append(f"### Table {name}: {escaped(each.title)}")
        if ran:
            parts += [_table(ran), *map(escaped, [*each.remarks, *_remarks(ran)])]
        parts += _idle([row.cell for row in own if row.value is None], study)
    return "\n\n".join([*parts, escaped(published.absent)])


def plain(row: Compared) -> dict[str, Any]:
    """Return a comparison as plain data."""
    cell, ours = row.cell, row.ours or Ours(None)
    told = {name: getattr(cell, name) for name in ("table", "row", "run", "dataset", "metric", "stratum", "level")}
    told |= {name: getattr(ours, name) for name in ("seeds", "seed_std", "low", "high")}
    told |= {"published": cell.value, "reproduced": ours.value, "difference": row.difference}
    verdict = row.verdict if row.verdict == "not run" else row.said
    return told | {"tolerance": row.tolerance, "verdict": verdict, "reason": row.reason, "remark": cell.doubt}


def _idle(cells: Sequence[Cell], study: Study) -> list[str]:
    """Return which runs there are not, here or anywhere, and what the study does not measure, a line each."""
    said: dict[str, dict[str, None]] = {}
    for cell in cells:
        start, name = "Not measured in this study", escaped(cell.title)
        if not cell.run:
            start, name = f"In no profile, {escaped(cell.norun)}", escaped(cell.row)
        elif cell.dataset:
            name = code(cell.run) + f" on {code(cell.dataset)}" * (cell.run in study.runs)
            start = "Not run in this profile"
        said.setdefault(start, {})[name] = None
    return [f"{start}: {', '.join(names)}." for start, names in said.items()]


def _asked(cells: Sequence[Cell], study: Study, stability: Stability) -> list[Cell]:
    """Return all cells, and after each that of the same network with the flip test of MMPose, if there is one."""

    def again(cell: Cell) -> list[Cell]:
        flipped = cell.dataset and cell.metric not in stability.get(cell.run, {})
        other = study.unshifted.get(cell.run) if flipped else None
        return [cell, cell.model_copy(update={"run": other})] if other else [cell]

    return [each for cell in cells for each in again(cell)]


def _table(rows: Sequence[Compared]) -> str:
    header = ["row", "run", "on", "published", "ours", "seed std", "95 %", "difference", "verdict"]
    return table(header, [_row(row) for row in rows])


def _row(row: Compared) -> list[str]:
    cell, scale, digits = row.cell, *((1, 4) if row.cell.unit == "norm" else (100, 2))

    def shown(value: float | None, sign: str = "") -> str:
        return "–" if value is None else f"{scale * value:{sign}.{digits}f}".replace("-", "−")

    ours = row.ours or Ours(None)
    bounds = "–" if ours.low is None else f"{shown(ours.low)}–{shown(ours.high)}"
    numbers = [shown(cell.value), shown(ours.value), shown(ours.seed_std), bounds, shown(row.difference, "+")]
    return [escaped(cell.row), code(cell.run), escaped(_part(cell)), *numbers, row.said]


def _remarks(rows: Sequence[Compared]) -> list[str]:
    return [f"{row.cell.row}, {_part(row.cell)}: {row.cell.doubt}." for row in rows if row.cell.doubt]


def _part(cell: Cell) -> str:
    return " ".join(filter(None, [cell.dataset, cell.level]))
