"""A landmark network that is told where a face is, and answers in fractions of a square crop around it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from thermark.core import geometry
from thermark.core.geometry import Array
from thermark.models.inference.contract import Floats, Given, Image, Instances, croppable

# Crops (N, size, size, 3) uint8 RGB -> points (N, K, 2) in fractions of the crop from its outline, scores (N, K).
Answer = Callable[[Image], tuple[NDArray[np.floating], NDArray[np.floating]]]


# Longer sides of the prompt that a square crop shows; or its widths and heights, each stretched to the same size.
Pad = float | tuple[float, float]


def as_it_is(image: Image) -> Image:
    """Return the image."""
    return image


@dataclass(frozen=True)
class Cropped:
    """`answer` for crops of `size` px that show `pad` of the prompt; the rest is a FramePredictor's.

    `shown` makes of an RGB image what is cropped. `providers` is of who uses onnxruntime.
    """

    answer: Answer
    size: int
    pad: Pad
    points: int
    vocabulary: str
    given: Given = "prompt"
    box_source: str = "prompt"
    batch: int = 16
    trained_on: tuple[str, ...] = ()
    shown: Callable[[Image], Image] = as_it_is
    providers: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __call__(self, images: Sequence[Image], boxes: Sequence[Floats | None]) -> list[Instances]:
        """Return a row for each box (P, 4) of each RGB image (H, W, 3), NaN for a box that is NaN or empty."""
        told = [np.zeros((0, 4), np.float32) if own is None else np.asarray(own, np.float32) for own in boxes]
        flat = np.concatenate([np.zeros((0, 4), np.float32), *told])
        owners = np.repeat(np.arange(len(told)), [len(own) for own in told])
        rows = croppable(flat)
        xy = np.full((len(flat), self.points, 2), np.nan, np.float32)
        score = np.full((len(flat), self.points), np.nan, np.float32)
        if len(rows):
            maps = np.stack([region(flat[row], self.size, self.pad) for row in rows])
            seen = {owner: self.shown(images[owner]) for owner in np.unique(owners[rows])}
            pairs = zip(owners[rows], maps, strict=True)
            crops = np.stack([geometry.warp(seen[owner], to_image, self.size) for owner, to_image in pairs])
            at, score[rows] = self.answer(crops)
            xy[rows] = geometry.apply(maps, np.asarray(at, np.float64) * self.size - 0.5)
        unknown = np.full(len(flat), np.nan, np.float32)
        ends = np.cumsum([len(own) for own in told])[:-1]
        parts = zip(*(np.split(each, ends) for each in (xy, score, flat, unknown)), strict=True)
        return [Instances(*part) for part in parts] if told else []


def region(box: NDArray[np.floating], size: int, pad: Pad) -> Array:
    """Return the (2, 3) map from pixels of a crop about `box` (4,) to those of the frame."""
    if not isinstance(pad, tuple):
        return geometry.crop_to_source(box, size, pad)
    corners = np.asarray(box, np.float64).reshape(2, 2)
    sides = (corners[1] - corners[0]) * pad
    scale = sides / size
    first = corners.mean(axis=0) - sides / 2 + scale / 2  # centre of the crop's first pixel
    return np.concatenate([np.diag(scale), first[:, None]], axis=1)
