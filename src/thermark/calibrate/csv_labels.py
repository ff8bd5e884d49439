"""Labels in a CSV with a header: `image,nose_x,nose_y[,box_x,box_y,box_w,box_h][,group]`.

Coordinates and boxes are frame px counted from the centre of the first pixel. Where the columns of a box are
absent the whole picture is the box; where they are there each row must fill them.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from thermark.calibrate.labels import REMEDY, Floats, LabelRow, LabelRows, corners, image_name
from thermark.core.cells import plain
from thermark.core.errors import DataError
from thermark.datasets.readers import csv_tables
from thermark.datasets.readers.csv_tables import CsvTable

BOX = ("box_x", "box_y", "box_w", "box_h")


def read(path: Path, points: Sequence[str]) -> LabelRows:
    """Read the labels of `points` (none of them: boxes alone); raises DataError when the header does not serve."""
    table = _table(path, points)
    coordinates = [f"{point}_{axis}" for point in points for axis in "xy"]
    boxed = any(plain(name) in table.columns for name in BOX) or not points
    columns = [*coordinates, *(BOX if boxed else ())]
    _require_columns(table, ["image", *columns], points)
    numbers = {name: table.number(plain(name)) for name in columns}
    rows, problems = [], []
    for index, line in enumerate(table.lines):
        where = f"{path.name}:{line}"
        cells = {name: table.columns[plain(name)][index] for name in columns}
        try:
            values = {name: _value(cells[name], numbers[name][index], name, where) for name in columns}
            xy = np.array([values[name] for name in coordinates], np.float64).reshape(-1, 2)
            _require_points(xy, points, where)
            box = _box(values, where) if boxed else np.full(4, np.nan)
            image = image_name(table.columns["image"][index], where)
            rows.append(LabelRow(where, image, table.columns.get("group", [""] * len(table))[index], xy, box))
        except DataError as error:
            problems.append(error.cause)
    return LabelRows(path.name, tuple(rows), tuple(problems))


def header(points: Sequence[str]) -> str:
    """Return the header that a file must at least have."""
    return ",".join(["image", *(f"{point}_{axis}" for point in points for axis in "xy"), *([] if points else BOX)])


def _table(path: Path, points: Sequence[str]) -> CsvTable:
    remedy = (
        f"save it as CSV with the header {header(points)}, one separator and one sign for decimals "
        "(a decimal comma needs `;` between cells)"
    )
    try:
        table = csv_tables.read(path)
    except DataError as error:
        raise DataError(error.cause, remedy) from error
    if not len(table):
        raise DataError(f"{path.name} has no row below its header", remedy)
    return table


def _require_columns(table: CsvTable, names: Sequence[str], points: Sequence[str]) -> None:
    absent = [name for name in names if plain(name) not in table.columns]
    if absent:
        present = ", ".join(table.columns)[:100] or "nothing that can be read"
        raise DataError(
            f"{table.name}:1: there is no column {absent[0]} (the header has {present})",
            f"name the columns {header(points)}" + (", or leave out all four of the box" if points else ""),
        )


def _value(cell: str, number: float, name: str, where: str) -> float:
    """Return a cell's number, NaN for an empty cell."""
    if not cell:
        return float("nan")
    if np.isnan(number):  # neither is what is infinite
        raise DataError(f"{where}: {name} is {cell[:20]!r}, which is no number", REMEDY)
    return float(number)


def _require_points(xy: Floats, points: Sequence[str], where: str) -> None:
    """Refuse a point of which one coordinate is empty, and a row without any point."""
    empty = np.isnan(xy)
    for point, (x, y) in zip(points, empty.tolist(), strict=True):
        if x != y:
            raise DataError(f"{where}: {point}_{'x' if x else 'y'} is empty", REMEDY)
    if len(points) and empty.all():
        raise DataError(
            f"{where}: {points[0]}_x is empty" + (" like all others" if len(points) > 1 else ""), REMEDY
        )


def _box(values: dict[str, float], where: str) -> Floats:
    for name in BOX:
        if np.isnan(values[name]):
            raise DataError(f"{where}: {name} is empty", REMEDY)
    return corners([values[name] for name in BOX], 0.0, where)
