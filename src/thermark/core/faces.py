"""Labelled faces: one table, and the memory-mapped shards of their crops beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from thermark.core import files
from thermark.core.errors import DataError
from thermark.core.shards import Shards, open_shards

COLUMNS = ("ids", "frames", "subjects", "splits", "vocabularies", "boxes", "prompts", "xy", "visible")


@dataclass(frozen=True)
class Faces:
    """Labelled instances, one row each; every coordinate is in source pixels, integer = pixel centre.

    `ids` (N,) str, unique; `frames` (N,) str, the frame's id; `subjects` (N,) str; `splits` (N,) str, one of
    train, val, test; `vocabularies` (N,) str, the name of each row's landmark vocabulary;
    `boxes` (N, 4) float32, the labelled instance (tight landmark box, or a person box);
    `prompts` (N, 4) float32, the box that a top-down contestant may crop from, NaN where there is none;
    `xy` (N, K, 2) float32, NaN where unlabelled or beyond the row's vocabulary; `visible` (N, K) bool, False where
    the point is hidden by the head itself or by an object;
    `strata`: named (N,) str columns, such as `ambient` = warm | cold, by which results are reported.
    """

    ids: np.ndarray
    frames: np.ndarray
    subjects: np.ndarray
    splits: np.ndarray
    vocabularies: np.ndarray
    boxes: np.ndarray
    prompts: np.ndarray
    xy: np.ndarray
    visible: np.ndarray
    strata: dict[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: np.ndarray) -> "Faces":
        """Return the rows selected by an index or boolean array (N,), in its order."""
        columns = {name: getattr(self, name)[rows] for name in COLUMNS}
        return replace(self, **columns, strata={name: column[rows] for name, column in self.strata.items()})

    def save(self, path: Path) -> None:
        """Write the table as npz."""
        columns = {name: getattr(self, name) for name in COLUMNS}
        columns |= {f"stratum_{name}": column for name, column in self.strata.items()}
        files.write_arrays(path, columns)

    @staticmethod
    def open(path: Path) -> "Faces":
        """Read what `save` wrote."""
        stored = files.read_arrays(path)
        strata = {name.removeprefix("stratum_"): stored[name] for name in stored if name.startswith("stratum_")}
        return Faces(**{name: stored[name] for name in COLUMNS}, strata=strata)


@dataclass(frozen=True)
class Crops:
    """The packed pixels of a face set, row i belonging to face i.

    `pixels` (N, S, S) or (N, S, S, 3 RGB) uint8, memory-mapped; `to_source` (N, 2, 3) float64, crop pixel to
    source pixel, NaN where the face has no prompt (its pixels are black). A crop shows `padding` times the prompt.
    """

    pixels: Shards
    to_source: np.ndarray
    padding: float

    @staticmethod
    def open(folder: Path) -> "Crops":
        """Open the shards (memory-mapped) and `crops.npz` of a prepared face set."""
        stored = files.read_arrays(folder / "crops.npz")
        return Crops(open_shards(folder), stored["to_source"], float(stored["padding"]))


def open_set(folder: Path) -> tuple[Faces, Crops]:
    """Open a prepared face set: its table, and its crops row by row.

    Raises DataError when a part of it is absent or damaged, and when table and crops are not of the same faces.
    """
    with _prepared(folder):
        faces, crops = Faces.open(folder / "faces.npz"), Crops.open(folder)
        if not len(faces) == len(crops.pixels) == len(crops.to_source):
            raise ValueError(f"{len(faces)} faces, {len(crops.pixels)} crops, {len(crops.to_source)} maps")
    return faces, crops


def open_table(folder: Path) -> Faces:
    """Open the table of a prepared face set alone; raises DataError when it is absent or damaged."""
    with _prepared(folder):
        return Faces.open(folder / "faces.npz")


@contextmanager
def _prepared(folder: Path) -> Iterator[None]:
    """Turn what goes wrong on opening a face set into one DataError that names it."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError(f"the face set {folder.name} is not prepared", "run `dvc repro`") from error
    except (KeyError, ValueError, EOFError, BadZipFile) as error:
        raise DataError(f"the face set {folder.name} is damaged: {error}", "run `dvc repro`") from error
