"""The floor: every face looks like the mean of the training faces."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from thermark.core import geometry
from thermark.core.config import Section
from thermark.core.errors import DataError
from thermark.core.faces import Faces, open_table
from thermark.core.geometry import Array
from thermark.models.inference.contract import Assets, Floats, Given, Image, Instances


class Config(Section):
    """`train`: the face set whose training split is averaged; its landmarks are what is predicted."""

    family: str
    train: str


@dataclass(frozen=True)
class MeanShape:
    """Predicts `shape` (K, 2), in units of the prompt's longer side from the prompt's centre, for every prompt.

    `trained_on` names the face set that it is the mean of.
    """

    vocabulary: str
    shape: NDArray[np.float64]
    trained_on: tuple[str, ...] = ()

    given: ClassVar[Given] = "prompt"
    box_source: ClassVar[str] = "prompt"
    batch: ClassVar[int] = 16

    def __call__(self, images: Sequence[Image], boxes: Sequence[Floats | None]) -> list[Instances]:
        """Return the instances of each image, as in Model; no image is read."""
        given = [np.zeros((0, 4), np.float32) if xyxy is None else xyxy for xyxy in boxes]
        return [Instances(*self.on_boxes(xyxy), xyxy, np.full(len(xyxy), np.nan, np.float32)) for xyxy in given]

    def on_boxes(self, boxes: NDArray[np.floating]) -> tuple[Floats, Floats]:
        """Return xy (P, K, 2) and scores of 1 for boxes (P, 4), NaN for a box that is NaN."""
        centre, side = _square(boxes)
        xy = (centre[:, None] + self.shape * side[:, None, None]).astype(np.float32)
        return xy, np.where(np.isnan(xy).any(-1), np.nan, 1.0).astype(np.float32)

    def on_crops(
        self, pixels: NDArray[np.uint8], to_source: Array, padding: float, to_packed: Array | None = None
    ) -> tuple[Floats, Floats]:
        """Return the same from packed crops, as in CropModel: their outline gives the prompt."""
        size = pixels.shape[1]
        if to_packed is not None:
            to_source = np.stack([geometry.compose(*both) for both in zip(to_source, to_packed, strict=True)])
        side = to_source[:, 0, 0] * size / padding
        centre = geometry.apply(to_source, np.full((1, 2), (size - 1) / 2))[:, 0]
        boxes = np.concatenate([centre - side[:, None] / 2, centre + side[:, None] / 2], axis=1)
        return self.on_boxes(boxes)


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


def load(config: Config, assets: Assets, device: str) -> MeanShape:
    """Fit the mean shape on the face set `train`; raises DataError when that is not prepared."""
    return replace(fit(open_table(assets.faces / config.train)), trained_on=(config.train,))


def _square(boxes: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return centres (P, 2) and longer sides (P,) of boxes (P, 4)."""
    boxes = np.asarray(boxes, np.float64)
    return (boxes[:, :2] + boxes[:, 2:]) / 2, geometry.box_size(boxes).max(axis=-1)
