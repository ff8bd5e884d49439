"""The pictures of a real camera in memory, and what a network predicts for their faces in given boxes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def predict(name: str, vocabulary: str, locate: Locate, pictures: Pictures, boxes: Boxes) -> Predictions:
    """Return what `locate` predicts for every face in its box (N, 4), NaN for a miss."""
    parts: list[tuple[Boxes, Boxes]] = []
    for start in range(0, len(boxes), BATCH):
        rows = slice(start, start + BATCH)
        parts += locate(pictures.images[rows], [box[None] for box in boxes[rows]])
    xy, score = (np.concatenate(column) for column in zip(*parts, strict=True))
    return given.predictions(name, vocabulary, pictures.faces, boxes, xy, score)
