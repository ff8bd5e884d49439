"""Landmark files of iBUG: `version: 1`, `n_points: 68`, then lines of "x y" between braces."""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thermark.core.errors import DataError
from thermark.core.ldmks import point

REMEDY = "fetch the file again"


def read(path: Path, count: int) -> NDArray[np.float32]:
    """Return points (count, 2) float32 px, counted as the file counts them; `nan` is an unlabelled point.

    Raises DataError, naming file and line, for anything but a header and `count` lines of two numbers in one pair
    of braces.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} is no text file", REMEDY) from error
    if "{" not in lines or "}" not in lines[lines.index("{") :]:
        raise DataError(f"{path.name} has no points between braces", REMEDY)
    start = lines.index("{")
    end = lines.index("}", start)
    if "}" in lines[:start] or "{" in lines[end:]:
        raise DataError(f"{path.name} has points in more than one pair of braces", REMEDY)
    rows = [(number, line) for number, line in enumerate(lines[start + 1 : end], start=start + 2) if line]
    if len(rows) != count or not _declared(lines[:start]) <= {str(count)}:
        raise DataError(f"{path.name} does not have {count} points ({len(rows)} lines)", REMEDY)
    return np.stack([point(line, f"{path.name}, line {number}") for number, line in rows])


def _declared(header: list[str]) -> set[str]:
    """Return the numbers of points that a header names, as text: they may have any length."""
    matches = [re.fullmatch(r"n_points\s*:\s*0*(\d+)", line, re.ASCII) for line in header]
    return {match[1] for match in matches if match}
