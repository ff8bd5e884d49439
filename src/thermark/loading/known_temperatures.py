"""The one independent check of ThermEval-D's temperatures: published readings at given pixels."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.core.errors import DataError
from thermark.loading import tables

TOLERANCE = 0.06  # readings are rounded to 0.1 deg C
COLUMNS = ("tifffile", "x", "y", "groundtruth")


def compare(root: Path, pictures: dict[str, Path], read: Callable[[Path], NDArray[np.float32]]) -> dict[str, Any]:
    """Return how many published readings agree, when a `coords.csv` (tiff_file, x, y, ground_truth) is there.

    Agreement settles axis order, unit and file identity at once. Readings of absent frames do not count.
    """
    found = sorted(root.rglob("coords.csv"))
    if not found:
        return {}
    table = tables.read(found[0])
    if not set(COLUMNS) <= table.columns.keys():
        raise DataError(f"{found[0].name} lacks one of {', '.join(COLUMNS)}", "use the file of ThermEval's T6")
    stems = np.array([Path(name).stem for name in table.columns["tifffile"]])
    readings = np.stack([table.number(name) for name in COLUMNS[1:]], axis=1)
    usable = np.isfinite(readings).all(axis=1)
    errors = [
        error
        for stem in sorted(set(map(str, stems)) & pictures.keys())
        for error in _errors(pictures[stem], readings[usable & (stems == stem)], read)
    ]
    agreeing = sum(error <= TOLERANCE for error in errors)
    return {"known_temperatures": len(errors), "known_temperatures_agreeing": agreeing}


def _errors(path: Path, readings: NDArray[np.float64], read: Callable[[Path], NDArray[np.float32]]) -> list[float]:
    """Return |deg C| off for readings (n, 3) of x, y, deg C; infinite outside of the frame."""
    try:
        celsius = read(path)
    except DataError:
        return []  # an unreadable frame is reported where frames are read
    height, width = celsius.shape
    return [
        abs(float(celsius[int(y), int(x)]) - truth) if 0 <= x < width and 0 <= y < height else np.inf
        for x, y, truth in readings
    ]
