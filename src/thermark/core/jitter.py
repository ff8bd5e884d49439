"""Images shifted by whole px: how far a contestant's points depend on where a face lies on the pixel grid.

The image is shifted and given boxes stay, as no detector's box is right to the px. If they were shifted too, a
contestant that crops from given boxes would see the very same pixels: zero jitter by construction.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt

from thermark.core.config import Section, nearest
from thermark.core.errors import ConfigError
from thermark.core.faces import Faces
from thermark.core.packed_images import PackedImages

# Further, and it is no longer about pixels; a packed crop must hold what a contestant sees around a shifted face.
Shift = Annotated[int, Field(gt=0, le=4)]
Rows = NDArray[np.int64]

VARIANT = "jitter"  # the name of the predictions on shifted pictures


@dataclass(frozen=True)
class Jitter:
    """Images of at most so many `faces` are shifted by each of `shifts` px to each of the four sides."""

    shifts: tuple[int, ...]
    faces: int

    @property
    def steps(self) -> Rows:
        """The shift of each view in px (V, 2), to the right and down; the unshifted image is not among them."""
        sides = np.array([(1, 0), (-1, 0), (0, 1), (0, -1)], np.int64)
        return np.concatenate([shift * sides for shift in self.shifts])


class Config(Section):
    """On which `datasets` images are shifted: by each of `shifts` px, those of at most so many `faces`."""

    datasets: list[str] = Field(default_factory=list)
    shifts: list[Shift] = Field(default_factory=lambda: [1, 2], min_length=1)
    faces: PositiveInt = 8

    def moves(self, scored: Collection[str]) -> Mapping[str, Mapping[str, Jitter]]:
        """Return data set -> VARIANT -> jitter; raises ConfigError for one that is not among the `scored`."""
        require_scored("jitter", self.datasets, scored)
        jitter = Jitter(tuple(sorted(set(self.shifts))), self.faces)
        return {name: {VARIANT: jitter} for name in self.datasets}


@dataclass(frozen=True)
class ShiftedFaces:
    """Faces in shifted images, one view after the other: `faces` (V * N), whose ids and frames are named anew.

    Labels are shifted with the image, boxes and prompts stay. `rows` (V * N,) are the rows of the face set that
    they are, `steps` (V * N, 2) the px by which each is shifted.
    """

    faces: Faces
    rows: Rows
    steps: Rows


@dataclass(frozen=True)
class ShiftedImages:
    """Frames of `pictures`, shifted when they are read.

    `ids` (M,) str; `rows` (M,) in `pictures`; `steps` (M, 2) px to the right and down.
    """

    pictures: PackedImages
    ids: NDArray[np.str_]
    rows: Rows
    steps: Rows

    def image(self, row: int) -> NDArray[np.uint8]:
        """Return a frame as RGB (H, W, 3) uint8; what comes in at a side repeats the last row or column."""
        image = self.pictures.image(int(self.rows[row]))
        (height, width), (right, down) = image.shape[:2], self.steps[row]
        lines = np.clip(np.arange(height) - down, 0, height - 1)
        columns = np.clip(np.arange(width) - right, 0, width - 1)
        return np.ascontiguousarray(image[lines[:, None], columns])


def shift_faces(faces: Faces, scored: NDArray[np.bool_], jitter: Jitter) -> ShiftedFaces:
    """Return the shifted views of some of the faces that are `scored` (N,), the same for every contestant."""
    rows = select_rows(faces, scored, jitter.faces)
    repeated = np.tile(rows, len(jitter.steps))
    steps = np.repeat(jitter.steps, len(rows), axis=0)
    table = faces.take(repeated)
    shifted = replace(
        table,
        ids=_named(table.ids, steps),
        frames=_named(table.frames, steps),
        xy=(table.xy + steps[:, None]).astype(np.float32),
    )
    return ShiftedFaces(shifted, repeated, steps)


def shift_images(pictures: PackedImages, faces: Faces, views: ShiftedFaces) -> ShiftedImages:
    """Return the frames that hold the faces of some views; those without an image are left out."""
    row_of = {str(name): row for row, name in enumerate(pictures.ids)}
    frames = {}
    for name, row, step in zip(views.faces.frames, views.rows, views.steps, strict=True):
        if (image := row_of.get(str(faces.frames[row]))) is not None:
            frames[str(name)] = (image, step)
    rows = np.array([image for image, _ in frames.values()], np.int64)
    steps = np.array([step for _, step in frames.values()], np.int64).reshape(-1, 2)
    return ShiftedImages(pictures, np.array(list(frames), np.str_), rows, steps)


def select_rows(faces: Faces, scored: NDArray[np.bool_], most: int) -> Rows:
    """Return the rows of at most so many of the faces that are `scored` (N,), in order.

    One of each subject comes first, then a second of each, in the order of their ids' hashes; those without a
    label or a prompt last. A frame comes with all its scored faces or with none, so that no prediction is matched
    to an unselected neighbour; the first frame comes even if it holds more.
    """
    bare = ~np.isfinite(faces.xy).all(axis=-1).any(axis=1) | np.isnan(faces.prompts).any(axis=1)
    lots = {int(row): sha256(str(faces.ids[row]).encode()).digest() for row in np.flatnonzero(scored)}
    turns: Counter[str] = Counter()
    order = []
    for row in sorted(lots, key=lambda row: (bare[row], lots[row])):
        subject = str(faces.subjects[row])
        order.append((bool(bare[row]), turns[subject], lots[row], row))
        turns[subject] += 1
    frames: dict[str, list[int]] = {}
    for *_, row in sorted(order):
        frames.setdefault(str(faces.frames[row]), []).append(row)
    taken: list[int] = []
    for group in frames.values():
        if not taken or len(taken) + len(group) <= most:
            taken += group
    return np.array(sorted(taken), np.int64)


def require_scored(section: str, datasets: Collection[str], scored: Collection[str]) -> None:
    """Raise ConfigError for a data set that a section names and that is not among the `scored`."""
    for name in datasets:
        if name not in scored:
            raise ConfigError(f"{section} names {name}, which is not scored", nearest(name, list(scored)))


def _named(names: NDArray[np.str_], steps: Rows) -> NDArray[np.str_]:
    return np.array([f"{name}@{x:+d}{y:+d}" for name, (x, y) in zip(names, steps, strict=True)], np.str_)
