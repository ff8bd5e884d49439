"""The pictures of a real camera in memory, and what a network says of their faces in boxes of every kind."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.core.faces import Faces
from thermark.core.geometry import box_size
from thermark.core.predictions import Predictions
from thermark.report.transfer.boxes import Boxes, kinds

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

    Raises DataError where there is none.
    """
    module = import_module(f"thermark.datasets.{loader}")
    config = module.Config(raw=root.name, **settings)
    loaded = module.load(root, config)
    paths = dict(zip(loaded.frames.ids.tolist(), loaded.frames.paths.tolist(), strict=True))
    images = tuple(module.read(root / paths[str(frame)], config) for frame in loaded.faces.frames)
    return Pictures(loaded.faces, images)


def predictions(name: str, vocabulary: str, locate: Located, pictures: Pictures) -> dict[str, Predictions]:
    """Return kind of box -> what `locate` says of every face."""
    return {
        kind: _predicted(name, vocabulary, locate, pictures, boxes)
        for kind, boxes in kinds(pictures.faces).items()
    }


def others_mean(pictures: Pictures) -> dict[str, Predictions]:
    """Return kind of box -> the mean face of the *other* subjects in each box: what not looking is worth."""
    faces = pictures.faces
    name = str(faces.vocabularies[0])
    made = {}
    for kind, boxes in kinds(faces).items():
        centre, side = (boxes[:, :2] + boxes[:, 2:]) / 2, box_size(boxes).max(axis=1)
        shapes = (faces.xy - centre[:, None]) / side[:, None, None]
        xy = np.full(faces.xy.shape, np.nan, np.float32)
        for subject in np.unique(faces.subjects):
            own = faces.subjects == subject
            if not own.all():
                xy[own] = centre[own, None] + np.nanmean(shapes[~own], axis=0) * side[own, None, None]
        made[kind] = replace(_empty("mean_of_others", name, faces, boxes), xy=xy)
    return made


def _predicted(name: str, vocabulary: str, locate: Located, pictures: Pictures, boxes: Boxes) -> Predictions:
    points, scores = [], []
    for start in range(0, len(boxes), BATCH):
        part = slice(start, start + BATCH)
        for xy, score in locate(pictures.images[part], [box[None] for box in boxes[part]]):
            points.append(xy)
            scores.append(score)
    empty = _empty(name, vocabulary, pictures.faces, boxes)
    return replace(empty, xy=np.concatenate(points), score=np.concatenate(scores))


def _empty(name: str, vocabulary: str, faces: Faces, boxes: Boxes) -> Predictions:
    base = Predictions.none(name, "", "ok", "")
    nothing = np.full(len(faces), np.nan, np.float32)
    rows = np.arange(len(faces))
    return replace(
        base,
        vocabulary=vocabulary,
        box_source="prompt",
        frames=faces.frames,
        faces=rows,
        score=np.ones((len(faces), 1), np.float32),
        boxes=boxes,
        box_score=nothing,
    )
