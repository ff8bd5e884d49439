"""The pictures of a real camera in memory, and what a network predicts for their faces in given boxes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from thermark.core import geometry
from thermark.core.config import parse
from thermark.core.faces import Faces
from thermark.core.predictions import Predictions
from thermark.report.transfer import boxes as given
from thermark.report.transfer.boxes import Boxes

Image = NDArray[np.uint8]
# Images (H, W), and boxes (P, 4) of each -> points (P, K, 2) in its pixels and scores (P, K) of each.
Locate = Callable[[Sequence[Image], Sequence[Boxes]], Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]]]
BATCH = 64


@dataclass(frozen=True)
class Pictures:
    """`faces` (N,), and of each the `images` (H, W) uint8 that it is on, whole frames as the loader reads them."""

    faces: Faces
    images: tuple[Image, ...]


def read(loader: str, root: Path, **settings: Any) -> Pictures:
    """Read a data set into memory, one picture a face; `settings` are those of its loader.

    Raises DataError where there is none, ConfigError for wrong settings.
    """
    module = import_module(f"thermark.datasets.{loader}")
    config = parse({"raw": root.name, **settings}, module.Config, loader)
    loaded = module.load(root, config)
    paths = dict(zip(loaded.frames.ids.tolist(), loaded.frames.paths.tolist(), strict=True))
    images = tuple(module.read(root / paths[str(frame)], config) for frame in loaded.faces.frames)
    return Pictures(loaded.faces, images)


def reduced(pictures: Pictures, times: int) -> Pictures:
    """Return the pictures as a sensor of so many times fewer columns and rows would see them, with their labels.

    A pixel is the mean of `times` x `times` pixels: what is left of a face so many times further away.
    """
    faces = pictures.faces
    sides = [(_size(image, times), image.shape[::-1]) for image in pictures.images]
    scales = np.array([np.divide(*both) for both in sides])[:, None]
    boxes, prompts = (
        geometry.resized(column.reshape(-1, 2, 2), scales).reshape(-1, 4).astype(np.float32)
        for column in (faces.boxes, faces.prompts)
    )
    xy = geometry.resized(faces.xy, scales).astype(np.float32)
    images = tuple(
        np.asarray(cv2.resize(image, _size(image, times), interpolation=cv2.INTER_AREA), np.uint8)
        for image in pictures.images
    )
    return Pictures(replace(faces, boxes=boxes, prompts=prompts, xy=xy), images)


def _size(image: Image, times: int) -> tuple[int, int]:
    """Return width and height of a picture (H, W) that many times smaller."""
    height, width = image.shape
    return max(1, round(width / times)), max(1, round(height / times))


def predict(name: str, vocabulary: str, locate: Locate, pictures: Pictures, boxes: Boxes) -> Predictions:
    """Return what `locate` predicts for every face in its box (N, 4), NaN for a miss."""
    parts: list[tuple[Boxes, Boxes]] = []
    for start in range(0, len(boxes), BATCH):
        rows = slice(start, start + BATCH)
        parts += locate(pictures.images[rows], [box[None] for box in boxes[rows]])
    xy, score = (np.concatenate(column) for column in zip(*parts, strict=True))
    return given.predictions(name, vocabulary, pictures.faces, boxes, xy, score)
