"""What the page reads: records, comparisons, and a few files of curves that may be absent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from thermark.core import files
from thermark.report import long_table
from thermark.report.page.figures.learning import Lines
from thermark.report.page.view import Speeds
from thermark.report.paths import NOT_GIVEN, ReportPaths
from thermark.report.results.comparisons import Comparisons, open_comparisons
from thermark.report.results.face_errors import Errors, open_errors
from thermark.report.results.record import ResultSet, open_all

T = TypeVar("T")


@dataclass(frozen=True)
class PageData:
    """All that is shown.

    `sets` and `errors` by data set; `speeds`: contestant or network -> its times (see `times`), on `machine`;
    `budget` and `training`: lines of those curves; `published`: a cell each (source, table, row, column, unit,
    published, ours, verdict, reason, doubt); `sources`: `budget` or `training` -> the data sets behind it;
    `folder`, where records lie as seen from the page; `faces`: prepared faces, for pictures.
    """

    sets: Mapping[str, ResultSet]
    errors: Mapping[str, Mapping[str, Errors]]
    comparisons: Comparisons = field(default_factory=Comparisons)
    speeds: Speeds = field(default_factory=dict)
    machine: Mapping[str, Any] = field(default_factory=dict)
    budget: Lines = ()
    training: Lines = ()
    published: tuple[Mapping[str, Any], ...] = ()
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    folder: str = ""
    faces: Path = NOT_GIVEN


def read(paths: ReportPaths, budget: tuple[str, ...] = (), folder: str = "") -> PageData:
    """Return what is there; `budget` names the data sets behind that curve.

    Raises DataError where there are no records, or where a file holds something else.
    """
    sets = open_all(paths.results)
    learned = (
        name
        for results in sets.values()
        for record in results.records
        if record.run
        for name in record.trained_sets
    )
    errors = {name: open_errors(paths.results / f"{name}.parquet") for name in sets}
    speed: Mapping[str, Any] = _if_there(paths.speed, files.read_json, {})
    return PageData(
        sets=sets,
        errors=errors,
        comparisons=_if_there(paths.comparisons, open_comparisons, Comparisons()),
        speeds=times(speed),
        machine=speed.get("machine", {}),
        budget=_if_there(paths.budget, _lines, ()),
        training=_if_there(paths.training_curves, _lines, ()),
        published=tuple(_if_there(paths.published, files.read_json, ())),
        sources={"budget": budget, "training": tuple(dict.fromkeys(learned))},
        folder=folder,
        faces=paths.faces,
    )


def _if_there(path: Path, read: Callable[[Path], T], absent: T) -> T:
    return read(path) if path.is_file() else absent


def _lines(path: Path) -> Lines:
    table = long_table.read(path).astype(object)
    rows: Lines = table.where(table.notna(), None).to_dict(orient="records")
    return rows


def times(speed: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return name -> `ms`, `ms_low`, `ms_high`, `parameters` and a `note`, of contestants and of bare networks.

    A contestant's time is that of a picture from source pixels to points, a network's that of one crop.
    """
    by_name: dict[str, Mapping[str, Any]] = {}
    for name, timing in speed.get("rows", {}).items():
        times = {key.removeprefix("fp32_"): value for key, value in timing.items() if key.startswith("fp32_ms")}
        note = "; ".join(filter(None, ["one crop through the network alone", timing.get("note", "")]))
        by_name[f"{name} (network)"] = times | {"parameters": timing.get("parameters"), "note": note}
    measured = speed.get("contestants") or {}
    for name, timing in measured.get("rows", {}).items():
        if timing["status"] == "ok":
            what = f"a picture of {timing['dataset']}, boxes: {timing['boxes']}"
            count = f"found somebody in {timing['found']} of {timing['pictures']} pictures"
            numbers = {key: timing.get(key) for key in ("ms", "ms_low", "ms_high", "parameters")}
            by_name[name] = numbers | {"note": f"{what}; {count}"}
    return by_name
