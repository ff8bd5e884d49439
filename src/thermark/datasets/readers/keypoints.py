"""Key points in COCO's tables, read with suspicion, and no more of them than is asked for.

An entry whose image cannot be told is an error: a label on the wrong picture must not be scored. An entry whose
numbers cannot be used is one too, which a loader may note and leave out.
"""

import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.core import tree
from thermark.core.errors import DataError
from thermark.datasets.readers.loaded import Findings

Entry = dict[str, Any]
Trim = Callable[[Entry], Entry]
TABLES = frozenset({"images", "annotations", "id", "file_name", "image_id"})


def find(root: Path, names: Mapping[str, str], findings: Findings) -> dict[str, Path]:
    """Return part -> its file, from part -> name, anywhere under `root`; further copies are noted."""
    parts = {name: part for part, name in names.items()}
    found: dict[str, Path] = {}
    for relative in tree.files(root):
        part = parts.get(PurePosixPath(relative).name)
        if part is not None and found.setdefault(part, root / relative) != root / relative:
            findings.add("duplicate_annotations", relative)
    return {part: found[part] for part in names if part in found}


def read(path: Path, fields: frozenset[str] | None = None, trim: Trim = lambda entry: entry) -> Entry:
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
    return content


def _object(kept: frozenset[str] | None, pairs: list[tuple[str, Any]]) -> Entry:
    """Return an object's `kept` keys; raises ValueError for one that occurs twice: the first would be lost."""
    every = dict(pairs)
    if len(every) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"an object has two keys {next(name for name in names if names.count(name) > 1)!a:.40}")
    return every if kept is None else {name: value for name, value in pairs if name in kept}


def entries(content: Entry, table: str, path: Path) -> Iterator[tuple[str, Entry]]:
    """Yield the entries of a table, each after the words that name it; raises DataError for what is none."""
    rows = content[table]
    if not isinstance(rows, list):
        raise malformed(f"{path.name}: {table}", "is no list")
    for place, entry in enumerate(rows):
        where = f"{path.name}: {table}[{place}]"
        if not isinstance(entry, dict):
            raise malformed(where, "is no object")
        yield f"{where}{_shown(entry.get('id'))}", entry


def _shown(number: Any) -> str:
    """Return an id in brackets, on one line whatever it is."""
    if not isinstance(number, int | float | str):
        return ""
    return f" (id {ascii(number) if isinstance(number, str) else number!s:.20})"


def identifier(entry: Entry, key: str, where: str) -> int | str:
    """Return an id, which is a whole number or a text; raises DataError for anything else."""
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise malformed(where, f"has no usable {key}")
    return value


def file_names(content: Entry, path: Path) -> dict[int | str, PurePosixPath]:
    """Return image id -> relative file name; raises DataError for one id on two, or a name that leads outside."""
    names: dict[int | str, PurePosixPath] = {}
    for where, entry in entries(content, "images", path):
        number, name = identifier(entry, "id", where), file_name(entry, where)
        if name.is_absolute() or ".." in name.parts:
            raise malformed(where, "has no usable file_name")
        if names.setdefault(number, name) != name:
            raise malformed(where, f"is {name.name}, but {names[number].name} has the same id")
    return names


def file_name(entry: Entry, where: str) -> PurePosixPath:
    """Return the path that an image has; raises DataError for none, or for what no file system would store."""
    text = entry.get("file_name")
    name = PurePosixPath(text.strip().replace("\\", "/") if isinstance(text, str) else "")
    if name.name in ("", "..") or any(unicodedata.category(sign) in ("Cc", "Cs") for sign in str(name)):
        raise malformed(where, "has no usable file_name")
    return name


def numbers(entry: Entry, key: str, where: str, count: int) -> NDArray[np.float64]:
    """Return a list of numbers (count,); raises DataError for another length or anything that is no number."""
    values = entry.get(key)
    if not isinstance(values, list) or not all(type(value) in (int, float) for value in values):
        raise malformed(where, f"has no usable {key}")
    if len(values) != count:
        raise malformed(where, f"has {len(values)} numbers in {key} instead of {count}")
    try:
        return np.array(values, np.float64)
    except OverflowError as error:
        raise malformed(where, f"has a {key} beyond reason") from error


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


def checked_box(corners: NDArray[np.floating], where: str) -> NDArray[np.float32]:
    """Return x1, y1, x2, y2 as float32 (4,); raises DataError unless the box is finite and has an area."""
    with np.errstate(over="ignore"):
        box = corners.astype(np.float32)
    if not (np.isfinite(box).all() and (box[2:] > box[:2]).all()):
        raise malformed(where, "has a box without area")
    return box


def inside(xy: NDArray[np.floating], boxes: NDArray[np.floating]) -> float:
    """Return the share of labelled coordinates (N, K, 2) within their boxes (N, 4): near 0, a unit is wrong."""
    within = (xy >= boxes[:, None, :2]) & (xy <= boxes[:, None, 2:])
    labelled = np.isfinite(xy)
    return round(float(np.mean(within[labelled])), 6)


def malformed(where: str, why: str) -> DataError:
    """Return the error about an entry."""
    return DataError(f"{where} {why}", "fetch the file again, or mend the entry")
