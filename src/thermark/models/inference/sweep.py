"""One model on the packed frames of one data set: in batches, and past the images on which it fails."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from thermark.core.errors import ThermarkError
from thermark.core.faces import Faces
from thermark.core.jitter import ShiftedImages
from thermark.core.packed_images import PackedImages
from thermark.core.predictions import Predictions
from thermark.core.progress import track
from thermark.models.inference.contract import Floats, Given, Image, Instances, LazyModel, Model

Rows = NDArray[np.int64]
FACE_BOXES = ("prompt", "labelled")  # kinds of boxes that are those of faces


class Broken(Exception):
    """A contestant failed on too many images to be scored, and on how many in one line."""


def sweep(
    model: LazyModel,
    contestant: str,
    pictures: PackedImages | ShiftedImages,
    faces: Faces,
    rows: Rows,
    data: str,
    max_failed: float,
    beat: Callable[[], None] = lambda: None,
) -> Predictions:
    """Return the predictions on the frames that hold the faces `rows`, or no face at all.

    `model` is loaded again after each error. A batch on which it fails is tried again in halves, down to single
    frames; what still fails is listed and has no instances (rows of NaN, where it was given the boxes of faces).
    Points that are not finite, or far outside of the frame, are misses. `data` is the fingerprint of the face set,
    `beat` is called after each batch. Raises Broken when more than the fraction `max_failed` of the frames failed.
    """
    given, size = model.get().given, model.get().batch
    of_faces = given in FACE_BOXES
    frames = frames_of(pictures, faces, rows, of_faces)
    results: list[Instances | None] = []
    failed: list[str] = []
    batches = [frames[start : start + size] for start in range(0, len(frames), size)]
    for batch in track(batches, len(batches), contestant, "batches"):
        images = [pictures.image(place) for place, _ in batch]
        boxes = [
            boxes_for(given, faces, members, image) for (_, members), image in zip(batch, images, strict=True)
        ]
        instances = _predict(model, images, boxes)
        failed += [
            str(pictures.ids[place]) for (place, _), result in zip(batch, instances, strict=True) if result is None
        ]
        results += instances
        if len(failed) > max_failed * len(frames):
            raise Broken(f"failed on {len(failed)} of {len(frames)} images, more than {max_failed:.0%}")
        beat()
    points = next((result.xy.shape[1] for result in results if result is not None), 0)
    complete = [
        _missed(points, faces, members, given) if result is None else result
        for (_, members), result in zip(frames, results, strict=True)
    ]
    return _joined(model.get(), contestant, pictures, frames, complete, points, of_faces, data, failed)


def frames_of(
    pictures: PackedImages | ShiftedImages, faces: Faces, rows: Rows, of_faces: bool
) -> list[tuple[int, Rows]]:
    """Return (row in `pictures`, rows of its faces) of each frame that holds one of the faces.

    A model that is not given the boxes of faces sees frames without any, too: a protocol may count false alarms.
    """
    members: dict[str, list[int]] = {}
    if not of_faces:
        members = {str(name): [] for name in np.setdiff1d(pictures.ids, faces.frames)}
    for row in rows:
        members.setdefault(str(faces.frames[row]), []).append(int(row))
    return [
        (place, np.array(members[str(name)], np.int64))
        for place, name in enumerate(pictures.ids)
        if str(name) in members
    ]


def boxes_for(given: Given, faces: Faces, members: Rows, image: Image) -> Floats | None:
    """Return the boxes (P, 4) that a model is given with an image of the faces `members`, None for none."""
    if given == "own":
        return None
    if given == "frame":
        height, width = image.shape[:2]
        return np.array([[-0.5, -0.5, width - 0.5, height - 0.5]], np.float32)
    return _face_boxes(given, faces, members)


def _face_boxes(given: Given, faces: Faces, members: Rows) -> Floats:
    """Return the boxes of faces: their prompts, or the labelled ones."""
    return np.asarray((faces.prompts if given == "prompt" else faces.boxes)[members])


def _predict(model: LazyModel, images: Sequence[Image], boxes: Sequence[Floats | None]) -> list[Instances | None]:
    """Return the instances of each image, None where the model fails on the image alone."""
    try:
        instances = model.get()(images, boxes)
        _check(instances, boxes)
        return [_near(result, image) for result, image in zip(instances, images, strict=True)]
    except ThermarkError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a model raises costs it these images, not the run
        print(f"failed on {len(images)} images: {type(error).__name__}: {error}", file=sys.stderr)
    # Beyond the handler, which would keep the failed call and its arrays alive.
    model.drop()
    if len(images) == 1:
        return [None]
    middle = len(images) // 2
    return _predict(model, images[:middle], boxes[:middle]) + _predict(model, images[middle:], boxes[middle:])


def _near(instances: Instances, image: Image) -> Instances:
    """Return instances without the points that are nowhere, or further outside of the frame than it is long."""
    size = np.array(image.shape[1::-1])
    reach = size.max()
    near = np.isfinite(instances.xy) & (instances.xy >= -reach) & (instances.xy <= size + reach)
    xy = np.where(near.all(axis=-1, keepdims=True), instances.xy, np.nan).astype(np.float32)
    return replace(instances, xy=xy)


def _check(instances: Sequence[Instances], boxes: Sequence[Floats | None]) -> None:
    """Raise ValueError for instances that do not fit images and boxes."""
    if len(instances) != len(boxes):
        raise ValueError(f"{len(instances)} answers for {len(boxes)} images")
    points = max((result.xy.shape[1] for result in instances), default=0)
    for result, box in zip(instances, boxes, strict=True):
        count = len(result.boxes) if box is None else len(box)
        shapes = (result.xy.shape, result.score.shape, result.boxes.shape, result.box_score.shape)
        if shapes != ((count, points, 2), (count, points), (count, 4), (count,)):
            raise ValueError(f"an answer has the shapes {shapes}")


def _missed(points: int, faces: Faces, members: Rows, given: Given) -> Instances:
    """Return the instances of a frame on which a model failed: a miss for each face whose box it was given."""
    if given not in FACE_BOXES:
        return Instances.none(points)
    boxes = _face_boxes(given, faces, members)
    xy = np.full((len(members), points, 2), np.nan, np.float32)
    return Instances(xy, xy[..., 0], boxes, np.full(len(members), np.nan, np.float32))


def _joined(
    model: Model,
    contestant: str,
    pictures: PackedImages | ShiftedImages,
    frames: Sequence[tuple[int, Rows]],
    results: Sequence[Instances],
    points: int,
    of_faces: bool,
    data: str,
    failed: Sequence[str],
) -> Predictions:
    instances = [Instances.none(points), *results]
    counts = [len(result.xy) for result in results]
    rows = [
        members if of_faces else np.full(count, -1) for (_, members), count in zip(frames, counts, strict=True)
    ]
    names = [pictures.ids[place] for place, _ in frames]
    return Predictions(
        contestant=contestant,
        vocabulary=model.vocabulary,
        box_source=model.box_source,
        data=data,
        frames=np.repeat(np.array(names, pictures.ids.dtype), counts),
        faces=np.concatenate([np.zeros(0, np.int64), *rows]).astype(np.int64),
        xy=np.concatenate([result.xy for result in instances]).astype(np.float32),
        score=np.concatenate([result.score for result in instances]).astype(np.float32),
        boxes=np.concatenate([result.boxes for result in instances]).astype(np.float32),
        box_score=np.concatenate([result.box_score for result in instances]).astype(np.float32),
        trained_on=model.trained_on,
        failed=tuple(failed),
    )
