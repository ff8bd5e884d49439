"""The pictures of a real camera in memory, and what a network says of their faces in boxes of every kind."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.core.config import parse
from thermark.core.faces import Faces
from thermark.core.predictions import Predictions
from thermark.report.transfer.boxes import Boxes
from thermark.report.transfer.others import unseen

Image = NDArray[np.uint8]
# Images (H, W), and boxes (P, 4) of each -> points (P, K, 2) in its pixels and scores (P, K) of each.
Located = Callable[[Sequence[Image], Sequence[Boxes]], Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]]]
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


def predictions(
    name: str, vocabulary: str, locate: Located, pictures: Pictures, kinds: Mapping[str, Boxes]
) -> dict[str, Predictions]:
    """Return kind of box -> what `locate` says of every face in its box (N, 4) of that kind."""
    return {kind: _predicted(name, vocabulary, locate, pictures, boxes) for kind, boxes in kinds.items()}


def _predicted(name: str, vocabulary: str, locate: Located, pictures: Pictures, boxes: Boxes) -> Predictions:
    points, scores = [], []
    for start in range(0, len(boxes), BATCH):
        part = slice(start, start + BATCH)
        for xy, score in locate(pictures.images[part], [box[None] for box in boxes[part]]):
            points.append(xy)
            scores.append(score)
    empty = unseen(name, vocabulary, pictures.faces, boxes)
    return replace(empty, xy=np.concatenate(points), score=np.concatenate(scores))
