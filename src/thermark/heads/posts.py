"""Part 2 of the posts to the letter: person crops that may be stretched, and the split by seed 7.

Source: nipunbatra/blog, posts/nostril-finetune/scripts/build_dataset_thermeval.py.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thermark.core.faces import Faces

SIDE, PADDING, SEED = 256, 1.25, 7
TRAIN, VAL, TEST = 40, 15, 80
OUTLINE = 0.5  # the posts count from a frame's outline, we from the centre of its first pixel
Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Crop:
    """A part of a frame that is resized to 256 x 256, its sides each by its own factor.

    `box`: x0, y0, x1, y1, the pixels [x0, x1) x [y0, y1); `sx`, `sy`: crop px per frame px. Crop coordinates count
    from the crop's outline, 0 to 256, as the posts do; frame coordinates from pixel centres.
    """

    box: tuple[int, int, int, int]
    sx: float
    sy: float

    def to_crop(self, xy: NDArray[np.floating]) -> Floats:
        """Map points (..., 2) from the frame into the crop."""
        return (np.asarray(xy, np.float64) + OUTLINE - self.box[:2]) * [self.sx, self.sy]

    def to_frame(self, xy: NDArray[np.floating]) -> Floats:
        """Map points (..., 2) from the crop into the frame."""
        return np.asarray(xy, np.float64) / [self.sx, self.sy] + self.box[:2] - OUTLINE

    def holds(self, xy: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Return which points (..., 2) of the frame lie in the crop."""
        own = self.to_crop(xy)
        return np.asarray(((own >= 0) & (own < SIDE)).all(axis=-1))


def crop(person: NDArray[np.floating], size: tuple[int, int]) -> Crop | None:
    """Return the crop around a person box (4,) in a frame of `size` (width, height) px, None where it is empty.

    A square of 1.25 x the longer side about the box's centre, its corner truncated and clipped to the frame first,
    and its far corner measured from there: a crop that would begin outside of the frame keeps its side, one that
    would end outside is cut.
    """
    box = np.asarray(person, np.float64) + OUTLINE
    side = PADDING * max(box[2] - box[0], box[3] - box[1])
    near = [max(0, int((box[axis] + box[axis + 2]) / 2 - side / 2)) for axis in (0, 1)]
    far = [min(size[axis], int(near[axis] + side)) for axis in (0, 1)]
    width, height = far[0] - near[0], far[1] - near[1]
    if min(width, height) <= 0:
        return None
    return Crop((near[0], near[1], far[0], far[1]), SIDE / width, SIDE / height)


@dataclass(frozen=True)
class Split:
    """Rows of a face set: 40 to train on, 15 to validate, 80 to test; `every` is all of annotations_2.

    `crops`: row -> crop, of all of them.
    """

    train: Rows
    val: Rows
    test: Rows
    every: Rows
    crops: Mapping[int, Crop]


def split(faces: Faces, sizes: Mapping[str, tuple[int, int]]) -> Split:
    """Return who is trained, validated and tested on; `sizes` maps frame ids to (width, height).

    Pairs of either file are shuffled, one after the other, from seed 7; those whose nose is outside of the crop
    are passed over. No validation image is a training image.
    """
    draw = random.Random(SEED)
    crops: dict[int, Crop] = {}
    shuffled: dict[str, list[int]] = {}
    for source in ("annotations_1", "annotations_2"):
        rows = np.flatnonzero(faces.strata["source"] == source).tolist()
        draw.shuffle(rows)
        for row in rows:
            made = crop(faces.boxes[row], sizes[str(faces.frames[row])])
            if made and made.holds(faces.xy[row, 0]):
                crops[row] = made
        shuffled[source] = [row for row in rows if row in crops]
    train = shuffled["annotations_1"][:TRAIN]
    taken = set(faces.frames[train].tolist())
    val = [row for row in shuffled["annotations_1"] if str(faces.frames[row]) not in taken][:VAL]
    test = shuffled["annotations_2"]
    train_rows, val_rows, test_rows, every = (
        np.array(rows, np.int64) for rows in (train, val, test[:TEST], sorted(test))
    )
    return Split(train_rows, val_rows, test_rows, every, crops)
