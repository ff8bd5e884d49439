"""COCO annotations: only what is needed is read, and all of that is checked.

An entry whose image or class is unknown is an error: a label on the wrong picture must not be scored. An entry
whose numbers cannot be used is one too, which a loader may note and leave out.
"""

import json
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.core import tree
from thermark.core.cells import plain
from thermark.core.errors import DataError
from thermark.datasets.readers.entries import has_area, malformed, numbers
from thermark.datasets.readers.loaded import Findings

Entry = dict[str, Any]
Id = int | float | str
Instances = dict[str, NDArray[np.float64]]
TABLES = frozenset({"images", "annotations", "id", "file_name", "image_id"})


@dataclass(frozen=True)
class Category:
    """A category's name and the names of its key points, as names are compared (`plain`)."""

    name: str
    keypoints: tuple[str, ...]


@dataclass(frozen=True)
class Coco:
    """The tables of a COCO file."""

    path: Path
    content: Entry

    def entries(self, table: str) -> Iterator[tuple[str, Entry]]:
        """Yield the entries of a table, each after the words that name it; raises DataError for what is none."""
        rows = self.content[table]
        if not isinstance(rows, list):
            raise malformed(f"{self.path.name}: {table}", "is no list")
        for place, entry in enumerate(rows):
            where = f"{self.path.name}: {table}[{place}]"
            if not isinstance(entry, dict):
                raise malformed(where, "is no object")
            yield f"{where}{_shown(entry.get('id'))}", entry

    def images(self, findings: Findings | None = None) -> dict[Id, PurePosixPath]:
        """Return image id -> relative file name; a name that is listed twice, whatever its suffix, is noted.

        Raises DataError for one id on two files, and for what `file_name` refuses.
        """
        names: dict[Id, PurePosixPath] = {}
        stems: set[str] = set()
        for where, entry in self.entries("images"):
            number, name = identifier(entry, "id", where), file_name(entry, where)
            first = names.setdefault(number, name)
            if first.with_suffix("") != name.with_suffix(""):
                raise malformed(where, f"is {name.name}, but {first.name} has the same id")
            if findings is not None and name.stem in stems:
                findings.add("duplicate_id", f"{self.path.name}: {name.as_posix()}")
            stems.add(name.stem)
        return names

    def categories(self) -> dict[Id, Category]:
        """Return category id -> category; raises DataError for one id on two, or an unusable name."""
        found: dict[Id, Category] = {}
        for where, entry in self.entries("categories"):
            name, points = entry.get("name"), entry.get("keypoints") or []
            if not isinstance(name, str) or not name.strip():
                raise malformed(where, "has no usable name")
            if not isinstance(points, list):
                raise malformed(where, "has keypoints that are no list of names")
            category = Category(plain(name), tuple(plain(str(point)) for point in points))
            if found.setdefault(identifier(entry, "id", where), category) != category:
                raise malformed(where, "has the id of another category")
        return found


def find(root: Path, names: Mapping[str, str], findings: Findings) -> dict[str, Path]:
    """Return part -> its file, from part -> name, anywhere under `root`; further copies are noted."""
    parts = {name: part for part, name in names.items()}
    found: dict[str, Path] = {}
    for relative in tree.files(root):
        part = parts.get(PurePosixPath(relative).name)
        if part is not None and found.setdefault(part, root / relative) != root / relative:
            findings.add("duplicate_annotations", relative)
    return {part: found[part] for part in names if part in found}


def read(
    path: Path, fields: frozenset[str] | None = None, trim: Callable[[Entry], Entry] = lambda entry: entry
) -> Coco:
    """Return a file's tables; of entries only ids, file names and the `fields` (outlines take gigabytes), or all.

    `trim` gives what is kept of an entry, or of any other object, as soon as it is read.
    Raises DataError when the file is no JSON, gives a key of an object twice, or has no images and annotations.
    """
    kept = None if fields is None else TABLES | fields
    try:
        text = path.read_text(encoding="utf-8-sig")
        content = json.loads(text, object_pairs_hook=lambda pairs: trim(_object(kept, pairs)))
    except (OSError, ValueError, RecursionError) as error:  # no UTF-8, no JSON, numbers or nesting beyond reason
        raise DataError(f"{path.name} is no JSON ({error})", "fetch the file again") from error
    if not isinstance(content, dict) or not {"images", "annotations"} <= content.keys():
        raise DataError(f"{path.name} has no images and annotations", "it should be a COCO file")
    return Coco(path, content | {"categories": content.get("categories") or []})


def _object(kept: frozenset[str] | None, pairs: list[tuple[str, Any]]) -> Entry:
    """Return an object's `kept` keys; raises ValueError for one that occurs twice: the first would be lost."""
    every = dict(pairs)
    if len(every) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"an object has two keys {next(name for name in names if names.count(name) > 1)!a:.40}")
    return every if kept is None else {name: value for name, value in pairs if name in kept}


def _shown(number: Any) -> str:
    """Return an id in brackets, on one line whatever it is."""
    if not isinstance(number, int | float | str):
        return ""
    return f" (id {ascii(number) if isinstance(number, str) else number!s:.20})"


