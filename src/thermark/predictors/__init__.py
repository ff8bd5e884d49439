"""The contract of a contestant, and the one way to run it on a prepared face set."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from thermark.core import files
from thermark.core.faces import Crops, Faces, open_set
from thermark.core.predictions import Predictions
from thermark.core.progress import track
from thermark.core.scored import Split

Points = NDArray[np.float32]
Scores = NDArray[np.float32]


class Predictor(Protocol):
    """A top-down landmark model; it speaks its own `vocabulary` and answers in source pixels.

    A module in this package exposes `load(...) -> Predictor`.
    """

    @property
    def vocabulary(self) -> str:
        """The name of the landmark vocabulary."""
        ...

    @property
    def trained_on(self) -> tuple[str, ...]:
        """The names of the face sets it has learned from."""
        ...

    def __call__(self, image: NDArray[np.uint8], boxes: NDArray[np.float32]) -> tuple[Points, Scores]:
        """Return xy (P, K, 2) and score (P, K) for boxes (P, 4) in an image (H, W, 3) RGB; NaN box, NaN row."""
        ...

    def on_crops(
        self, pixels: NDArray[np.uint8], to_source: NDArray[np.float64], padding: float
    ) -> tuple[Points, Scores]:
        """Return the same from packed crops (B, S, S[, 3]) with maps (B, 2, 3); a NaN map gives a NaN row."""
        ...


def predict(
    predictor: Predictor,
    contestant: str,
    faces: Faces,
    crops: Crops,
    data: str,
    rows: NDArray[np.int64] | None = None,
    batch: int = 64,
) -> Predictions:
    """Run a contestant on faces, all or those of `rows`; one that it misses, or without a prompt, is a row of NaN.

    `data` is the fingerprint of the face set. One row a face, in the order of `rows`.
    """
    chosen = np.arange(len(faces), dtype=np.int64) if rows is None else rows
    points, scores = [], []
    starts = range(0, len(chosen), batch)
    for start in track(starts, len(starts), contestant, "batches"):
        part = chosen[start : start + batch]
        xy, score = predictor.on_crops(np.asarray(crops.pixels[part]), crops.to_source[part], crops.padding)
        # What is not a finite position is a miss, whatever the model says about it.
        xy = np.where(np.isfinite(xy).all(axis=-1, keepdims=True), xy, np.nan)
        points.append(xy.astype(np.float32))
        scores.append(score.astype(np.float32))
    return Predictions(
        contestant=contestant,
        vocabulary=predictor.vocabulary,
        box_source="prompt",
        data=data,
        frames=faces.frames[chosen],
        faces=chosen,
        xy=np.concatenate(points),
        score=np.concatenate(scores),
        boxes=faces.prompts[chosen],
        box_score=np.full(len(chosen), np.nan, np.float32),
        trained_on=predictor.trained_on,
    )


def predict_all(
    predictor: Predictor, contestant: str, datasets: Mapping[str, Split], faces: Path, reports: Path, folder: Path
) -> None:
    """Predict every named face set under `faces` into the existing `folder`, as <dataset>.npz.

    `datasets` says of each whether its test faces are scored or all are; no others are predicted. The fingerprint
    of a face set is read from `reports/<dataset>.json`. Raises DataError for a set that is not prepared.
    """
    for name, split in datasets.items():
        table, crops = open_set(faces / name)
        data = files.read_json(reports / f"{name}.json")["fingerprint"]
        rows = np.flatnonzero((table.splits == "test") | (split == "all"))
        predict(predictor, contestant, table, crops, data, rows).save(folder / f"{name}.npz")
