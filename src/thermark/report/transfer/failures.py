"""Pictures of the faces with the largest errors, to be looked at: they show people, and do not belong into git."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from thermark.core import files, geometry
from thermark.core.runs import seed_folders
from thermark.landmarker import overlay
from thermark.landmarker.result import Landmarks
from thermark.metrics.scores import labels
from thermark.models import learned
from thermark.models.inference.learned_config import Flip
from thermark.report.transfer.camera import Pictures, predict
from thermark.report.transfer.points import TARGET

LABEL, RADIUS = (90, 255, 90), 2  # RGB, px


def draw(out: Path, pictures: Pictures, run: Path, flip: Flip, ids: Sequence[str]) -> None:
    """Write a PNG for each face of `ids`, in their order, to the new folder `out`.

    White points and outlines are the predictions of the first seed of `run` in the publisher's box, green points
    the labels. Raises DataError for a folder without a network.
    """
    chosen = np.array([np.flatnonzero(pictures.faces.ids == one)[0] for one in ids], np.int64)
    some = Pictures(pictures.faces.take(chosen), tuple(pictures.images[row] for row in chosen))
    model = learned.read((seed_folders(run) or [run])[0], flip=flip)
    predicted = predict("", model.vocabulary, model.on_boxes, some, some.faces.prompts)
    truth = labels(some.faces, TARGET, {}).truth
    with files.fresh_directory(out) as folder:
        for row, image in enumerate(some.images):
            one = slice(row, row + 1)
            found = Landmarks(
                predicted.xy[one],
                predicted.score[one],
                predicted.boxes[one],
                predicted.box_score[one],
                None,
                model.vocabulary,
            )
            name = f"{row + 1:02d} {ids[row].replace('/', ' ')}.png"
            cv2.imwrite(
                str(folder / name), with_labels(overlay.drawn(image, found), truth[row], len(image))[..., ::-1]
            )


def with_labels(canvas: NDArray[np.uint8], xy: NDArray[np.floating], height: int) -> NDArray[np.uint8]:
    """Return a drawing (H', W', 3) of a picture of that height with the labelled points (K, 2) of the picture."""
    for x, y in geometry.resized(xy[np.isfinite(xy).all(axis=1)], len(canvas) / height):
        cv2.circle(canvas, (round(x), round(y)), RADIUS, LABEL, -1, cv2.LINE_AA)
    return canvas
