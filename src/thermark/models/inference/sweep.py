"""One contestant on the packed frames of one data set: in batches, and past the images on which it fails."""

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
from thermark.models.inference.contract import Floats, FramePredictor, Given, Held, Image, Instances

Rows = NDArray[np.int64]
TOLD = ("prompt", "labelled")  # who is given the boxes of faces


class Broken(Exception):
    """A contestant failed on too many images to be scored, and on how many in one line."""


def sweep(
    held: Held,
    contestant: str,
    pictures: PackedImages | ShiftedImages,
    faces: Faces,
    rows: Rows,
    data: str,
    max_failed: float,
    beat: Callable[[], None] = lambda: None,
) -> Predictions:
    """Predict the frames that hold the faces `rows`, or none at all, and return what was found in them.

    `held` is the contestant, loaded again after each error. A batch on which it fails is tried again in halves,
    down to single frames; what still fails is listed and has no instances (rows of NaN, where it was told the
    boxes). Points that are not finite, or far outside of the frame, are misses. `data` is the fingerprint of the
    face set, `beat` is called after each batch. Raises Broken when more than the fraction `max_failed` of the
    frames failed.
    """
    given, size = held.get().given, held.get().batch
    told = given in TOLD
    wanted = frames_of(pictures, faces, rows, told)
    found: list[Instances | None] = []
    failed: list[str] = []
    batches = [wanted[start : start + size] for start in range(0, len(wanted), size)]
    for batch in track(batches, len(batches), contestant, "batches"):
        images = [pictures.image(place) for place, _ in batch]
        boxes = [boxes_for(given, faces, own, image) for (_, own), image in zip(batch, images, strict=True)]
        answers = _answers(held, images, boxes)
        failed += [
            str(pictures.ids[place]) for (place, _), each in zip(batch, answers, strict=True) if each is None
        ]
        found += answers
        if len(failed) > max_failed * len(wanted):
            raise Broken(f"failed on {len(failed)} of {len(wanted)} images, more than {max_failed:.0%}")
        beat()
    points = next((each.xy.shape[1] for each in found if each is not None), 0)
    whole = [
        _missed(points, faces, own, given) if each is None else each
        for (_, own), each in zip(wanted, found, strict=True)
    ]
    return _joined(held.get(), contestant, pictures, wanted, whole, points, told, data, failed)


def frames_of(
    pictures: PackedImages | ShiftedImages, faces: Faces, rows: Rows, told: bool
) -> list[tuple[int, Rows]]:
    """Return (row in `pictures`, rows of its faces) of each frame that holds one of the faces.

    Who is not told of faces is shown frames without any, too: a protocol may count what is no face.
    """
    own: dict[str, list[int]] = {}
    if not told:
        own = {str(name): [] for name in np.setdiff1d(pictures.ids, faces.frames)}
    for row in rows:
        own.setdefault(str(faces.frames[row]), []).append(int(row))
    return [
        (place, np.array(own[str(name)], np.int64)) for place, name in enumerate(pictures.ids) if str(name) in own
    ]


def boxes_for(given: Given, faces: Faces, own: Rows, image: Image) -> Floats | None:
    """Return the boxes (P, 4) that a contestant is told of an image with the faces `own`, None for none."""
    if given == "own":
        return None
    if given == "frame":
        height, width = image.shape[:2]
        return np.array([[-0.5, -0.5, width - 0.5, height - 0.5]], np.float32)
    return _told(given, faces, own)


def _told(given: Given, faces: Faces, own: Rows) -> Floats:
    """Return the boxes of faces as who is told of them gets them: their prompts, or the labelled ones."""
    return np.asarray((faces.prompts if given == "prompt" else faces.boxes)[own])


def _answers(held: Held, images: Sequence[Image], boxes: Sequence[Floats | None]) -> list[Instances | None]:
    """Return what was found in each image, None where the contestant fails on the image alone."""
    try:
        answers = held.get()(images, boxes)
        _check(answers, boxes)
        return [_near(answer, image) for answer, image in zip(answers, images, strict=True)]
    except ThermarkError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a model raises costs it these images, not the run
        print(f"failed on {len(images)} images: {type(error).__name__}: {error}", file=sys.stderr)
    # Beyond the handler, which would keep the failed call and its arrays alive.
    held.drop()
    if len(images) == 1:
        return [None]
    middle = len(images) // 2
    return _answers(held, images[:middle], boxes[:middle]) + _answers(held, images[middle:], boxes[middle:])


def _near(answer: Instances, image: Image) -> Instances:
    """Return an answer without the points that are nowhere, or further outside of the frame than it is long."""
    size = np.array(image.shape[1::-1])
    reach = size.max()
    known = np.isfinite(answer.xy) & (answer.xy >= -reach) & (answer.xy <= size + reach)
    xy = np.where(known.all(axis=-1, keepdims=True), answer.xy, np.nan).astype(np.float32)
    return replace(answer, xy=xy)


def _check(answers: Sequence[Instances], boxes: Sequence[Floats | None]) -> None:
    """Raise ValueError for answers that cannot be those to the question."""
    if len(answers) != len(boxes):
        raise ValueError(f"{len(answers)} answers for {len(boxes)} images")
    points = max((answer.xy.shape[1] for answer in answers), default=0)
    for answer, box in zip(answers, boxes, strict=True):
        count = len(answer.boxes) if box is None else len(box)
        shapes = (answer.xy.shape, answer.score.shape, answer.boxes.shape, answer.box_score.shape)
        if shapes != ((count, points, 2), (count, points), (count, 4), (count,)):
            raise ValueError(f"an answer has the shapes {shapes}")


def _missed(points: int, faces: Faces, own: Rows, given: Given) -> Instances:
    """Return what a frame holds on which a contestant failed: a miss for each face that it was told of."""
    if given not in TOLD:
        return Instances.none(points)
    boxes = _told(given, faces, own)
    xy = np.full((len(own), points, 2), np.nan, np.float32)
    return Instances(xy, xy[..., 0], boxes, np.full(len(own), np.nan, np.float32))


def _joined(
    predictor: FramePredictor,
    contestant: str,
    pictures: PackedImages | ShiftedImages,
    wanted: Sequence[tuple[int, Rows]],
    found: Sequence[Instances],
    points: int,
    told: bool,
    data: str,
    failed: Sequence[str],
) -> Predictions:
    all_found = [Instances.none(points), *found]
    counts = [len(each.xy) for each in found]
    rows = [own if told else np.full(count, -1) for (_, own), count in zip(wanted, counts, strict=True)]
    names = [pictures.ids[place] for place, _ in wanted]
    return Predictions(
        contestant=contestant,
        vocabulary=predictor.vocabulary,
        box_source=predictor.box_source,
        data=data,
        frames=np.repeat(np.array(names, pictures.ids.dtype), counts),
        faces=np.concatenate([np.zeros(0, np.int64), *rows]).astype(np.int64),
        xy=np.concatenate([each.xy for each in all_found]).astype(np.float32),
        score=np.concatenate([each.score for each in all_found]).astype(np.float32),
        boxes=np.concatenate([each.boxes for each in all_found]).astype(np.float32),
        box_score=np.concatenate([each.box_score for each in all_found]).astype(np.float32),
        trained_on=predictor.trained_on,
        failed=tuple(failed),
    )
