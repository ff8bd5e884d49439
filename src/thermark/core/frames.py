"""Source images as a table; pixels stay on disk."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from thermark.core import files

Modality = Literal["rgb", "thermal"]


@dataclass(frozen=True)
class Frames:
    """Source images, one row each.

    `ids` (N,) str, unique; `subjects` (N,) str, units that must not be in two splits; `paths` (N,) str, relative
    to the raw root, `/` as separator; `sizes` (N, 2) int32, (width, height) in pixels, 0 while unread.
    """

    ids: np.ndarray
    subjects: np.ndarray
    paths: np.ndarray
    sizes: np.ndarray
    modality: Modality

    def __len__(self) -> int:
        return len(self.ids)

    def save(self, path: Path) -> None:
        """Write the table as npz."""
        files.write_arrays(
            path,
            {
                "ids": self.ids,
                "subjects": self.subjects,
                "paths": self.paths,
                "sizes": self.sizes,
                "modality": np.array(self.modality),
            },
        )

    @staticmethod
    def open(path: Path) -> "Frames":
        """Read what `save` wrote."""
        stored = files.read_arrays(path)
        modality: Modality = "rgb" if str(stored.pop("modality")) == "rgb" else "thermal"
        return Frames(modality=modality, **stored)
