"""Boxes of annotation files, unchanged and complete, for published protocols that read the files themselves.

A face set has what can be scored; what such a protocol counted may be more, and in another order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thermark.core import files
from thermark.core.errors import DataError

FILE = "annotated.npz"
COLUMNS = ("frames", "sources", "ranks", "first", "owners", "classes", "xywh")
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Annotations:
    """The annotated images that exist on disk, and their boxes.

    `frames` (I,) str, the frame of each image, in the order of the files; `sources` (I,) str, the file without its
    suffix; `ranks` (I,) int64, the image's place in its file by its id; `first` (I,) int64, the place of its first
    annotation, of whatever class, -1 without any. `owners` (B,) int64, the image of each box; `classes` (B,) str;
    `xywh` (B, 4) float64 as written: left, top, width and height in px, counted as the file does, in its order.
    """

    frames: NDArray[np.str_]
    sources: NDArray[np.str_]
    ranks: Rows
    first: Rows
    owners: Rows
    classes: NDArray[np.str_]
    xywh: NDArray[np.float64]

    def boxes(self, image: int, name: str) -> NDArray[np.float64]:
        """Return the boxes (n, 4) of a class in an image."""
        return np.asarray(self.xywh[(self.owners == image) & (self.classes == name)])

    def having(self, *names: str) -> NDArray[np.bool_]:
        """Return which images (I,) have a box of each of the classes."""
        images = np.arange(len(self.frames))
        return np.asarray(np.all([np.isin(images, self.owners[self.classes == name]) for name in names], axis=0))

    def within(self, frames: NDArray[np.str_]) -> "Annotations":
        """Return the same without images of other frames, such as those that cannot be read."""
        kept = np.isin(self.frames, frames)
        boxes, place = kept[self.owners], np.cumsum(kept) - 1
        return Annotations(
            frames=self.frames[kept],
            sources=self.sources[kept],
            ranks=self.ranks[kept],
            first=self.first[kept],
            owners=place[self.owners[boxes]].astype(np.int64),
            classes=self.classes[boxes],
            xywh=self.xywh[boxes],
        )

    def save(self, folder: Path) -> None:
        """Write the table into a folder."""
        files.write_arrays(folder / FILE, {name: getattr(self, name) for name in COLUMNS})

    @staticmethod
    def open(folder: Path) -> "Annotations":
        """Read what `save` wrote; raises DataError when it is absent or damaged."""
        try:
            stored = files.read_arrays(folder / FILE)
            return Annotations(**{name: stored[name] for name in COLUMNS})
        except (OSError, KeyError, ValueError) as error:
            raise DataError(f"{folder.name} has no {FILE}", "run `dvc repro` to prepare it again") from error


def concatenate(parts: Sequence[Annotations]) -> Annotations:
    """Return several files, at least one, as one table; ranks and places stay those in each file."""
    offsets = np.cumsum([0, *(len(part.frames) for part in parts)])
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS}
    columns["owners"] = np.concatenate([part.owners + start for part, start in zip(parts, offsets, strict=False)])
    return Annotations(**columns)
