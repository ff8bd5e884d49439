"""COCO annotations, read with suspicion: classes by name, files by stem, boxes checked."""

import json
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.core.errors import DataError
from thermark.loading.loaded import Findings

Instances = dict[str, NDArray[np.float64]]


def read(path: Path, classes: dict[str, int], findings: Findings) -> dict[str, Instances]:
    """Return file stem -> class -> boxes (n, 4) as x1, y1, x2, y2, in the file's own coordinates.

    `classes`: lower-case name -> id, used (with a warning) only where the file has no table of categories. The
    suffix of a file name is ignored. Raises DataError when the file is not COCO JSON or lacks a class.
    """
    content = _content(path)
    ids = _ids(content.get("categories") or [], classes, path, findings)
    stems = _stems(content["images"], path, findings)
    boxes: dict[str, dict[str, list[list[float]]]] = {
        stem: {name: [] for name in classes} for stem in stems.values()
    }
    for annotation in content["annotations"]:
        name, stem = ids.get(annotation.get("category_id")), stems.get(annotation.get("image_id"))
        if name is None or stem is None:
            findings.add("orphan_annotation", f"{path.name}: annotation {annotation.get('id')}")
            continue
        box = _box(annotation)
        if box is None:
            findings.add("bad_annotation", f"{path.name}: annotation {annotation.get('id')} has no box")
            continue
        boxes[stem][name].append(box)
    return {
        stem: {name: np.array(found, np.float64).reshape(-1, 4) for name, found in named.items()}
        for stem, named in boxes.items()
    }


def _content(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(f"{path.name} is no JSON ({error})", "fetch the file again") from error
    if not isinstance(content, dict) or not {"images", "annotations"} <= content.keys():
        raise DataError(f"{path.name} has no images and annotations", "it should be a COCO file")
    return content


def _ids(
    categories: list[dict[str, Any]], classes: dict[str, int], path: Path, findings: Findings
) -> dict[Any, str]:
    if not categories:
        findings.add("warning", f"{path.name} names no categories; their published ids are used")
        return {number: name for name, number in classes.items()}
    ids = {entry["id"]: str(entry["name"]).strip().lower() for entry in categories}
    absent = sorted(set(classes) - set(ids.values()))
    if absent:
        raise DataError(f"{path.name} has no category {absent[0]}", "check that it is the right file")
    return {number: name for number, name in ids.items() if name in classes}


def _stems(entries: list[dict[str, Any]], path: Path, findings: Findings) -> dict[Any, str]:
    """Return image id -> stem; a stem listed twice is noted, its annotations are joined."""
    stems: dict[Any, str] = {}
    for entry in entries:
        stem = PurePosixPath(str(entry["file_name"]).replace("\\", "/")).stem
        if entry["id"] in stems or stem in stems.values():
            findings.add("duplicate_id", f"{path.name}: {entry['file_name']}")
        stems.setdefault(entry["id"], stem)
    return stems


def _box(annotation: dict[str, Any]) -> list[float] | None:
    """Return x1, y1, x2, y2 from the box, or from the outline where there is no box; None when neither serves."""
    box = annotation.get("bbox")
    if box and len(box) == 4 and np.isfinite(box).all() and min(box[2:]) > 0:
        return [box[0], box[1], box[0] + box[2], box[1] + box[3]]
    outline = annotation.get("segmentation")
    if not isinstance(outline, list) or not any(len(part) >= 6 for part in outline):
        return None
    xy = np.concatenate([np.reshape(part, (-1, 2)) for part in outline if len(part) >= 6])
    low, high = xy.min(axis=0), xy.max(axis=0)
    return [*low.tolist(), *high.tolist()] if (high > low).all() else None
