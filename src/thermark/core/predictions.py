"""Predictions of a contestant, in the model's own vocabulary; a miss stays a row of NaN."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from thermark.core import files
from thermark.core.errors import DataError
from thermark.core.packed_images import BASE

Status = Literal["ok", "skipped", "failed"]
COLUMNS = ("frames", "faces", "xy", "score", "boxes", "box_score")
TEXTS = ("contestant", "vocabulary", "box_source", "data", "status", "reason")
LISTS = ("trained_on", "failed")


def file_name(dataset: str, variant: str = BASE) -> str:
    """Return the name of the file of predictions on a data set, or on a variant of its pictures or boxes."""
    return f"{dataset}.npz" if variant == BASE else f"{dataset}@{variant}.npz"


@dataclass(frozen=True)
class Predictions:
    """Predicted instances of one contestant on one data set.

    `frames` (M,) str; `faces` (M,) int64, the row of the prompted face in the face set, -1 for an unprompted
    detection; `xy` (M, K, 2) float32 source px, NaN = nothing predicted; `score` (M, K) float32; `boxes` (M, 4)
    float32, what was cropped from, and `box_score` (M,) float32, the detector's confidence in them, NaN for a
    box that was given. `box_source` is where the boxes come from: `prompt` and `labelled` are given with the
    face, `frame` is the whole picture, anything else is a detector's name. `data` is the fingerprint of the face
    set they were made on, `trained_on` names the face sets that the contestant has learned from, `failed` the
    frames on which it raised an error. A contestant that could not run has status `skipped` or `failed`, a
    reason, and no rows.
    """

    contestant: str
    vocabulary: str
    box_source: str
    data: str
    frames: np.ndarray
    faces: np.ndarray
    xy: np.ndarray
    score: np.ndarray
    boxes: np.ndarray
    box_score: np.ndarray
    status: Status = "ok"
    reason: str = ""
    trained_on: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.frames)

    @staticmethod
    def none(contestant: str, data: str, status: Status, reason: str) -> "Predictions":
        """Return the rowless predictions of a contestant that could not run, and why."""
        empty = np.zeros((0, 0, 2), np.float32)
        return Predictions(
            contestant=contestant,
            vocabulary="",
            box_source="",
            data=data,
            frames=np.zeros(0, "U1"),
            faces=np.zeros(0, np.int64),
            xy=empty,
            score=empty[..., 0],
            boxes=np.zeros((0, 4), np.float32),
            box_score=np.zeros(0, np.float32),
            status=status,
            reason=reason,
        )

    def save(self, path: Path) -> None:
        """Write as npz, deterministic to the byte."""
        columns = {name: getattr(self, name) for name in COLUMNS}
        texts = {name: np.array(getattr(self, name)) for name in TEXTS}
        lists = {name: np.array(getattr(self, name), np.str_) for name in LISTS}
        files.write_arrays(path, columns | texts | lists)

    @staticmethod
    def open(path: Path) -> "Predictions":
        """Read what `save` wrote; raises DataError for what another version did."""
        stored: dict[str, Any] = files.read_arrays(path)
        absent = sorted({*COLUMNS, *TEXTS, *LISTS} - stored.keys())
        if absent:
            raise DataError(f"{path} has no {', '.join(absent)}", "run `dvc repro` to predict again")
        for name in TEXTS:
            stored[name] = str(stored[name])
        for name in LISTS:
            stored[name] = tuple(map(str, stored[name]))
        if stored["status"] not in ("ok", "skipped", "failed"):
            raise DataError(
                f"{path} has the unknown status {stored['status']!r}", "run `dvc repro` to predict again"
            )
        return Predictions(**stored)

    def require(self, data: str) -> None:
        """Raise DataError unless these predictions were made on the face set with fingerprint `data`."""
        if self.data != data:
            raise DataError(
                f"predictions of {self.contestant} belong to another version of the data set",
                "run `dvc repro` to predict again",
            )
