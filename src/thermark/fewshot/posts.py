"""Part 2 of the posts to the letter: person crops that may be stretched, the split by seed 7, the median.

Source: nipunbatra/blog, posts/nostril-finetune/scripts/{build_dataset,train_head}_thermeval.py.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thermark.core.annotations import Annotations
from thermark.core.errors import DataError
from thermark.core.faces import Faces

SIDE, PADDING, SEED = 256, 1.25, 7
TRAIN, VAL, TEST = 40, 15, 80
SOURCES = ("annotations_1", "annotations_2")
DIGITS, SAME = 3, 0.01  # of a float32 px, and within how many px two of them are one
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

    def shows(self, nose: tuple[float, float]) -> bool:
        """Return whether a point in px from the frame's outline is in the crop, as the posts count."""
        x, y = (nose[0] - self.box[0]) * self.sx, (nose[1] - self.box[1]) * self.sy
        return 0 <= x < SIDE and 0 <= y < SIDE

    def holds(self, xy: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Return which points (..., 2) of the frame lie in the crop."""
        in_crop = self.to_crop(xy)
        return np.asarray(((in_crop >= 0) & (in_crop < SIDE)).all(axis=-1))


def crop(person: NDArray[np.floating], size: tuple[int, int]) -> Crop | None:
    """Return the crop around a person box (4,), corners in px of the frame, as `cropped` does.

    Boxes of a face set are float32, which does not hold 0.1: what was written with up to three digits is restored,
    or the crop might be another by a pixel.
    """
    near_x, near_y, far_x, far_y = np.round(np.asarray(person, np.float64) + OUTLINE, DIGITS).tolist()
    width, height = round(far_x - near_x, DIGITS), round(far_y - near_y, DIGITS)
    return cropped((near_x, near_y, width, height), size)


def cropped(person: tuple[float, float, float, float], size: tuple[int, int]) -> Crop | None:
    """Return the crop around a person (left, top, width, height), in px from the outline of a frame of `size`.

    None where it is empty; `size` is (width, height). A square of 1.25 x the longer side about the box's centre,
    its corner truncated and clipped to the frame first, and its far corner measured from there: a crop that would
    begin outside of the frame keeps its side, one that would end outside is cut. All in float64, in the order of
    the posts, for a last digit decides what is cut off.
    """
    x, y, w, h = person
    side = max(w, h) * PADDING
    x0, y0 = max(0, int(x + w / 2 - side / 2)), max(0, int(y + h / 2 - side / 2))
    x1, y1 = min(size[0], int(x0 + side)), min(size[1], int(y0 + side))
    if x1 <= x0 or y1 <= y0:
        return None
    return Crop((x0, y0, x1, y1), SIDE / (x1 - x0), SIDE / (y1 - y0))


@dataclass(frozen=True)
class NoseInPerson:
    """A nose (x, y) and the person around it (left, top, width, height), in px from the outline of the `frame`."""

    frame: str
    nose: tuple[float, float]
    person: tuple[float, float, float, float]


def pairs(annotated: Annotations, source: str) -> list[NoseInPerson]:
    """Return the pairs of one annotation file, image by image in the order in which they were first annotated.

    The person is the smallest that holds the nose, the first of equal ones (where the posts' own script stops).
    """
    chosen = (annotated.sources == source) & annotated.having("person", "nose")
    images = sorted(np.flatnonzero(chosen).tolist(), key=lambda image: int(annotated.first[image]))
    listed = []
    for image in images:
        people = annotated.boxes(image, "person").tolist()
        for x, y, w, h in annotated.boxes(image, "nose").tolist():
            nose = (x + w / 2, y + h / 2)
            around = [box for box in people if _holds(box, nose)]
            if around:
                person = min(around, key=lambda box: box[2] * box[3])
                listed.append(NoseInPerson(str(annotated.frames[image]), nose, tuple(person)))
    return listed


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


def split(faces: Faces, sizes: Mapping[str, tuple[int, int]], annotated: Annotations) -> Split:
    """Return the frames to train, validate and test on; `sizes` maps frame ids to (width, height).

    Pairs of either file are shuffled, one after the other, from seed 7; those whose nose is outside of the crop
    are passed over, and so are those that are no face of the set. No validation image is a training image. Raises
    DataError when no pair at all is a face of the set.
    """
    draw = random.Random(SEED)
    rows = _Rows(faces)
    crops: dict[int, Crop] = {}
    shuffled: dict[str, list[int]] = {}
    count = 0
    for source in SOURCES:
        drawn = pairs(annotated, source)
        draw.shuffle(drawn)
        shuffled[source] = []
        for pair in drawn:
            count += pair.frame in sizes
            made = cropped(pair.person, sizes[pair.frame]) if pair.frame in sizes else None
            row = rows.taken(pair)
            if made and row is not None and made.shows(pair.nose):
                crops[row] = made
                shuffled[source].append(row)
    if count and not any(shuffled.values()):
        raise DataError(
            "no labelled nose is where the annotation files have it", "set `outline` of the data set to 0.5"
        )
    train = shuffled[SOURCES[0]][:TRAIN]
    taken = set(faces.frames[train].tolist())
    val = [row for row in shuffled[SOURCES[0]] if str(faces.frames[row]) not in taken][:VAL]
    test = shuffled[SOURCES[1]]
    train_rows, val_rows, test_rows, every = (
        np.array(rows, np.int64) for rows in (train, val, test[:TEST], sorted(test))
    )
    return Split(train_rows, val_rows, test_rows, every, crops)


class _Rows:
    """Which row of a face set a pair is: each is given once."""

    def __init__(self, faces: Faces) -> None:
        self._free: dict[str, list[int]] = {}
        for row, frame in enumerate(faces.frames.tolist()):
            self._free.setdefault(frame, []).append(row)
        self._at = faces.xy[:, 0].astype(np.float64) + OUTLINE

    def taken(self, pair: NoseInPerson) -> int | None:
        """Return the row whose label is the nose, up to the digits of float32, or None."""
        free = self._free.get(pair.frame, [])
        for row in free:
            if np.abs(self._at[row] - pair.nose).max() < SAME:
                free.remove(row)
                return row
        return None


def _holds(box: list[float], point: tuple[float, float]) -> bool:
    x, y, w, h = box
    return x <= point[0] <= x + w and y <= point[1] <= y + h
