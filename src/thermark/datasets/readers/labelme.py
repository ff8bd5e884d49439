"""Faces as labelme writes them: named shapes, of which one is the box of the face and the others groups of points.

The same groups as plain lists in an object (`{"chin": [[x, y], ...], ...}`) are read too. Coordinates are returned
as they are: labelme counts from the outline of the picture, in source px.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.datasets.readers.entries import checked_box, malformed, numbers


@dataclass(frozen=True)
class LabelmeFace:
    """One face: `xy` (K, 2), NaN where unlabelled, and `box` (4,), x1, y1, x2, y2, NaN where there is none."""

    xy: NDArray[np.float64]
    box: NDArray[np.float64]


def label(
    entry: Any, groups: Mapping[str, int], box: str, where: str, singles: Mapping[str, Sequence[str]] | None = None
) -> LabelmeFace:
    """Return the face in a labelme file's content; `groups`: name -> number of points, in their order.

    `singles`: group -> names of its points, where each may be a shape of its own. Points come by the names of the
    groups, in whatever order; under other names in file order, when the sizes of the groups are those expected, or
    when each point is a shape of its own. Raises DataError when neither gives all, and for anything but numbers.
    """
    shapes, boxes = [], []
    for name, points in _shapes(entry, where):
        if name == box:
            boxes.append(points)
        else:
            shapes.append((name, points))
    if len(boxes) > 1:
        raise malformed(where, f"has {len(boxes)} shapes {box!r}")
    xy = _arranged(_joined(shapes, singles or {}), groups, where)
    xy[~np.isfinite(xy).all(axis=1)] = np.nan
    if np.isnan(xy).all():
        raise malformed(where, "labels no point")
    return LabelmeFace(xy, _box(boxes[0], where) if boxes else np.full(4, np.nan))


def _shapes(entry: Any, where: str) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield the name of each shape, in lower case, and its points (n, 2)."""
    if not isinstance(entry, dict):
        raise malformed(where, "is no object")
    listed = entry.get("shapes")
    if "shapes" not in entry:
        shapes = [(name, value) for name, value in entry.items() if _is_points(value)]
    elif isinstance(listed, list) and all(isinstance(shape, dict) for shape in listed):
        shapes = [(shape.get("label"), shape.get("points")) for shape in listed]
    else:
        raise malformed(where, "has no list of shapes")
    for name, points in shapes:
        if not _is_points(points):
            raise malformed(where, f"has no points in {str(name)[:40]!r}")
        flat = {"points": [number for point in points for number in point]}
        yield str(name).strip().lower(), numbers(flat, "points", where, 2 * len(points)).reshape(-1, 2)


def _is_points(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in value)


def _joined(
    shapes: list[tuple[str, NDArray[np.float64]]], singles: Mapping[str, Sequence[str]]
) -> list[tuple[str, NDArray[np.float64]]]:
    """Return the shapes with those that are single points of a group put together, if all of them are there."""
    joined = shapes
    for group, names in singles.items():
        single = {name: points for name, points in shapes if name in names and len(points) == 1}
        if len(single) == len(names):
            rest = [shape for shape in joined if shape[0] not in single]
            joined = [*rest, (group, np.concatenate([single[name] for name in names]))]
    return joined


def _arranged(
    shapes: list[tuple[str, NDArray[np.float64]]], groups: Mapping[str, int], where: str
) -> NDArray[np.float64]:
    """Return all points (K, 2) in the order of `groups`."""
    sizes = [len(points) for _, points in shapes]
    named = dict(shapes)
    count = sum(groups.values())
    if len(named) == len(shapes) and {name: len(points) for name, points in named.items()} == groups:
        ordered = [named[name] for name in groups]
    elif sizes in ([*groups.values()], [1] * count):
        ordered = [points for _, points in shapes]
    else:
        raise malformed(where, f"has {sum(sizes)} points in {len(sizes)} groups, not {count} in {len(groups)}")
    return np.concatenate(ordered)


def _box(corners: NDArray[np.float64], where: str) -> NDArray[np.float64]:
    """Return x1, y1, x2, y2 of a rectangle, whichever two or four corners tell it."""
    if len(corners) not in (2, 4):
        raise malformed(where, f"has a box of {len(corners)} corners")
    box = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
    checked_box(box, where)
    return box
