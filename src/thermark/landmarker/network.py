"""Points in the boxes of faces, by the shipped landmark network."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark import landmarks
from thermark.core import geometry
from thermark.core.geometry import Array
from thermark.landmarker import simcc
from thermark.landmarker.card import ShippedLandmarks
from thermark.landmarker.result import Floats

INPUT, OUTPUTS = "input", ("simcc_x", "simcc_y")
AT_ONCE = 64  # crops in one call: bounds the memory that a crowd takes


@dataclass(frozen=True)
class LandmarkSession:
    """A session of onnxruntime: `input` (N, 3, S, S), normalised, to the logits of SimCC along x and y.

    With `flip` those of an image and of its mirror image are averaged, at twice the time. Crops are cut as
    models/learned.py cuts them, so that its answers are those of the evaluation.
    """

    session: Any
    card: ShippedLandmarks
    flip: bool = False

    def on_boxes(self, grey: NDArray[np.uint8], boxes: Floats) -> tuple[Floats, Floats]:
        """Return points (F, K, 2) in pixels of a picture (H, W) and scores (F, K) for boxes (F, 4).

        A box that is NaN or has no area gives a row of NaN.
        """
        maps = np.full((len(boxes), 2, 3), np.nan)
        crops = []
        with np.errstate(invalid="ignore"):
            usable = np.isfinite(boxes).all(axis=1) & (geometry.box_size(boxes).max(axis=1) > 0)
        for row in np.flatnonzero(usable):
            crop, maps[row] = self._cut(grey, boxes[row])
            crops.append(crop)
        return self._located(crops, maps)

    def on_crops(self, pixels: NDArray[np.uint8], to_source: Array, padding: float) -> tuple[Floats, Floats]:
        """Return the same, in source pixels, from packed crops (N, S, S[, 3]) as core/faces.py describes them."""
        to_crop = self._to_packed(pixels.shape[1], padding)
        crops, maps = [], np.full(to_source.shape, np.nan)
        for row in np.flatnonzero(np.isfinite(to_source).all(axis=(1, 2))):
            crops.append(self.from_packed(pixels[row], padding))
            maps[row] = geometry.compose(to_source[row], to_crop)
        return self._located(crops, maps)

    def from_packed(self, pixels: NDArray[np.uint8], padding: float) -> NDArray[np.uint8]:
        """Return the network's image of a packed crop (S, S[, 3]) that shows `padding` times a box."""
        return geometry.warp(pixels, self._to_packed(len(pixels), padding), self.card.input_size)

    def normalised(self, crops: Sequence[NDArray[np.uint8]]) -> Floats:
        """Return crops, grey (S, S) or RGB (S, S, 3), as the network's input (N, 3, S, S)."""
        stack = np.stack([crop if crop.ndim == 3 else crop[..., None] for crop in crops]).astype(np.float32)
        images = (stack - np.array(self.card.mean, np.float32)) / np.array(self.card.std, np.float32)
        return np.ascontiguousarray(images.transpose(0, 3, 1, 2))

    def _to_packed(self, side: int, padding: float) -> Array:
        """Return the map from pixels of the network's image to those of a packed crop of `side` px."""
        return geometry.input_to_crop(self.card.input_size, self.card.padding, side, padding)

    def _cut(self, grey: NDArray[np.uint8], box: Floats) -> tuple[NDArray[np.uint8], Array]:
        """Return the network's image for a box (4,), and its map to the picture."""
        size, padding = self.card.input_size, self.card.padding
        if self.card.cropped is None:
            to_source = geometry.crop_to_source(box, size, padding)
            return geometry.warp(grey, to_source, size), to_source
        # It learned from faces that had been cropped before, and sees them so.
        side, wider = self.card.cropped
        packed = geometry.crop_to_source(box, side, wider)
        crop = self.from_packed(geometry.warp(grey, packed, side), wider)
        return crop, geometry.compose(packed, self._to_packed(side, wider))

    def _located(self, crops: Sequence[NDArray[np.uint8]], to_source: Array) -> tuple[Floats, Floats]:
        """Return points and scores for the finite rows of `to_source` (F, 2, 3), whose images are `crops`."""
        rows = np.flatnonzero(np.isfinite(to_source).all(axis=(1, 2)))
        points = len(landmarks.load(self.card.vocabulary))
        xy = np.full((len(to_source), points, 2), np.nan, np.float32)
        score = np.full((len(to_source), points), np.nan, np.float32)
        for start in range(0, len(rows), AT_ONCE):
            part = rows[start : start + AT_ONCE]
            located, score[part] = self._forward(self.normalised(crops[start : start + AT_ONCE]))
            xy[part] = geometry.apply(to_source[part], located)
        return xy, score

    def _forward(self, images: Floats) -> tuple[Floats, Floats]:
        x, y = self.session.run(list(OUTPUTS), {INPUT: images})
        if self.flip:
            partner = landmarks.load(self.card.vocabulary).flip
            mirror_x, mirror_y = self.session.run(list(OUTPUTS), {INPUT: np.ascontiguousarray(images[..., ::-1])})
            other_x, other_y = simcc.unflipped(mirror_x, mirror_y, partner)
            x, y = (x + other_x) / 2, (y + other_y) / 2
        return simcc.decode(x, y)
