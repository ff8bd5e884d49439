"""Frames with labelled faces, as a rendered set is written: grey pictures and one COCO file of key points."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from thermark.core import geometry, images
from thermark.core.errors import DataError
from thermark.datasets.checks import splits
from thermark.datasets.readers import coco
from thermark.datasets.readers.entries import checked_box, numbers

FILE = "annotations.json"
POINTS, BOXED = 70, 68  # FaceSynthetics' points; those that boxes are tight around: the pupils are last
VOCABULARY = "facesynthetics70"
SMALLEST = 14.0  # px of the longer side below which a face may be found or not
OUTLINE = 0.5  # px from the outline of the first pixel to its centre
INSIDE = 0.5  # of the box of a face that has to be in the picture for the face to count
SEEN = 0.1  # of its points that have to be seen: those of a masked face in half profile hardly are

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class LabelledFrame:
    """A picture (H, W) uint8 with its faces.

    `boxes` (M, 4) float32 tight around their landmarks, in pixels (integer = pixel centre), beyond the picture
    where the face is; `ignored` (M,) bool: too small, too far outside or too much hidden to have to be found.
    """

    image: Image
    boxes: Floats
    ignored: NDArray[np.bool_]


class FrameFace(NamedTuple):
    """A labelled face: `box` (4,) and `xy` (70, 2) float32 in pixels; `aside`: hidden, or one of a crowd."""

    box: Floats
    xy: Floats
    aside: bool


@dataclass(frozen=True)
class FrameSet:
    """The frames of one split, in memory: `ids`, `frames`, and the landmarks of all faces that count.

    `black_hot` (F,) bool, the frames in which warm is dark; `shapes` (N, 70, 2) float32, in fractions of their
    tight boxes.
    """

    ids: tuple[str, ...]
    frames: tuple[LabelledFrame, ...]
    black_hot: NDArray[np.bool_]
    shapes: Floats

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[LabelledFrame]:
        return iter(self.frames)

    def shape(self) -> Floats:
        """Return the mean landmarks (70, 2) in fractions of the tight box; raises DataError without faces."""
        if not len(self.shapes):
            raise DataError("no face to learn from has labelled points", "render more frames, or with more people")
        return np.asarray(self.shapes.mean(axis=0), np.float32)

    def fingerprint(self) -> str:
        """Return a hash of all pictures and boxes."""
        whole = sha256()
        for name, frame in zip(self.ids, self.frames, strict=True):
            whole.update(f"{name} {frame.image.shape} {len(frame.boxes)} ".encode())
            for array in (frame.image, frame.boxes, frame.ignored):
                whole.update(np.ascontiguousarray(array).tobytes())
        return whole.hexdigest()


def read(root: Path, val: float, smallest: float = SMALLEST, most: int | None = None) -> tuple[FrameSet, FrameSet]:
    """Return the frames below `root` to learn from and those to validate on, `val` of them, by hash of the name.

    Of more than `most` frames the first are taken, in the order of the file.
    Of annotations.json it reads the `images`, their file names and the polarity of their cameras, where it is
    told, and of `annotations` 70 `keypoints`, the `bbox` from the outline of the first pixel, and `iscrowd`.
    Boxes are made from points and so go beyond the frame where a face does. A face whose longer side is below
    `smallest` px is ignored, as is one of which a point has no label. Raises DataError for absent, damaged or
    unlabelled frames, and for a split that is empty.
    """
    table = coco.read(root / FILE)
    listed = table.images()
    faces: dict[coco.Id, list[FrameFace]] = {key: [] for key in listed}
    for where, entry in table.entries("annotations"):
        owner = coco.identifier(entry, "image_id", where)
        if owner not in faces:
            raise DataError(f"{where} belongs to no image", "render the set again")
        faces[owner].append(_face(entry, where))
    dark = {entry["id"]: _black_hot(entry) for _, entry in table.entries("images")}
    names = dict(islice(listed.items(), most))
    keys = np.array([name.stem for name in names.values()])
    if not len(keys):
        raise DataError(f"{root.name} has no frames", "render the set again")
    sides = splits.by_hash(keys, splits.Fractions(val=val, test=0.0))
    splits.require(sides, ["train", "val"])
    both = []
    for side in ("train", "val"):
        chosen = [key for key, its_side in zip(names, sides.tolist(), strict=True) if its_side == side]
        read = [_shown(images.single(root / names[key], "uint8"), faces[key], smallest) for key in chosen]
        shapes = [np.zeros((0, POINTS, 2), np.float32), *(shape for _, shape in read)]
        both.append(
            FrameSet(
                tuple(names[key].as_posix() for key in chosen),
                tuple(frame for frame, _ in read),
                np.array([dark[key] for key in chosen], bool),
                np.concatenate(shapes),
            )
        )
    return both[0], both[1]


def _black_hot(image: coco.Entry) -> bool:
    camera = image.get("camera")
    return isinstance(camera, dict) and camera.get("polarity") == "black_hot"


def _face(entry: coco.Entry, where: str) -> FrameFace:
    xyv = numbers(entry, "keypoints", where, 3 * POINTS).reshape(POINTS, 3)
    xy, known = xyv[:, :2].astype(np.float32), xyv[:, 2] > 0
    clipped = checked_box(coco.corners(entry, "bbox", where) - OUTLINE, where)
    hidden = float((xyv[:BOXED, 2] > 1).mean()) < SEEN
    box = checked_box(geometry.bounding_box(xy[:BOXED]), where) if known.all() else clipped
    return FrameFace(box, xy, hidden or not bool(known.all()) or bool(entry.get("iscrowd")))


def _shown(image: Image, faces: list[FrameFace], smallest: float) -> tuple[LabelledFrame, Floats]:
    """Return a picture with its faces, and the shapes (M, 70, 2) of those that count."""
    boxes = np.array([face.box for face in faces], np.float32).reshape(-1, 4)
    aside = np.array([face.aside for face in faces], bool)
    ignored = aside | uncounted(boxes, image.shape[1], image.shape[0], smallest)
    xy = np.array([face.xy for face in faces], np.float32).reshape(-1, POINTS, 2)[~ignored]
    kept = boxes[~ignored, None]
    return LabelledFrame(image, boxes, ignored), (xy - kept[..., :2]) / geometry.box_size(kept)


def uncounted(boxes: Floats, width: int, height: int, smallest: float = SMALLEST) -> NDArray[np.bool_]:
    """Return which boxes (M, 4) are too small, or too far outside of a picture, to have to be found."""
    size = geometry.box_size(boxes)
    return np.asarray((size.max(axis=1, initial=0) < smallest) | (within(boxes, width, height) < INSIDE))


def within(boxes: Floats, width: int, height: int) -> NDArray[np.float64]:
    """Return the part (M,) of the area of boxes (M, 4) that is in a picture of this size."""
    outline = np.array([-0.5, -0.5, width - 0.5, height - 0.5])
    near, far = np.maximum(boxes[:, :2], outline[:2]), np.minimum(boxes[:, 2:], outline[2:])
    area = geometry.box_size(np.asarray(boxes, np.float64)).prod(axis=1)
    return np.asarray(np.clip(far - near, 0, None).prod(axis=1) / np.maximum(area, 1e-9))
