"""A landmark network that is told where a face is, and answers in fractions of a square crop around it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thermark.core import geometry
from thermark.zeroshot.contract import Floats, Given, Image, Instances

# Crops (N, size, size, 3) uint8 RGB -> points (N, K, 2) in fractions of the crop from its outline, scores (N, K).
Answer = Callable[[Image], tuple[NDArray[np.floating], NDArray[np.floating]]]


@dataclass(frozen=True)
class Cropped:
    """`answer` for crops of `size` px of `pad` longer sides of the prompt; the rest is a FramePredictor's."""

    answer: Answer
    size: int
    pad: float
    points: int
    vocabulary: str
    given: Given = "prompt"
    box_source: str = "prompt"
    batch: int = 16
    trained_on: tuple[str, ...] = ()

    def __call__(self, images: Sequence[Image], boxes: Sequence[Floats | None]) -> list[Instances]:
        """Return a row for each box (P, 4) of each RGB image (H, W, 3), NaN for a box that is NaN or empty."""
        told = [np.zeros((0, 4), np.float32) if own is None else np.asarray(own, np.float32) for own in boxes]
        flat = np.concatenate([np.zeros((0, 4), np.float32), *told])
        owners = np.repeat(np.arange(len(told)), [len(own) for own in told])
        rows = np.flatnonzero(np.isfinite(flat).all(axis=1) & (geometry.box_size(flat) > 0).all(axis=1))
        xy = np.full((len(flat), self.points, 2), np.nan, np.float32)
        score = np.full((len(flat), self.points), np.nan, np.float32)
        if len(rows):
            maps = np.stack([geometry.crop_to_source(flat[row], self.size, self.pad) for row in rows])
            pairs = zip(owners[rows], maps, strict=True)
            crops = np.stack([geometry.warp(images[owner], to_image, self.size) for owner, to_image in pairs])
            at, score[rows] = self.answer(crops)
            xy[rows] = geometry.apply(maps, np.asarray(at, np.float64) * self.size - 0.5)
        unknown = np.full(len(flat), np.nan, np.float32)
        ends = np.cumsum([len(own) for own in told])[:-1]
        parts = zip(*(np.split(each, ends) for each in (xy, score, flat, unknown)), strict=True)
        return [Instances(*part) for part in parts] if told else []
