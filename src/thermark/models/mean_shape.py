"""The floor: every face looks like the mean of the training faces."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thermark.core import geometry
from thermark.core.config import Section
from thermark.core.errors import DataError
from thermark.core.faces import Faces, open_table
from thermark.core.geometry import Array


class Config(Section):
    """`train`: the face set whose training split is averaged; its landmarks are what is predicted."""

    train: str


@dataclass(frozen=True)
class MeanShape:
    """Predicts `shape` (K, 2), in units of the prompt's longer side from the prompt's centre, for every prompt.

    `trained_on` names the face set that it is the mean of.
    """

    vocabulary: str
    shape: NDArray[np.float64]
    trained_on: tuple[str, ...] = ()

    def __call__(
        self, image: NDArray[np.uint8], boxes: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return xy (P, K, 2) and scores of 1; the image is not looked at."""
        centre, side = _square(boxes)
        xy = (centre[:, None] + self.shape * side[:, None, None]).astype(np.float32)
        return xy, np.where(np.isnan(xy).any(-1), np.nan, 1.0).astype(np.float32)

    def on_crops(
        self, pixels: NDArray[np.uint8], to_source: Array, padding: float, to_packed: Array | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the same from packed crops, whose outline tells the prompt, or those that map `to_packed`."""
        size = pixels.shape[1]
        if to_packed is not None:
            to_source = np.stack([geometry.compose(*both) for both in zip(to_source, to_packed, strict=True)])
        side = to_source[:, 0, 0] * size / padding
        centre = geometry.apply(to_source, np.full((1, 2), (size - 1) / 2))[:, 0]
        boxes = np.concatenate([centre - side[:, None] / 2, centre + side[:, None] / 2], axis=1)
        return self(pixels, boxes)


def fit(faces: Faces) -> MeanShape:
    """Return the mean of the training faces, in their own vocabulary.

    Raises DataError when they have several vocabularies, or when a point is labelled in none of them.
    """
    rows = faces.take(faces.splits == "train")
    names = np.unique(rows.vocabularies)
    if len(names) != 1:
        raise DataError("the training faces have several landmark vocabularies", "train on another data set")
    centre, side = _square(rows.prompts)
    shapes = (rows.xy - centre[:, None]) / side[:, None, None]
    if not np.isfinite(shapes).all(axis=-1).any(axis=0).all():
        raise DataError("no training face labels every point of the mean shape", "train on another data set")
    return MeanShape(str(names[0]), np.nanmean(shapes, axis=0))


def load(config: Config, faces_root: Path) -> MeanShape:
    """Fit the mean shape on `faces_root/<train>`; raises DataError when that is not prepared."""
    return replace(fit(open_table(faces_root / config.train)), trained_on=(config.train,))


def _square(boxes: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return centres (P, 2) and longer sides (P,) of boxes (P, 4)."""
    boxes = np.asarray(boxes, np.float64)
    return (boxes[:, :2] + boxes[:, 2:]) / 2, geometry.box_size(boxes).max(axis=-1)
