"""Paired images of one face: the inputs of student and teacher, under one view."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thermark.core import geometry, seeds
from thermark.core.errors import DataError
from thermark.core.faces import open_set
from thermark.core.geometry import Array
from thermark.train import augment, data
from thermark.train.augment import Augment
from thermark.train.data import Batch, Samples

TOLERANCE = 0.01  # px, of corresponding crop corners


@dataclass(frozen=True)
class PairBatch:
    """A student's batch, and the teacher's images: `teacher` (B, S, S) or (B, S, S, 3) uint8."""

    student: Batch
    teacher: NDArray[np.uint8]


def partners(root: Path, name: str, samples: Samples, other: str) -> Samples:
    """Return the faces of the set `other` that show the same as `samples`, which come from the set `name` alone.

    A face's partner is the one of `other` with its id, or else with its subject as the id, as in T-FAKE, where a
    warm and a cold image share an RGB one. Rows, labels and network input are those of `samples`. Raises DataError
    for faces without a partner, and for partners in another split or whose crops do not show the same place.
    """
    (faces, crops), (candidates, pixels) = open_set(root / name), open_set(root / other)
    rows = samples.origins[:, 1]
    row_of = {str(label): row for row, label in enumerate(candidates.ids)}
    own_id, subject = map(str, faces.ids[rows]), faces.subjects[rows]
    wanted = [name if name in row_of else str(label) for name, label in zip(own_id, subject, strict=True)]
    absent = [label for label in wanted if label not in row_of]
    if absent:
        raise DataError(
            f"{len(absent)} of {len(rows)} faces of {name} have no partner in {other}, such as {absent[0]}",
            f"pair {name} with the set it was made from, under the same split",
        )
    matched = np.array([row_of[label] for label in wanted], dtype=np.int64)
    to_crop = geometry.input_to_crop(samples.size, samples.padding, pixels.pixels.shape[1], pixels.padding)
    astray = np.flatnonzero(candidates.splits[matched] != faces.splits[rows])
    if len(astray):
        raise DataError(
            f"{faces.ids[rows[astray[0]]]} of {name} and its partner in {other} are in different splits",
            "give both data sets the same `split`",
        )
    corners = _corners(crops.to_source[rows], samples.to_crop[0], samples.size)
    corners_of_partner = _corners(pixels.to_source[matched], to_crop, samples.size)
    distance = np.abs(corners - corners_of_partner).max(axis=(1, 2))
    if not (distance < TOLERANCE).all():
        worst = int(np.argmax(np.where(np.isfinite(distance), distance, np.inf)))
        raise DataError(
            f"{faces.ids[rows[worst]]} of {name} and its partner in {other} are not cropped alike",
            "prepare both sets with the same images, labels and padding",
        )
    origins = np.stack([np.zeros_like(matched), matched], axis=1)
    return replace(samples, crops=(pixels.pixels,), to_crop=(to_crop,), origins=origins)


def _corners(to_source: Array, to_crop: Array, size: int) -> Array:
    """Return where two opposite corners of the network input lie in the source images, (N, 2, 2)."""
    corners: Array = (to_source @ np.vstack([to_crop, [0, 0, 1]]) @ [[0, size], [0, size], [1, 1]]).swapaxes(1, 2)
    return corners


def assemble(
    samples: Samples, teacher_faces: Samples, rows: NDArray[np.int64], seed: int, epoch: int, limits: Augment
) -> PairBatch:
    """Build the batch of `rows` as `data.assemble` does, and the partners under the very same geometry and holes.

    A colour partner has its hue, saturation and value jittered, nothing else: it is what targets are made from.
    """
    batch = data.assemble(samples, rows, seed, epoch, limits)
    images = []
    for row in rows:
        view = data.view(seed, epoch, row, limits)
        image, _ = data.look(teacher_faces, row, view)
        if teacher_faces.colour:
            image = augment.jitter(image, seeds.rng(seed, "colour", epoch, int(row)), limits)
        images.append(augment.punch(image, view))
    return PairBatch(batch, np.stack(images))


def same(batch: Batch) -> PairBatch:
    """Return a pair in which student and teacher have the same input."""
    return PairBatch(batch, batch.images)
