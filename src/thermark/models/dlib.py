"""dlib's ensembles of regression trees (Kazemi and Sullivan 2014, CVPR): 68 points, or 5, in a box.

They are run by dlib itself, which is an extra (`dlib-bin`); they speak in whole pixels, integer = pixel centre.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import numpy as np
from pydantic import NonNegativeInt, PositiveFloat

from thermark import landmarks
from thermark.core.errors import DataError
from thermark.models.inference.contract import (
    Assets,
    BundleConfig,
    Floats,
    Image,
    Instances,
    Unavailable,
    croppable,
    on_cpu,
    usable,
)
from thermark.models.inference.finder import Finder, Prompted

PACKAGE = "dlib-bin==20.0.1"  # as the extra `dlib` of pyproject.toml
Square = tuple[int, int, int, int]  # left, top, right and bottom pixel, all of them inside
Trees = Callable[[Image, Square], Floats]


class Config(BundleConfig):
    """`file` of the bundle `weights`, whose points are those of `vocabulary`.

    `given`: `prompt`, in squares that are `side` heights of the prompt wide and `lift` heights above its centre;
    `own`, in what dlib's detector finds in the frame after `upsample` doublings, as published.
    """

    file: str = "shape_predictor_68_face_landmarks.dat"
    vocabulary: Literal["ibug68", "dlib5"] = "ibug68"
    given: Literal["prompt", "own"] = "prompt"
    side: PositiveFloat = 1.1
    lift: float = 0.11
    upsample: NonNegativeInt = 1


def in_squares(image: Image, boxes: Floats, trees: Trees, config: Config) -> Instances:
    """Return a row for each box (P, 4) of an RGB image, NaN for a box that is NaN or empty."""
    xy = np.full((len(boxes), len(landmarks.load(config.vocabulary)), 2), np.nan, np.float32)
    for row in croppable(boxes):
        xy[row] = trees(image, square(boxes[row], config.side, config.lift))
    score = np.where(np.isnan(xy).any(axis=-1), np.float32(np.nan), np.float32(1))
    return Instances(xy, score, boxes, np.full(len(boxes), np.nan, np.float32))


def square(box: Floats, side: float, lift: float) -> Square:
    """Return the pixels of a square that is `side` heights of a box (4,) wide, `lift` heights above its centre."""
    left, top, right, bottom = (float(number) for number in box)
    height = bottom - top
    half, x, y = side * height / 2, (left + right) / 2, (top + bottom) / 2 - lift * height
    # The outline lies half a pixel beyond the centres of the outer pixels.
    return round(x - half + 0.5), round(y - half + 0.5), round(x + half - 0.5), round(y + half - 0.5)


def faces(image: Image, detector: Any, trees: Trees, upsample: int, points: int) -> Instances:
    """Return what dlib's detector finds in an RGB image, surest first; points score 1, for trees have none."""
    usable(image)
    rectangles, scores, _ = detector.run(image, upsample, 0.0)
    if not len(rectangles):
        return Instances.none(points)
    squares = [(box.left(), box.top(), box.right(), box.bottom()) for box in rectangles]
    xy = np.stack([trees(image, square) for square in squares])
    outline = np.array(squares, np.float32) + np.array([-0.5, -0.5, 0.5, 0.5], np.float32)
    return Instances(xy, np.ones(xy.shape[:2], np.float32), outline, np.array(scores, np.float32))


def load(config: Config, assets: Assets, device: str) -> Prompted | Finder:
    """Return the contestant; raises Unavailable without dlib, DataError for a file of something else or another
    vocabulary, SetupError for a GPU.
    """
    on_cpu(device, "dlib")
    try:
        import dlib
    except ModuleNotFoundError as error:
        raise Unavailable(f"the package dlib is not installed (`pip install {PACKAGE}`)") from error
    path, points = assets.weights.file(config.file), len(landmarks.load(config.vocabulary))
    try:
        predictor = dlib.shape_predictor(str(path))
    except RuntimeError as error:
        raise DataError(f"{path.name} is no shape predictor of dlib", "bring the weights again") from error

    def trees(image: Image, square: Square) -> Floats:
        shape = predictor(np.ascontiguousarray(image), dlib.rectangle(*square))
        return np.array([[point.x, point.y] for point in shape.parts()], np.float32)

    if len(trees(np.zeros((64, 64, 3), np.uint8), (8, 8, 55, 55))) != points:
        raise DataError(
            f"{path.name} has not the {points} points of {config.vocabulary}", "name the file's own vocabulary"
        )
    if config.given == "prompt":
        return Prompted(partial(in_squares, trees=trees, config=config), config.vocabulary)
    detector = dlib.get_frontal_face_detector()
    find = partial(faces, detector=detector, trees=trees, upsample=config.upsample, points=points)
    return Finder(find, config.vocabulary, "dlib_hog")
