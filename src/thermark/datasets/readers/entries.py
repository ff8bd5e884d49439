"""Numbers and boxes of one entry of an annotation file, and the error that names an entry."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.core.errors import DataError


def malformed(where: str, why: str) -> DataError:
    """Return the error about an entry."""
    return DataError(f"{where} {why}", "fetch the file again, or mend the entry")


def numbers(entry: Mapping[str, Any], key: str, where: str, count: int) -> NDArray[np.float64]:
    """Return a list of numbers (count,), infinite where one is too large for a float.

    Raises DataError for another length or anything that is no number.
    """
    values = entry.get(key)
    if not isinstance(values, list) or not all(type(value) in (int, float) for value in values):
        raise malformed(where, f"has no usable {key}")
    if len(values) != count:
        raise malformed(where, f"has {len(values)} numbers in {key} instead of {count}")
    return np.array([np.inf if abs(value) > 1e300 else value for value in values], np.float64)


def checked_box(corners: NDArray[np.floating], where: str) -> NDArray[np.float32]:
    """Return x1, y1, x2, y2 as float32 (4,); raises DataError unless the box is finite and has an area."""
    with np.errstate(over="ignore"):
        box = corners.astype(np.float32)
    if not has_area(box):
        raise malformed(where, "has a box without area")
    return box


def has_area(box: NDArray[np.floating]) -> bool:
    """Return whether x1, y1, x2, y2 (4,) are finite and a box with an area."""
    return bool(np.isfinite(box).all() and (box[2:] > box[:2]).all())


def smallest_around(point: NDArray[np.floating], boxes: NDArray[np.floating]) -> int | None:
    """Return the index of the smallest of boxes (n, 4) that contains a point (2,), or None."""
    around = np.flatnonzero(((boxes[:, :2] <= point) & (point <= boxes[:, 2:])).all(axis=1))
    areas = np.prod(boxes[around, 2:] - boxes[around, :2], axis=1)
    return int(around[areas.argmin()]) if len(around) else None


def inside(xy: NDArray[np.floating], boxes: NDArray[np.floating]) -> float:
    """Return the share of labelled coordinates (N, K, 2) within their boxes (N, 4): near 0, a unit is wrong."""
    within = (xy >= boxes[:, None, :2]) & (xy <= boxes[:, None, 2:])
    labelled = np.isfinite(xy)
    return round(float(np.mean(within[labelled])), 6)
