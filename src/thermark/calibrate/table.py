"""The CSV that `predict` writes and the boxes that it is given, without what takes seconds to import."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from thermark.calibrate import pictures
from thermark.calibrate.csv_labels import BOX
from thermark.calibrate.labelled import read_boxes
from thermark.calibrate.labels import LabelRows, require_none
from thermark.core.errors import ConfigError, DataError, SetupError

Floats = NDArray[np.float32]


def require_file(out: Path) -> None:
    """Raise ConfigError where a folder stands in the file's place, SetupError where none can be written."""
    if out.is_dir():
        raise ConfigError(f"{out} is a folder", "name the CSV file that --out shall be")
    require_writable(out)


def require_writable(out: Path) -> None:
    """Raise SetupError unless a file can be made where `out` will be, before hours go into it."""
    parent = next(folder for folder in out.absolute().parents if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=parent):
            pass
    except OSError as error:
        raise SetupError(f"{out} cannot be written: {parent}: {error.strerror}", "choose another --out") from error


def opened(path: Path) -> TextIO:
    """Return a CSV to write, UTF-8 throughout: of a picture's name that is none, the bytes are spelled out."""
    return path.open("w", encoding="utf-8", errors="backslashreplace", newline="")


def header(points: Sequence[str]) -> list[str]:
    """Return the names of the columns."""
    return ["image", *BOX, *(f"{point}_{column}" for point in points for column in ("x", "y", "score"))]


def cells(name: str, box: Floats, xy: NDArray[np.floating], scores: NDArray[np.floating]) -> list[str]:
    """Return the row of a box (4,) with points (K, 2) and scores (K,); what is not finite is an empty cell."""
    row = [name, *(number(value, 3) for value in (box[0], box[1], box[2] - box[0], box[3] - box[1]))]
    for (x, y), value in zip(xy, scores, strict=True):
        row += [number(x, 3), number(y, 3), number(value, 5)]
    return row


def number(value: float, digits: int) -> str:
    """Return a number without needless zeros, nothing for what is not finite."""
    if not np.isfinite(value):
        return ""
    text = f"{float(value):.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def input_boxes(images: Path, boxes: Path | None) -> dict[str, Floats | None]:
    """Return picture -> boxes (P, 4), None where none are given, by name in `pictures.root(images)`.

    `images` is a folder or one picture, for which boxes of others do not count. Raises DataError for boxes that
    cannot be used, naming them, for a picture without a box, and for a folder without pictures.
    """
    if boxes is None:
        return dict.fromkeys(pictures.below(images))
    folder = pictures.root(images)
    pictures.require_folder(folder)
    labels = read_boxes(boxes)
    if images.is_file():
        labels = of_picture(labels, images)
    problems = list(labels.problems)
    boxes_of: dict[str, list[Floats]] = {}
    for row in labels.rows:
        try:
            name = pictures.find(folder, row.image).relative_to(folder).as_posix()
            boxes_of.setdefault(name, []).append(row.box.astype(np.float32))
        except DataError as error:
            problems.append(f"{row.where}: {error.cause}")
    require_none(problems, len(labels.rows) + len(labels.problems), "boxes")
    return {name: np.stack(stack) for name, stack in boxes_of.items()}


def of_picture(labels: LabelRows, image: Path) -> LabelRows:
    """Return the rows of one picture, which may name folders above it, too; raises DataError for none."""
    parts = image.absolute().parts
    names = [PurePosixPath(row.image).parts for row in labels.rows]
    own = [row for row, name in zip(labels.rows, names, strict=True) if parts[-len(name) :] == name]
    if not own:
        raise DataError(f"{labels.name} has no box for {image.name}", "check --boxes and --images")
    return replace(labels, rows=tuple(replace(row, image=image.name) for row in own))
