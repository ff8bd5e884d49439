"""COCO annotations, read with suspicion: classes by name, files by stem, boxes checked.

What cannot be understood is an error that names the entry: a label on the wrong picture must not be scored.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.core.errors import DataError
from thermark.datasets.readers import keypoints
from thermark.datasets.readers.keypoints import Entry, entries, malformed
from thermark.datasets.readers.loaded import Findings

Instances = dict[str, NDArray[np.float64]]


def read(
    path: Path, classes: dict[str, int], findings: Findings, by_id: bool = False, optional: Collection[str] = ()
) -> dict[str, Instances]:
    """Return file stem -> class -> boxes (n, 4) as x1, y1, x2, y2, in the file's own coordinates.

    `classes`: lower-case name -> id, used (with a warning) only where the file has no table of categories; names
    are compared without case and blanks. `optional` classes may be absent, with a warning. The suffix of a file
    name is ignored. Images come in the file's order, or `by_id`. Raises DataError when the file is not COCO
    JSON, lacks a class, has an entry that cannot be understood, or gives one id to two images or categories.
    """
    content = keypoints.read(path)
    ids = categories(content, classes, optional, path, findings)
    stems = _stems(content, path, findings)
    if by_id:
        stems = {number: stems[number] for number in sorted(stems, key=place)}
    boxes: dict[str, dict[str, list[list[float]]]] = {
        stem: {name: [] for name in classes} for stem in stems.values()
    }
    for where, annotation in rows(content, "annotations", path):
        name = ids.get(_id(annotation, "category_id", where))
        stem = stems.get(_id(annotation, "image_id", where))
        if name is None or stem is None:
            findings.add("orphan_annotation", where)
            continue
        box = _box(annotation, where)
        if box is None:
            findings.add("bad_annotation", f"{where} has no box")
            continue
        boxes[stem][name].append(box)
    return {
        stem: {name: np.array(found, np.float64).reshape(-1, 4) for name, found in named.items()}
        for stem, named in boxes.items()
    }


def rows(content: Entry, table: str, path: Path) -> list[tuple[str, Entry]]:
    """Return the entries of a table, none where it is absent, each with the words that name it."""
    return list(entries({table: content.get(table) or []}, table, path))


def place(number: Any) -> tuple[bool, Any]:
    """Return the key by which ids are sorted: numbers by their value, then texts."""
    return isinstance(number, str), number


def _id(entry: Entry, key: str, where: str) -> int | float | str:
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise malformed(where, f"has no usable {key}")
    return value


def _text(entry: Entry, key: str, where: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip():
        raise malformed(where, f"has no usable {key}")
    return value.strip()


def categories(
    content: Entry, classes: Mapping[str, int], optional: Collection[str], path: Path, findings: Findings
) -> dict[Any, str]:
    """Return category id -> class, of the wanted `classes`; raises DataError as `read` does."""
    named = rows(content, "categories", path)
    if not named:
        findings.add("warning", f"{path.name} names no categories; their published ids are used")
        return {number: name for name, number in classes.items()}
    ids: dict[Any, str] = {}
    for where, entry in named:
        number, name = _id(entry, "id", where), "".join(_text(entry, "name", where).split()).lower()
        if ids.setdefault(number, name) != name:
            raise malformed(where, f"has the id of {ids[number]!r}")
    for absent in sorted(set(classes) - set(ids.values())):
        if absent not in optional:
            raise DataError(f"{path.name} has no category {absent}", "check that it is the right file")
        findings.add("warning", f"{path.name} has no category {absent}, which is not needed")
    return {number: name for number, name in ids.items() if name in classes}


def _stems(content: Entry, path: Path, findings: Findings) -> dict[Any, str]:
    """Return image id -> stem; a stem listed twice is noted, its annotations are joined."""
    stems: dict[Any, str] = {}
    seen: set[str] = set()
    for where, entry in rows(content, "images", path):
        number, name = _id(entry, "id", where), keypoints.file_name(entry, where)
        stem = name.stem
        if stems.setdefault(number, stem) != stem:
            raise malformed(where, f"is {stem}, but {stems[number]} has the same id")
        if stem in seen:
            findings.add("duplicate_id", f"{path.name}: {name.as_posix()}")
        seen.add(stem)
    return stems


def _box(annotation: Entry, where: str) -> list[float] | None:
    """Return x1, y1, x2, y2 from the box, or from the outline where there is no box; None when neither serves."""
    box = annotation.get("bbox")
    if box is not None and box != []:
        x, y, width, height = _numbers(box, where, "bbox", [4])
        corners = [x, y, x + width, y + height]
        if np.isfinite(corners).all() and corners[2] > x and corners[3] > y:
            return corners
    outline = annotation.get("segmentation")
    if not isinstance(outline, list):
        return None  # absent, or a run-length mask, which this reader does not know
    parts = [_numbers(part, where, "segmentation", range(0, 2**31, 2)) for part in outline]
    points = [np.reshape(part, (-1, 2)) for part in parts if len(part) >= 6]
    if not points:
        return None
    xy = np.concatenate(points)
    low, high = xy.min(axis=0), xy.max(axis=0)
    return [*low.tolist(), *high.tolist()] if np.isfinite(xy).all() and (high > low).all() else None


def _numbers(values: Any, where: str, key: str, lengths: range | list[int]) -> list[float]:
    """Return a list of numbers whose length is one of `lengths`, infinite where too large for a float."""
    if not isinstance(values, list) or len(values) not in lengths:
        raise malformed(where, f"has a {key} that is no list of coordinates")
    numbers = []
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise malformed(where, f"has a {type(value).__name__} in its {key}")
        numbers.append(np.inf if abs(value) > 1e300 else float(value))
    return numbers
