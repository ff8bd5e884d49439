"""Faces as rows of a CSV: a picture, the corners of a box, and five points (eyes, nose tip, corners of the mouth).

Coordinates are returned as they are, in source px.
"""

from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from thermark.core.cells import number, plain
from thermark.datasets.readers.entries import checked_box, malformed

POINTS = 5
NUMBERS = ["xs", "ys", "xe", "ye", *(f"p{point}{axis}" for point in range(1, POINTS + 1) for axis in "xy")]
BY_POSITION = [*range(len(NUMBERS) + 1)]
UNLABELLED = (-1.0, 0.0)  # a point whose coordinates both are one of these


@dataclass(frozen=True)
class LabelledFace:
    """One face as published: its picture's `name`, `box` (4,), and `xy` (5, 2), NaN where unlabelled."""

    name: str
    box: NDArray[np.float32]
    xy: NDArray[np.float32]


def columns(header: list[str]) -> list[int] | None:
    """Return where the picture and the 14 numbers stand, or None when the first row is no header but a face.

    By name where all 14 are there (the picture is then the first other column), else by position.
    """
    if len(header) > len(NUMBERS) and all(np.isfinite(number(cell)) for cell in header[1:5]):
        return None
    names = [plain(cell) for cell in header]
    if set(NUMBERS) <= set(names):
        others = [place for place, name in enumerate(names) if name and name not in NUMBERS]
        if others:
            return [others[0], *(names.index(name) for name in NUMBERS)]
    first = int(len(names) > len(BY_POSITION) and names[0] in ("", "unnamed0"))  # the index of a table
    return [place + first for place in BY_POSITION]


def row(cells: list[str], places: list[int], where: str) -> LabelledFace:
    """Return the face in a row's cells; raises DataError for too few or many, no name, no point, or no area."""
    beyond = cells[max(places) + 1 :] if places == BY_POSITION else []
    if len(cells) <= max(places) or any(beyond):
        raise malformed(where, f"has {len(cells)} cells instead of {max(places) + 1}")
    name = cells[places[0]].replace("\\", "/")
    if not PurePosixPath(name).name or "\0" in name:
        raise malformed(where, "names no picture")
    numbers = np.array([number(cells[place]) for place in places[1:]])
    box = checked_box(numbers[:4], where)
    with np.errstate(over="ignore"):
        xy = numbers[4:].reshape(POINTS, 2).astype(np.float32)
    absent = np.logical_or(~np.isfinite(xy).all(axis=1), np.isin(xy, UNLABELLED).all(axis=1))
    if absent.all():
        raise malformed(where, "labels no point")
    return LabelledFace(name, box, np.where(absent[:, None], np.float32(np.nan), xy))
