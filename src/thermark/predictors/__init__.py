"""The contract of a contestant, and the one way to run it on a prepared face set."""

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from thermark.core import files
from thermark.core.faces import Crops, Faces
from thermark.core.predictions import Predictions
from thermark.core.progress import track

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
    predictor: Predictor, contestant: str, faces: Faces, crops: Crops, data: str, batch: int = 64
) -> Predictions:
    """Run a contestant on every prompted face; a face that it misses, or that has no prompt, is a row of NaN.

    `data` is the fingerprint of the face set. One row a face, in the order of the face set.
    """
    points, scores = [], []
    starts = range(0, len(faces), batch)
    for start in track(starts, len(starts), contestant, "batches"):
        rows = slice(start, start + batch)
        xy, score = predictor.on_crops(np.asarray(crops.pixels[rows]), crops.to_source[rows], crops.padding)
        # What is not a finite position is a miss, whatever the model says about it.
        xy = np.where(np.isfinite(xy).all(axis=-1, keepdims=True), xy, np.nan)
        points.append(xy.astype(np.float32))
        scores.append(score.astype(np.float32))
    return Predictions(
        contestant=contestant,
        vocabulary=predictor.vocabulary,
        box_source="prompt",
        data=data,
        frames=faces.frames,
        faces=np.arange(len(faces), dtype=np.int64),
        xy=np.concatenate(points),
        score=np.concatenate(scores),
        boxes=faces.prompts,
        trained_on=predictor.trained_on,
    )


def predict_all(
    predictor: Predictor, contestant: str, datasets: list[str], faces: Path, reports: Path, out: Path
) -> None:
    """Predict every named face set under `faces` into `out/<dataset>.npz`.

    The fingerprint of a face set is read from `reports/<dataset>.json`.
    """
    with files.fresh_directory(out) as folder:
        for name in datasets:
            data = files.read_json(reports / f"{name}.json")["fingerprint"]
            table, crops = Faces.open(faces / name / "faces.npz"), Crops.open(faces / name)
            predict(predictor, contestant, table, crops, data).save(folder / f"{name}.npz")