def identifier(entry: Entry, key: str, where: str) -> Id:
    """Return an id, which is a number or a text; raises DataError for anything else."""
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise malformed(where, f"has no usable {key}")
    return value


def order(number: Id) -> tuple[bool, Any]:
    """Return the key by which ids are sorted: numbers by their value, then texts."""
    return isinstance(number, str), number


def file_name(entry: Entry, where: str) -> PurePosixPath:
    """Return an image's path; raises DataError for none, one that leads outside, or one that no disk stores."""
    text = entry.get("file_name")
    name = PurePosixPath(text.strip().replace("\\", "/") if isinstance(text, str) else "")
    odd = any(unicodedata.category(sign) in ("Cc", "Cs") for sign in str(name))
    if not name.name or name.is_absolute() or ".." in name.parts or odd:
        raise malformed(where, "has no usable file_name")
    return name


def points(entry: Entry, key: str, where: str, count: int) -> NDArray[np.float32]:
    """Return points (count, 2) float32 from x, y, v; NaN where v, which may be a fraction, is not positive.

    A point that is not finite counts as unlabelled. Raises DataError when there are not `count`, or none labelled.
    """
    with np.errstate(over="ignore"):
        xyv = numbers(entry, key, where, 3 * count).astype(np.float32).reshape(count, 3)
    labelled = np.isfinite(xyv).all(axis=1) & (xyv[:, 2] > 0)
    if not labelled.any():
        raise malformed(where, f"labels no point in {key}")
    return np.where(labelled[:, None], xyv[:, :2], np.float32(np.nan))


@np.errstate(over="ignore", invalid="ignore")  # callers reject infinite corners
def corners(entry: Entry, key: str, where: str) -> NDArray[np.float64]:
    """Return x1, y1, x2, y2 (4,) from x, y, width, height; raises DataError when these are no four numbers."""
    x, y, width, height = numbers(entry, key, where, 4)
    return np.array([x, y, x + width, y + height])


def instances(
    coco: Coco, classes: Mapping[str, int], findings: Findings, by_id: bool = False, optional: Collection[str] = ()
) -> dict[str, Instances]:
    """Return file stem -> class -> boxes (n, 4) as x1, y1, x2, y2, in the file's own coordinates.

    `classes`: lower-case name -> id, used (with a warning) only where the file has no table of categories.
    `optional` classes may be absent, with a warning. The suffix of a file name is ignored. Images come in the
    file's order, or `by_id`. Raises DataError when the file lacks a class or has an entry that cannot be
    understood.
    """
    ids = class_ids(coco, classes, optional, findings)
    names = coco.images(findings)
    stems = {number: names[number].stem for number in (sorted(names, key=order) if by_id else names)}
    boxes: dict[str, dict[str, list[NDArray[np.float64]]]] = {
        stem: {name: [] for name in classes} for stem in stems.values()
    }
    for where, annotation in coco.entries("annotations"):
        name = ids.get(identifier(annotation, "category_id", where))
        stem = stems.get(identifier(annotation, "image_id", where))
        if name is None or stem is None:
            findings.add("orphan_annotation", where)
            continue
        box = _box_or_outline(annotation, where)
        if box is None:
            findings.add("bad_annotation", f"{where} has no box")
        else:
            boxes[stem][name].append(box)
    return {
        stem: {name: np.array(rows, np.float64).reshape(-1, 4) for name, rows in named.items()}
        for stem, named in boxes.items()
    }


def class_ids(
    coco: Coco, classes: Mapping[str, int], optional: Collection[str], findings: Findings
) -> dict[Id, str]:
    """Return category id -> class, of the wanted `classes`; raises DataError as `instances` does."""
    named = {number: category.name for number, category in coco.categories().items()}
    if not named:
        findings.add("warning", f"{coco.path.name} names no categories; their published ids are used")
        return {number: name for name, number in classes.items()}
    for absent in sorted(set(classes) - set(named.values())):
        if absent not in optional:
            raise DataError(f"{coco.path.name} has no category {absent}", "check that it is the right file")
        findings.add("warning", f"{coco.path.name} has no category {absent}, which is not needed")
    return {number: name for number, name in named.items() if name in classes}


def _box_or_outline(annotation: Entry, where: str) -> NDArray[np.float64] | None:
    """Return x1, y1, x2, y2 of the box, or around the outline where there is no box; None when neither serves."""
    if annotation.get("bbox") not in (None, []):
        box = corners(annotation, "bbox", where)
        if has_area(box):
            return box
    outline = annotation.get("segmentation")
    if not isinstance(outline, list):
        return None  # absent, or a run-length mask, which this reader does not know
    parts = [
        numbers({"segmentation": part}, "segmentation", where, len(part) // 2 * 2 if isinstance(part, list) else 0)
        for part in outline
    ]
    xy = np.concatenate([part.reshape(-1, 2) for part in parts if len(part) >= 6] or [np.full((1, 2), np.nan)])
    box = np.concatenate([xy.min(axis=0), xy.max(axis=0)])
    return box if has_area(box) else None
