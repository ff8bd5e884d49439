"""Faces with key points as YOLOv8 writes them: a line a face, everything in fractions of the picture."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from thermark.core.errors import DataError
from thermark.datasets.readers.entries import checked_box, malformed
from thermark.datasets.readers.loaded import Findings
from thermark.datasets.readers.stride import Key


@dataclass(frozen=True)
class Row:
    """One face: `box` (4,), x1, y1, x2, y2, and `xy` (K, 2) as fractions of the picture; `confidence` (K,)."""

    box: NDArray[np.float64]
    xy: NDArray[np.float64]
    confidence: NDArray[np.float64]


@dataclass(frozen=True)
class LabelledPicture:
    """A labelled picture: its place, relative to the raw root, its `size` in px, and its largest face."""

    picture: PurePosixPath
    size: tuple[int, int]
    row: Row

    def xy(self, outline: float, sure: float = 0.0) -> NDArray[np.float32]:
        """Return points (K, 2) in px, less `outline`; NaN for those of which the label is less `sure`."""
        confident = self.row.confidence[:, None] >= sure
        xy: NDArray[np.float64] = np.where(confident, self.row.xy * self.size - outline, np.nan)
        return xy.astype(np.float32)

    def box(self, outline: float) -> NDArray[np.float32]:
        """Return the box (4,) in px, less `outline`."""
        box: NDArray[np.float64] = self.row.box * np.tile(self.size, 2) - outline
        return box.astype(np.float32)


def largest(
    root: Path,
    keys: Iterable[Key],
    pictures: Mapping[Key, PurePosixPath],
    labels: Mapping[Key, PurePosixPath],
    points: int,
    size: tuple[int, int],
    findings: Findings,
) -> dict[Key, LabelledPicture]:
    """Return the largest face of each of the pictures `keys` that has one, and note what is wrong with the others.

    A picture that is broken, which preparing reports, is taken to have `size`.
    """
    labelled: dict[Key, LabelledPicture] = {}
    for key in keys:
        where = "/".join(key)
        try:
            faces = rows(root / labels[key], points, where)
        except DataError as error:
            findings.add("bad_annotation", error.cause)
            continue
        if not faces:
            findings.add("no_face", where)
            continue
        if len(faces) > 1:
            findings.add("more_faces", where)
        face = max(faces, key=lambda row: float(np.prod(row.box[2:] - row.box[:2])))
        labelled[key] = LabelledPicture(pictures[key], _size(root / pictures[key], size), face)
    return labelled


def _size(path: Path, otherwise: tuple[int, int]) -> tuple[int, int]:
    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, ValueError):
        return otherwise


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
    columns = 5 + 3 * points
    if len(cells) != columns:
        raise malformed(where, f"has {len(cells)} numbers in a line, not {columns}")
    try:
        numbers = np.array(cells, np.float64)
    except ValueError as error:
        raise malformed(where, f"holds something that is no number ({error})") from error
    if not np.isfinite(numbers).all():
        raise malformed(where, "holds a number that is not finite")
    centre, size = numbers[1:3], numbers[3:5]
    box = np.concatenate([centre - size / 2, centre + size / 2])
    checked_box(box, where)
    xyc = numbers[5:].reshape(points, 3)
    return Row(box, xyc[:, :2], xyc[:, 2])
