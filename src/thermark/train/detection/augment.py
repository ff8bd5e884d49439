"""Random views of frames with their boxes: pure functions of a generator."""

from math import exp, log
from typing import Annotated, Self

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat, model_validator

from thermark.core import geometry
from thermark.core.config import Section
from thermark.nets.face_detector import GREY
from thermark.train.detection.frames import INSIDE, SMALLEST, LabelledFrame, within

Image = NDArray[np.uint8]
Fraction = Annotated[float, Field(ge=0, le=1)]
GONE = 0.02  # of a box that shows: a face of which less is left is not there at all
Rectangle = tuple[int, int, int, int]  # x, y, width and height in px


class FrameAugment(Section):
    """How far random views of a frame go; every `_p` is a probability.

    `anchor_p`: the frame is resized so that one of its faces is as high as a number of px drawn from `heights`,
    uniformly in its logarithm (data-anchor sampling, Tang et al. 2018, PyramidBox): all sizes are learned alike,
    whatever the set has; but by no more than `zoom`, beyond which there would be nothing but blur. Else the frame
    is seen whole. What a frame leaves of the picture shows another one with probability `paste_p`, else plain
    grey. `invert_p`: warm becomes dark: cameras have either polarity. `gamma` bounds the exponent's logarithm,
    `contrast` and `brightness` are fractions of the range: automatic gain makes levels arbitrary. `blur_p`,
    `coarse_p` (a quarter to nine tenths of the pixels along an axis), `noise` (of the range) and `noise_p` are
    those of lesser cameras; `hole_p` of up to three grey rectangles with sides of up to `hole` of the picture's.
    """

    flip_p: Fraction = 0.5
    anchor_p: Fraction = 0.8
    heights: tuple[PositiveFloat, PositiveFloat] = (16.0, 230.0)
    zoom: tuple[PositiveFloat, PositiveFloat] = (0.15, 2.0)
    paste_p: Fraction = 0.7
    invert_p: Fraction = 0.5
    gamma: float = Field(0.5, ge=0, le=2)
    contrast: Fraction = 0.4
    brightness: Fraction = 0.2
    blur_p: Fraction = 0.2
    coarse_p: Fraction = 0.2
    noise: Fraction = 0.05
    noise_p: Fraction = 0.3
    hole_p: Fraction = 0.25
    hole: Fraction = 0.3

    @model_validator(mode="after")
    def _ranges_rise(self) -> Self:
        for name in ("heights", "zoom"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"`{name}` is not from low to high")
        return self


def view(
    frame: LabelledFrame,
    other: LabelledFrame,
    size: tuple[int, int],
    rng: np.random.Generator,
    limits: FrameAugment,
    smallest: float = SMALLEST,
) -> LabelledFrame:
    """Return a random view of `size` (width, height) px of a frame, beside which `other` may show.

    A face whose longer side comes out below `smallest` px is ignored.
    """
    width, height = size
    frame, other = toned(frame, rng, limits), toned(other, rng, limits)
    zoom, focus = _zoom(frame, size, rng, limits)
    front, place = placed(frame, size, zoom, _corner(frame, size, zoom, focus, rng), smallest)
    if place[2] < width or place[3] < height:
        back = _behind(other, size, rng, smallest) if rng.random() < limits.paste_p else plain(size, rng)
        front = over(front, place, back)
    image = _degraded(front.image, rng, limits)
    return _punched(LabelledFrame(image, front.boxes, front.ignored), rng, limits)


def toned(frame: LabelledFrame, rng: np.random.Generator, limits: FrameAugment) -> LabelledFrame:
    """Return a frame at other grey levels, perhaps in the other polarity, and perhaps mirrored."""
    flip, invert = rng.random(2) < (limits.flip_p, limits.invert_p)
    change = rng.uniform(-1, 1, 3) * (limits.gamma, limits.contrast, limits.brightness)
    levels = (np.arange(256) / 255) ** exp(change[0])
    levels = (levels - 0.5) * (1 + change[1]) + 0.5 + change[2]
    table = np.rint(np.clip(levels, 0, 1) * 255).astype(np.uint8)
    image = cv2.LUT(frame.image, table[::-1] if invert else table)
    if not flip:
        return LabelledFrame(np.asarray(image, np.uint8), frame.boxes, frame.ignored)
    edge = frame.image.shape[1] - 1
    boxes = frame.boxes.copy()
    boxes[:, [0, 2]] = edge - frame.boxes[:, [2, 0]]
    return LabelledFrame(np.ascontiguousarray(image[:, ::-1]), boxes, frame.ignored)


def _zoom(
    frame: LabelledFrame, size: tuple[int, int], rng: np.random.Generator, limits: FrameAugment
) -> tuple[float, tuple[float, float] | None]:
    """Return by how much a frame is enlarged, and the point of it that has to be in the picture, if any."""
    fits = min(size[0] / frame.image.shape[1], size[1] / frame.image.shape[0])
    chance, draw, pick = rng.random(3)
    if chance >= limits.anchor_p:
        return fits, None
    faces = np.flatnonzero(~frame.ignored)
    if not len(faces):
        return exp(log(limits.zoom[0]) + draw * log(limits.zoom[1] / limits.zoom[0])), None
    box = frame.boxes[faces[int(pick * len(faces))]]
    height = exp(log(limits.heights[0]) + draw * log(limits.heights[1] / limits.heights[0]))
    zoom = float(np.clip(height / float(box[3] - box[1]), *limits.zoom))
    return zoom, (float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2)


