"""Our own face detector by itself: in each box that it finds, the mean landmarks of the faces it was trained on.

The points are what a box alone tells about them: the floor for whatever looks inside.
"""

import json
from functools import partial

import numpy as np
from pydantic import Field, PositiveInt

from thermark import landmarks
from thermark.core.errors import DataError
from thermark.core.geometry import box_size
from thermark.models.inference import face_finder
from thermark.models.inference.contract import Assets, BundleConfig, Floats, Image, Instances
from thermark.models.inference.face_finder import FaceFinder
from thermark.models.inference.finder import Finder


class Config(BundleConfig):
    """`file` of the bundle `weights`; `threshold` of the score, `nms` of the overlap, by default the file's own.

    `threads`: of onnxruntime, in native arithmetic.
    """

    file: str = "detector.onnx"
    threshold: float | None = Field(default=None, gt=0, le=1)
    nms: float | None = Field(default=None, gt=0, le=1)
    threads: PositiveInt = 2


def load(config: Config, assets: Assets, device: str) -> Finder:
    """Open the detector; raises DataError for a file of something else, SetupError for an absent device."""
    path = assets.weights.file(config.file)
    finder = face_finder.load(path, device, config.threads, config.threshold, config.nms)
    metadata = face_finder.about(finder)
    shape = np.array(json.loads(metadata["shape"]), np.float32)
    if len(shape) != len(landmarks.load(metadata["vocabulary"])):
        raise DataError(f"{path.name} has {len(shape)} points, not those of its vocabulary", "export it again")
    find = partial(faces, finder=finder, shape=shape)
    return Finder(
        find,
        metadata["vocabulary"],
        face_finder.KIND,
        trained_on=tuple(json.loads(metadata["trained_on"])),
        providers=finder.providers,
    )


def faces(image: Image, finder: FaceFinder, shape: Floats) -> Instances:
    """Return what is found in an RGB image, `shape` (K, 2) in each box; a point's score is its face's."""
    boxes, scores = finder.faces(face_finder.grey(image))
    xy = boxes[:, None, :2] + box_size(boxes)[:, None] * shape
    return Instances(xy.astype(np.float32), np.repeat(scores[:, None], len(shape), axis=1), boxes, scores)
