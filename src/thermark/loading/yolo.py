"""Faces with key points as YOLOv8 writes them: a line a face, everything in fractions of the picture."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thermark.loading.keypoints import checked_box, malformed


@dataclass(frozen=True)
class Row:
    """One face: `box` (4,), x1, y1, x2, y2, and `xy` (K, 2) as fractions of the picture; `confidence` (K,)."""

    box: NDArray[np.float64]
    xy: NDArray[np.float64]
    confidence: NDArray[np.float64]


def rows(path: Path, points: int, where: str) -> list[Row]:
    """Return the faces of a file of labels (class, centre, width and height, then x, y, confidence of each point).

    Raises DataError, with `where`, for a file that cannot be read and for lines of anything else.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise malformed(where, f"cannot be read ({error})") from error
    return [_row(line.split(), points, where) for line in lines if line.strip()]


def _row(cells: list[str], points: int, where: str) -> Row:
    wanted = 5 + 3 * points
    if len(cells) != wanted:
        raise malformed(where, f"has {len(cells)} numbers in a line, not {wanted}")
    try:
        numbers = np.array(cells, np.float64)
    except ValueError as error:
        raise malformed(where, f"holds something that is no number ({error})") from error
    if not np.isfinite(numbers).all():
        raise malformed(where, "holds a number that is not finite")
    centre, size = numbers[1:3], numbers[3:5]
    box = np.concatenate([centre - size / 2, centre + size / 2])
    checked_box(box, where)
    told = numbers[5:].reshape(points, 3)
    return Row(box, told[:, :2], told[:, 2])
