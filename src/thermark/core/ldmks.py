"""FaceSynthetics' landmark files: `{id}_ldmks.txt`, 70 lines of "x y"."""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thermark.core import cells
from thermark.core.errors import DataError

POINTS = 70
SUFFIX = "_ldmks.txt"
USUAL = re.compile(r"(-?\d{1,9}\.?\d{0,20} -?\d{1,9}\.?\d{0,20}\n)+", re.ASCII)


def read(path: Path, count: int = POINTS) -> NDArray[np.float32]:
    """Return points (count, 2) float32 px; `nan` is an unlabelled point.

    Raises DataError, naming file and line, for anything but `count` lines of two numbers.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} is no text file", "fetch the file again") from error
    lines = text.rstrip().splitlines()
    if len(lines) != count:
        raise DataError(f"{path.name} has {len(lines)} lines instead of {count}", "fetch the file again")
    if USUAL.fullmatch(text):  # read at once: 100,000 files are common
        return np.array(text.split(), np.float64).astype(np.float32).reshape(-1, 2)
    return np.stack([point(line, f"{path.name}, line {row}") for row, line in enumerate(lines, start=1)])


def point(line: str, where: str) -> NDArray[np.float32]:
    """Return a line's x and y (2,), both NaN when either is not finite; raises DataError for other than two."""
    try:
        x, y = map(cells.parse, line.split())
    except ValueError as error:
        raise DataError(f"{where}: {line[:40]!r} is no point", "fetch the file again") from error
    with np.errstate(over="ignore"):
        xy = np.array([x, y], np.float32)
    return xy if np.isfinite(xy).all() else np.full(2, np.nan, np.float32)
