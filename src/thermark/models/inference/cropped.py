"""A landmark network that is given the box of a face, and answers in fractions of a square crop around it."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from thermark.core import geometry
from thermark.core.geometry import Array
from thermark.models.inference.boxes import Rows, predict_in_boxes
from thermark.models.inference.contract import Floats, Given, Image, Instances, croppable

# Crops (N, size, size, 3) uint8 RGB -> points (N, K, 2) in fractions of the crop from its outline, scores (N, K).
Locate = Callable[[Image], tuple[NDArray[np.floating], NDArray[np.floating]]]


# Longer sides of the prompt that a square crop shows; or its widths and heights, each stretched to the same size.
Pad = float | tuple[float, float]


def as_it_is(image: Image) -> Image:
    """Return the image."""
    return image


@dataclass(frozen=True)
class Cropped:
    """`locate` for crops of `size` px that show `pad` of the prompt; the rest is as in Model.

    `prepare` turns an RGB image into what is cropped. `providers` is for models in onnxruntime.
    """

    locate: Locate
    size: int
    pad: Pad
    points: int
    vocabulary: str
    given: Given = "prompt"
    box_source: str = "prompt"
    batch: int = 16
    trained_on: tuple[str, ...] = ()
    prepare: Callable[[Image], Image] = as_it_is
    providers: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __call__(self, images: Sequence[Image], boxes: Sequence[Floats | None]) -> list[Instances]:
        """Return a row for each box (P, 4) of each RGB image (H, W, 3), NaN for a box that is NaN or empty."""
        given = [np.zeros((0, 4), np.float32) if xyxy is None else np.asarray(xyxy, np.float32) for xyxy in boxes]
        predictions = predict_in_boxes(given, self.points, croppable, sys.maxsize, partial(self._predict, images))
        return [
            Instances(*both, xyxy, np.full(len(xyxy), np.nan, np.float32))
            for both, xyxy in zip(predictions, given, strict=True)
        ]

    def _predict(
        self, images: Sequence[Image], owners: Rows, boxes: Floats
    ) -> tuple[NDArray[np.floating], Floats]:
        """Return xy (B, K, 2) and score (B, K) for boxes (B, 4) in images number `owners` (B,)."""
        maps = np.stack([region(box, self.size, self.pad) for box in boxes])
        prepared = {number: self.prepare(images[number]) for number in np.unique(owners)}
        pairs = zip(owners, maps, strict=True)
        crops = np.stack([geometry.warp(prepared[number], to_image, self.size) for number, to_image in pairs])
        xy, score = self.locate(crops)
        return geometry.apply(maps, np.asarray(xy, np.float64) * self.size - 0.5), score.astype(np.float32)


def region(box: NDArray[np.floating], size: int, pad: Pad) -> Array:
    """Return the (2, 3) map from pixels of a crop about `box` (4,) to those of the frame."""
    if not isinstance(pad, tuple):
        return geometry.crop_to_source(box, size, pad)
    corners = np.asarray(box, np.float64).reshape(2, 2)
    sides = (corners[1] - corners[0]) * pad
    scale = sides / size
    first = corners.mean(axis=0) - sides / 2 + scale / 2  # centre of the crop's first pixel
    return np.concatenate([np.diag(scale), first[:, None]], axis=1)
