"""One long array in several memory-mapped files."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PATTERN = "pixels*.npy"


@dataclass(frozen=True)
class Shards:
    """Arrays (n_i, ...) of one dtype, read as the array (sum of n_i, ...) that they are together.

    Rows are read when they are asked for: an integer gives a view, a slice or an index array (M,) a copy.
    """

    parts: tuple[NDArray[Any], ...]

    def __post_init__(self) -> None:
        if not self.parts or len({(part.shape[1:], part.dtype) for part in self.parts}) > 1:
            raise ValueError(f"{len(self.parts)} shards of different shapes")

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """Where each part ends (P,)."""
        return np.cumsum([len(part) for part in self.parts], dtype=np.int64)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the whole."""
        return (len(self), *self.parts[0].shape[1:])

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.parts[0].ndim

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of every part."""
        return self.parts[0].dtype

    def __len__(self) -> int:
        return int(self.ends[-1])

    def __getitem__(self, rows: int | np.integer | slice | Sequence[int] | NDArray[Any]) -> NDArray[Any]:
        """Return a row, or rows in the order asked for; raises IndexError beyond the ends."""
        if isinstance(rows, int | np.integer):
            return self._row(int(rows))
        if isinstance(rows, slice):
            return self._gather(np.arange(len(self))[rows])
        index = np.asarray(rows)
        if index.dtype == np.bool_:
            if index.shape != (len(self),):
                raise IndexError(f"a mask of {index.shape} for {len(self)} rows")
            index = np.flatnonzero(index)
        return self._gather(index.astype(np.int64))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        whole = self[:]
        return whole if dtype is None else whole.astype(dtype)

    def _row(self, row: int) -> NDArray[Any]:
        place = row + len(self) if row < 0 else row
        if not 0 <= place < len(self):
            raise IndexError(f"row {row} of {len(self)}")
        part = int(np.searchsorted(self.ends, place, side="right"))
        value: NDArray[Any] = self.parts[part][place - int(self.ends[part])]  # counted from the end of its part
        return value

    def _gather(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        places = np.where(rows < 0, rows + len(self), rows)
        if len(places) and not (places.min() >= 0 and places.max() < len(self)):
            raise IndexError(f"rows {rows.min()} to {rows.max()} of {len(self)}")
        gathered = np.empty((len(places), *self.shape[1:]), self.dtype)
        owner = np.searchsorted(self.ends, places, side="right")
        for part in np.unique(owner):
            chosen = owner == part
            gathered[chosen] = self.parts[part][places[chosen] - self.ends[part]]
        return gathered


def names(folder: Path) -> list[str]:
    """Return the file names of a folder's shards, in order; raises FileNotFoundError when there is none."""
    names = sorted(path.name for path in folder.glob(PATTERN))
    if not names:
        raise FileNotFoundError(folder / PATTERN)
    return names


def name(number: int) -> str:
    """Return the file name of shard `number`."""
    return f"pixels-{number:05d}.npy"


def open_shards(folder: Path) -> Shards:
    """Open a folder's shards as memory maps; raises FileNotFoundError without any, ValueError for damage."""
    return Shards(tuple(np.load(folder / name, mmap_mode="r", allow_pickle=False) for name in names(folder)))
