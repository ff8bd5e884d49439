"""Random views of a face: pure functions of a generator, so that order, threads and resuming do not matter.

Geometry and holes are drawn apart from photometry: paired images of one face share the former, not the latter.
"""

from dataclasses import dataclass, replace
from typing import Annotated

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import ndtr, ndtri

from thermark.core import geometry
from thermark.core.config import Section
from thermark.core.geometry import Array
from thermark.train.thermal import Thermal

Image = NDArray[np.uint8]
Fraction = Annotated[float, Field(ge=0, le=1)]


class BoxVariation(Section):
    """Boxes as other publishers and detectors draw them, with probability `p`, against the tight ones.

    `larger`: bounds of the longer side, in that of the tight box; `down`: bounds of how much further down the box
    is, as a part of the plain picture's side. Publishers' boxes are 1.13 to 1.19 times as high as tight ones and
    lie 6 % of their height further up (datasets/readers/boxes.py).
    """

    p: Fraction = 0.0
    larger: tuple[float, float] = (1.0, 1.25)
    down: tuple[float, float] = (-0.08, 0.02)


class Augment(Section):
    """How far random views go; every `_p` is a probability, lengths are fractions of the image side.

    Scale, rotation (degrees) and shift are drawn from a normal distribution truncated at the stated limits, one
    standard deviation wide, as in the RTMPose recipes. Those go further (scale 0.25 to 0.5, rotation 60 to 80,
    shift 0.16, hole_p 0.5 to 1) and train 50 times longer: within a thousand steps from random weights, mild views
    win. `hue`, `saturation` and `value` bound the jitter of colour images, in OpenCV's 8-bit units (180 hues),
    each applied half of the time, as in YOLOX.

    All that follows is off by default and has random streams of its own. `aspect`: the picture is stretched along
    one axis and shrunk along the other, by up to so much: heads and pixels differ in proportions. `boxes`: other
    conventions of boxes. `thermal`: other cameras, for grey pictures alone.
    """

    flip_p: Fraction = 0.5
    scale: float = Field(0.15, ge=0, lt=1)
    rotation: float = Field(20.0, ge=0, le=180)
    rotation_p: Fraction = 0.6
    shift: Fraction = 0.05
    shift_p: Fraction = 0.5
    brightness: Fraction = 0.2
    contrast: Fraction = 0.2
    hue: float = Field(5.0, ge=0, le=90)
    saturation: float = Field(30.0, ge=0, le=255)
    value: float = Field(30.0, ge=0, le=255)
    blur_p: Fraction = 0.1
    noise: Fraction = 0.02
    noise_p: Fraction = 0.1
    hole_p: Fraction = 0.0
    hole: tuple[Fraction, Fraction] = (0.2, 0.4)
    aspect: float = Field(0.0, ge=0, lt=0.5)
    boxes: BoxVariation = BoxVariation()
    thermal: Thermal = Thermal()

    @property
    def reframes(self) -> bool:
        """Whether `reframed` may change a view."""
        return self.aspect > 0 or self.boxes.p > 0


@dataclass(frozen=True)
class ViewGeometry:
    """One drawn geometry: flip, size of the content relative to the plain view, degrees, shift, hole (or None).

    `stretch`: the width of the content is so many times, its height so many parts of what it would be.
    """

    flip: bool
    scale: float
    degrees: float
    shift: tuple[float, float]
    hole: tuple[float, float, float, float] | None
    stretch: float = 1.0


PLAIN = ViewGeometry(flip=False, scale=1.0, degrees=0.0, shift=(0.0, 0.0), hole=None)


def draw(rng: np.random.Generator, limits: Augment) -> ViewGeometry:
    """Draw a view; the number of variates taken from `rng` is always the same."""
    chance = rng.random(4)
    extent = truncated_normal(rng, 4)
    hole = rng.random(4)
    turn = extent[1] * limits.rotation if chance[1] < limits.rotation_p else 0.0
    shift = extent[2:] * limits.shift if chance[2] < limits.shift_p else (0.0, 0.0)
    return ViewGeometry(
        flip=bool(chance[0] < limits.flip_p),
        scale=float(1 + extent[0] * limits.scale),
        degrees=float(turn),
        shift=(float(shift[0]), float(shift[1])),
        hole=_hole(hole, limits.hole) if chance[3] < limits.hole_p else None,
    )


