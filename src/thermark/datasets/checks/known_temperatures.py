"""The one independent check of ThermEval-D's temperatures: published readings at given pixels.

Agreement settles axis order, unit and file identity at once; where it lacks, other readings of the matrices are
tried, so that the check can name what is wrong.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.core.errors import DataError
from thermark.core.radiometry import UNITS
from thermark.datasets.readers import csv_tables
from thermark.datasets.readers.loaded import Check, Findings

TOLERANCE = 0.06  # readings are rounded to 0.1 deg C
AGREEING = 0.99
COLUMNS = ("tifffile", "x", "y", "groundtruth")
FILE = "coords.csv"
SOURCE = "Labels/T6/coords.csv of github.com/AyushShrivstava/ThermEval_KDD"
# What a matrix may have undergone -> how it is undone; the views are indexed [y, x].
TURNS: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "are upright: tiff[y, x]": lambda m: m,
    "are transposed: tiff[x, y]": lambda m: m.T,
    "are mirrored left to right: tiff[y, -1 - x]": lambda m: m[:, ::-1],
    "are upside down: tiff[-1 - y, x]": lambda m: m[::-1],
    "are turned by 180 degrees: tiff[-1 - y, -1 - x]": lambda m: m[::-1, ::-1],
    "are turned by 90 degrees: tiff[x, -1 - y]": lambda m: m[:, ::-1].T,
    "are turned by 90 degrees: tiff[-1 - x, y]": lambda m: m[::-1].T,
    "are transposed and turned: tiff[-1 - x, -1 - y]": lambda m: m[::-1, ::-1].T,
}


@dataclass(frozen=True)
class Reader:
    """How a frame is read: `raw` from a file, `celsius` from that and its name; both may raise DataError."""

    raw: Callable[[Path], NDArray[Any]]
    celsius: Callable[[NDArray[Any], str], NDArray[np.float32]]


@dataclass(frozen=True)
class Readings:
    """Published readings of one frame: integer pixels `x`, `y` (n,) and `truth` (n,) deg C."""

    x: NDArray[np.int64]
    y: NDArray[np.int64]
    truth: NDArray[np.float64]

    def at(self, matrix: NDArray[Any]) -> NDArray[np.float64]:
        """Return what a matrix (H, W) has there (n,), NaN outside of it."""
        height, width = matrix.shape
        inside = (self.x >= 0) & (self.x < width) & (self.y >= 0) & (self.y < height)
        found = matrix[np.where(inside, self.y, 0), np.where(inside, self.x, 0)].astype(np.float64)
        return np.where(inside, found, np.nan)


def compare(
    path: Path, pictures: dict[str, Path], stem: Callable[[str], str], reader: Reader, findings: Findings
) -> None:
    """Note how many readings of `path` (tiff_file, x, y, ground_truth) agree, as facts and as a check.

    `pictures`: stem -> file; `stem` brings a file's stem into that form. Readings of absent frames, and of frames
    that cannot be read at all, do not count. Raises DataError when the table lacks a column.
    """
    published = _published(path, stem)
    there = {name: readings for name, readings in published.items() if name in pictures}
    compared = [
        frame for name, readings in there.items() if (frame := _seen(pictures[name], readings, reader)) is not None
    ]
    if not compared:
        found = f"none of the {len(published)} frames of {path.name} can be read"
        findings.check(Check("unit and axes", "a reading", found, "warning", "fetch the frames"))
        return
    truth, read, raw = (np.concatenate(parts) for parts in zip(*compared, strict=True))
    agreeing = int(_agree(read, truth).sum())
    findings.facts.update(known_temperatures=len(truth), known_temperatures_agreeing=agreeing)
    found = f"{agreeing:,} of {len(truth):,} readings agree ({len(compared)} of {len(published)} frames are there)"
    expected = f"{AGREEING:.0%} of the published readings within {TOLERANCE:g} deg C"
    if agreeing >= AGREEING * len(truth):
        findings.check(Check("unit and axes", expected, found, "ok"))
        return
    remedy = "fetch the pinned version of the data; if it is that, the loader has to learn the other reading"
    findings.check(Check("unit and axes", expected, f"{found}; {diagnosis(raw, truth)}", "failed", remedy))


def absent() -> Check:
    """Return the check of a tree that has no published readings."""
    remedy = f"put {SOURCE} beside the frames: it settles unit, axis order and file identity"
    return Check("unit and axes", "published readings to compare with", f"no {FILE}", "warning", remedy)


def diagnosis(raw: NDArray[np.float64], truth: NDArray[np.float64]) -> str:
    """Return which turn and unit make stored values (n, turns) agree with the truth (n,), or that none does."""
    shares = {
        (unit, turn): float(_agree(raw[:, column] * scale + offset, truth).mean())
        for unit, (scale, offset) in UNITS.items()
        for column, turn in enumerate(TURNS)
    }
    (unit, turn), share = max(shares.items(), key=lambda item: item[1])
    if share < AGREEING:
        return f"no orientation and unit agrees (at best {share:.0%}): these are other frames or other values"
    return f"the matrices {turn} in {unit} agrees for {share:.0%}"


def _agree(celsius: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.abs(celsius - truth) <= TOLERANCE  # NaN agrees with nothing


def _published(path: Path, stem: Callable[[str], str]) -> dict[str, Readings]:
    """Return frame -> its readings, in the order of their names."""
    table = csv_tables.read(path)
    if not set(COLUMNS) <= table.columns.keys():
        raise DataError(f"{path.name} lacks one of {', '.join(COLUMNS)}", f"use {SOURCE}")
    names = np.array([stem(PurePosixPath(name.replace("\\", "/")).stem) for name in table.columns[COLUMNS[0]]])
    values = np.stack([table.number(name) for name in COLUMNS[1:]], axis=1)
    usable = np.isfinite(values).all(axis=1)
    found = {}
    for name in sorted(set(map(str, names[usable]))):
        x, y, truth = values[usable & (names == name)].T
        found[name] = Readings(x.astype(np.int64), y.astype(np.int64), truth)
    return found


def _seen(
    path: Path, readings: Readings, reader: Reader
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]] | None:
    """Return truth (n,), deg C as read (n,), stored values by turn (n, turns); None for an unreadable frame."""
    try:
        raw = reader.raw(path)
    except DataError:
        return None  # reported where frames are read
    try:
        read = readings.at(reader.celsius(raw, path.name))
    except DataError:
        read = np.full(len(readings.truth), np.nan)  # readable, but in no plausible unit
    return readings.truth, read, np.stack([readings.at(turn(raw)) for turn in TURNS.values()], axis=1)
