"""What the page reads: records, comparisons, and a few files of curves that may be absent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from thermark.core import files
from thermark.report import long_table
from thermark.report.page.figures.learning import Lines
from thermark.report.page.view import Speeds
from thermark.report.paths import NOT_GIVEN, ReportPaths
from thermark.report.results.comparisons import Comparisons, open_comparisons
from thermark.report.results.face_errors import Errors, open_errors
from thermark.report.results.record import ResultSet, open_all


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
    speed = _content(paths.speed, {})
    return PageData(
        sets=sets,
        errors=errors,
        comparisons=_compared(paths.comparisons),
        speeds=times(speed),
        machine=speed.get("machine", {}),
        budget=_lines(paths.budget),
        training=_lines(paths.training_curves),
        published=tuple(_content(paths.published, ())),
        sources={"budget": budget, "training": tuple(dict.fromkeys(learned))},
        folder=folder,
        faces=paths.faces,
    )


def _content(path: Path, absent: Any) -> Any:
    return files.read_json(path) if path.is_file() else absent


def _compared(path: Path) -> Comparisons:
    return open_comparisons(path) if path.is_file() else Comparisons()


def _lines(path: Path) -> Lines:
    if not path.is_file():
        return ()
    table = long_table.read(path)
    return [
        {str(key): None if pd.isna(value) else value for key, value in row.items()}
        for row in table.to_dict(orient="records")
    ]


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