def reframed(view: ViewGeometry, rng: np.random.Generator, limits: Augment) -> ViewGeometry:
    """Return a view in another proportion and another convention of boxes; five variates always."""
    chance, larger, down, aspect, _ = rng.random(5)
    boxes = limits.boxes
    if chance < boxes.p:
        side = boxes.larger[0] + (boxes.larger[1] - boxes.larger[0]) * larger
        lower = boxes.down[0] + (boxes.down[1] - boxes.down[0]) * down
        view = replace(view, scale=float(view.scale / side), shift=(view.shift[0], float(view.shift[1] - lower)))
    return replace(view, stretch=float(1 + limits.aspect * (2 * aspect - 1)))


def truncated_normal(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Return `count` standard normal variates conditioned on [-1, 1], by inversion: one uniform variate each."""
    low, high = ndtr(-1.0), ndtr(1.0)
    variates: NDArray[np.float64] = ndtri(low + (high - low) * rng.random(count))
    return variates


def _hole(uniform: NDArray[np.float64], limits: tuple[float, float]) -> tuple[float, float, float, float]:
    sides = limits[0] + (limits[1] - limits[0]) * uniform[:2]
    corner = uniform[2:] * (1 - sides)
    return float(corner[0]), float(corner[1]), float(sides[0]), float(sides[1])


def matrix(view: ViewGeometry, size: int) -> Array:
    """Return the (2, 3) map from the pixels of the view to those of the plain image, both `size` square."""
    middle = (size - 1) / 2
    # A larger content means that the view sees less of the plain image.
    to_plain = geometry.rotation_about((middle, middle), view.degrees, 1 / view.scale)
    to_plain[:, 2] -= np.array(view.shift) * size
    if view.stretch != 1:
        sides = np.array([1 / view.stretch, view.stretch])
        to_plain = geometry.compose(to_plain, np.column_stack([np.diag(sides), middle * (1 - sides)]))
    if not view.flip:
        return to_plain
    return geometry.compose(to_plain, np.array([[-1.0, 0.0, size - 1], [0.0, 1.0, 0.0]]))


def jitter(image: Image, rng: np.random.Generator, limits: Augment) -> Image:
    """Return an RGB image (H, W, 3) with another hue, saturation and value."""
    on = rng.random(3) < 0.5
    shift = np.rint(on * rng.uniform(-1, 1, 3) * [limits.hue, limits.saturation, limits.value]).astype(np.int16)
    if not shift.any():
        return image
    levels = np.arange(256, dtype=np.int16)
    hues = ((levels + shift[0]) % 180).astype(np.uint8)
    others = [np.clip(levels + step, 0, 255).astype(np.uint8) for step in shift[1:]]
    table = np.stack([hues, *others], axis=-1)[None]
    other = cv2.LUT(cv2.cvtColor(image, cv2.COLOR_RGB2HSV), table)
    return np.asarray(cv2.cvtColor(other, cv2.COLOR_HSV2RGB), np.uint8)


def distort(image: Image, rng: np.random.Generator, limits: Augment) -> Image:
    """Return an image (H, W) or (H, W, 3) with other brightness and contrast, sometimes blurred or noisy."""
    gain = 1 + limits.contrast * rng.uniform(-1, 1)
    offset = 255 * limits.brightness * rng.uniform(-1, 1)
    middle = 127.5
    levels = np.clip((np.arange(256) - middle) * gain + middle + offset, 0, 255)
    image = np.asarray(cv2.LUT(image, np.rint(levels).astype(np.uint8)), np.uint8)
    if rng.random() < limits.blur_p:
        blurred = cv2.blur(image, (3, 3)) if rng.random() < 0.5 else cv2.medianBlur(image, 3)
        image = np.asarray(blurred, np.uint8)
    if rng.random() < limits.noise_p:
        noise = rng.standard_normal(image.shape, np.float32) * np.float32(255 * limits.noise)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    return image


def punch(image: Image, view: ViewGeometry) -> Image:
    """Fill the view's hole, if it has one, with black, in place; returns the image (H, W[, C])."""
    if view.hole is not None:
        height, width = image.shape[:2]
        x, y, w, h = view.hole
        image[round(y * height) : round((y + h) * height), round(x * width) : round((x + w) * width)] = 0
    return image