def _corner(
    frame: LabelledFrame,
    size: tuple[int, int],
    zoom: float,
    focus: tuple[float, float] | None,
    rng: np.random.Generator,
) -> tuple[int, int]:
    """Return where the upper left corner of the enlarged frame goes: no more grey than there has to be."""
    corner = []
    for axis, draw in enumerate(rng.random(2)):
        side = round(frame.image.shape[1 - axis] * zoom)
        free = size[axis] - side
        at = round(draw * free) if focus is None else round(draw * size[axis] - focus[axis] * zoom)
        corner.append(min(max(at, min(free, 0)), max(free, 0)))
    return corner[0], corner[1]


def placed(
    frame: LabelledFrame, size: tuple[int, int], zoom: float, corner: tuple[int, int], smallest: float = SMALLEST
) -> tuple[LabelledFrame, Rectangle]:
    """Return a picture of `size` with a frame enlarged by `zoom`, its first pixel at `corner`, and where it is.

    What the frame does not cover is 0. Boxes that hardly show are dropped, those that show too little are ignored.
    """
    wide, high = (max(1, round(side * zoom)) for side in frame.image.shape[1::-1])
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(frame.image, (wide, high), interpolation=how)
    x, y = corner
    left, top, right, low = max(x, 0), max(y, 0), min(x + wide, size[0]), min(y + high, size[1])
    image = np.zeros(size[::-1], np.uint8)
    image[top:low, left:right] = resized[top - y : low - y, left - x : right - x]
    scale = np.array([wide, high]) / frame.image.shape[1::-1]
    boxes = geometry.resized(frame.boxes.reshape(-1, 2, 2), scale) + np.array(corner)
    boxes = boxes.reshape(-1, 4).astype(np.float32)
    moved = LabelledFrame(
        image, boxes, frame.ignored | (geometry.box_size(boxes).max(axis=1, initial=0) < smallest)
    )
    place = (left, top, right - left, low - top)
    # What is beyond the frame shows nowhere, also where the picture goes on.
    return reduced(moved, covered(boxes, place)), place


def reduced(frame: LabelledFrame, visible: NDArray[np.floating]) -> LabelledFrame:
    """Return a frame without the faces of which next to nothing is `visible` (M,), ignoring those of few parts."""
    kept = visible > GONE
    return LabelledFrame(frame.image, frame.boxes[kept], (frame.ignored | (visible < INSIDE))[kept])


def over(front: LabelledFrame, place: Rectangle, back: LabelledFrame) -> LabelledFrame:
    """Return the picture `front`, of which the rectangle `place` alone counts, over another of the same size."""
    x, y, wide, high = place
    image = back.image.copy()
    image[y : y + high, x : x + wide] = front.image[y : y + high, x : x + wide]
    rest = reduced(back, within(back.boxes, *image.shape[1::-1]) - covered(back.boxes, place))
    return LabelledFrame(
        image, np.concatenate([front.boxes, rest.boxes]), np.concatenate([front.ignored, rest.ignored])
    )


def covered(boxes: NDArray[np.float32], place: Rectangle) -> NDArray[np.float64]:
    """Return the part (M,) of the area of boxes (M, 4) that is under a rectangle of pixels."""
    x, y, wide, high = place
    return within(boxes - np.array([x, y, x, y], np.float32), wide, high)


def _behind(
    other: LabelledFrame, size: tuple[int, int], rng: np.random.Generator, smallest: float
) -> LabelledFrame:
    """Return a frame that fills the picture, at a random place."""
    fills = max(size[0] / other.image.shape[1], size[1] / other.image.shape[0])
    zoom = fills * float(rng.uniform(1.0, 1.5))
    return placed(other, size, zoom, _corner(other, size, zoom, None, rng), smallest)[0]


def plain(size: tuple[int, int], rng: np.random.Generator) -> LabelledFrame:
    """Return a picture of one grey level: half of the time of the one that pads pictures."""
    level = round(GREY) if rng.random() < 0.5 else int(rng.integers(256))
    return LabelledFrame(np.full(size[::-1], level, np.uint8), *_none())


def _none() -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    return np.zeros((0, 4), np.float32), np.zeros(0, bool)


def _degraded(image: Image, rng: np.random.Generator, limits: FrameAugment) -> Image:
    """Return a picture as a lesser camera shows it: blurred, coarse, noisy."""
    chance = rng.random(3)
    height, width = image.shape
    if chance[0] < limits.blur_p:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.5, 1.5))), np.uint8)
    if chance[1] < limits.coarse_p:
        part = float(rng.uniform(0.25, 0.9))
        small = cv2.resize(image, (round(width * part), round(height * part)), interpolation=cv2.INTER_AREA)
        image = np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    if chance[2] < limits.noise_p:
        noise = rng.standard_normal(image.shape, np.float32) * np.float32(255 * limits.noise * rng.random())
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    return np.asarray(image, np.uint8)


def _punched(frame: LabelledFrame, rng: np.random.Generator, limits: FrameAugment) -> LabelledFrame:
    """Return a frame with grey rectangles over it; a face that is mostly under one is ignored."""
    if rng.random() >= limits.hole_p:
        return frame
    image = frame.image.copy()
    height, width = image.shape
    ignored = frame.ignored
    for _ in range(int(rng.integers(1, 4))):
        wide, high = (
            max(1, round(side * limits.hole * part))
            for side, part in zip((width, height), rng.random(2), strict=True)
        )
        x, y = (int(part * free) for free, part in zip((width - wide, height - high), rng.random(2), strict=True))
        image[y : y + high, x : x + wide] = int(rng.integers(256))
        ignored = ignored | (covered(frame.boxes, (x, y, wide, high)) > 1 - INSIDE)
    return LabelledFrame(image, frame.boxes, ignored)
