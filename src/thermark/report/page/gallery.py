"""The same worst faces for all contestants, as numbers, with pictures where terms permit."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from thermark.core.faces import open_set
from thermark.report.number_format import shown
from thermark.report.page import words
from thermark.report.page.view import View
from thermark.report.results.face_errors import mean_error
from thermark.report.results.record import DataSet

SIDE = 144  # px of a picture
QUALITY = 80  # of its JPEG


@dataclass(frozen=True)
class Answer:
    """A contestant's error on a face as printed, and how bad that is: 0 is nothing, 1 a miss."""

    contestant: str
    text: str
    part: float


@dataclass(frozen=True)
class GalleryFace:
    """A face, its subject, its mean error over contestants as printed, every one's, and a data URI."""

    face: str
    subject: str
    mean: str
    answers: tuple[Answer, ...]
    picture: str = ""


def worst(view: View, count: int) -> list[GalleryFace]:
    """Return the faces with the greatest mean error, a miss at the stated cap, of contestants with all landmarks.

    All contestants are shown on the same faces, so that none is shown on its own worst faces alone. Ties: by face.
    """
    errors = {name: view.errors[name] for record in view.complete if (name := record.contestant) in view.errors}
    if not errors:
        return []
    miss = view.results.protocol.miss
    table = {name: dict(zip(one["ids"], mean_error(one), strict=True)) for name, one in errors.items()}
    first = next(iter(errors.values()))
    subject = dict(zip(first["ids"], first["subjects"], strict=True))
    means = {
        face: float(np.mean([min(by_face[face], miss) for by_face in table.values() if face in by_face]))
        for face in subject
    }
    chosen = sorted(means, key=lambda face: (-means[face], str(face)))[:count]
    columns = [name for name in view.with_errors if name in errors]
    return [
        GalleryFace(
            str(face),
            str(subject[face]),
            words.value(view.main, means[face]),
            tuple(_answer(view.main, miss, name, float(table[name].get(face, np.inf))) for name in columns),
        )
        for face in chosen
    ]


def _answer(main: str, miss: float, name: str, error: float) -> Answer:
    if not np.isfinite(error):
        return Answer(name, "missed", 1.0)
    return Answer(name, shown(main, error), round(min(error / miss, 1.0), 3))


def permitted(data_set: DataSet) -> bool:
    """Return whether pictures of a data set may stand in a page that is published: rendered ones, no others."""
    return data_set.origin == "rendered"


def pictures(data_set: DataSet, chosen: Sequence[GalleryFace], folder: Path) -> dict[str, str]:
    """Return face -> its crop as a data URI, nothing where terms forbid it or no prepared faces are given."""
    if not permitted(data_set) or not (folder / data_set.name).is_dir():
        return {}
    faces, crops = open_set(folder / data_set.name)
    row = {str(name): index for index, name in enumerate(faces.ids)}
    rows = {face.face: row[face.face] for face in chosen if face.face in row}
    # A face without a box was not cropped: it is black.
    return {
        face: _picture(np.asarray(crops.pixels[row]))
        for face, row in rows.items()
        if np.isfinite(crops.to_source[row]).all()
    }


def _picture(pixels: NDArray[np.uint8]) -> str:
    small = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    coded = cv2.imencode(
        ".jpg", small[..., ::-1] if small.ndim == 3 else small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    )
    return f"data:image/jpeg;base64,{base64.b64encode(coded[1].tobytes()).decode()}"
