"""From whatever a caller has to grey pixels, and to degrees Celsius where there are some."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from thermark.core import images
from thermark.core.errors import DataError
from thermark.core.radiometry import Celsius, Tone, in_celsius, render

LONGEST = 32766  # px: OpenCV cuts crops from no longer picture
KINDS = "give uint8 (H, W) or RGB (H, W, 3), degrees Celsius as float (H, W), or raw uint16 of a known unit"


@dataclass(frozen=True)
class Picture:
    """`grey` (H, W) uint8, and `celsius` (H, W) float32 of the same pixels, None where there is none."""

    grey: NDArray[np.uint8]
    celsius: Celsius | None


def read(image: NDArray[Any] | str | Path, tone: Tone, celsius: NDArray[Any] | None = None) -> Picture:
    """Return a picture, given as a PNG, JPEG or TIFF file or as an array, as the networks want it.

    8 bits are grey, or colours of which the luma is taken: networks that learned from grey know no palette. Floats
    are degrees Celsius, 16-bit integers centikelvin or 1/64 kelvin: `tone` makes them grey. `celsius` (H, W) says
    the temperatures of a picture of 8 bits. Raises DataError for anything else.
    """
    name = Path(image).name if isinstance(image, (str, Path)) else "the image"
    pixels = images.decode(Path(image)) if isinstance(image, (str, Path)) else np.asarray(image)
    if min(pixels.shape[:2], default=0) < images.MIN_SIDE or pixels.ndim not in (2, 3):
        raise DataError(f"{name} is {pixels.dtype} {pixels.shape}", KINDS)
    require_size(pixels, name)
    if pixels.dtype == np.uint8:
        return Picture(_grey(pixels, name), None if celsius is None else _same(celsius, pixels, name))
    if pixels.ndim != 2 or pixels.dtype.kind not in "fui":
        raise DataError(f"{name} is {pixels.dtype} {pixels.shape}", KINDS)
    if celsius is not None:
        raise DataError(f"{name} holds temperatures itself ({pixels.dtype})", "leave out `celsius`")
    degrees = pixels.astype(np.float32) if pixels.dtype.kind == "f" else in_celsius(pixels, name)
    return Picture(render(degrees, tone), degrees)


def require_size(pixels: NDArray[Any], name: str) -> None:
    """Raise DataError for a picture (H, W[, C]) that is too long."""
    longest = max(pixels.shape[:2])
    if longest > LONGEST:
        raise DataError(f"{name} is {longest} px long", f"cut it into parts of {LONGEST} px at most")


def _grey(pixels: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    if pixels.ndim == 2:
        return np.ascontiguousarray(pixels)
    if pixels.shape[2] not in (3, 4):
        raise DataError(f"{name} has {pixels.shape[2]} channels", KINDS)
    colours = np.ascontiguousarray(pixels[..., :3])
    return np.asarray(cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY), np.uint8)


def _same(celsius: NDArray[Any], pixels: NDArray[Any], name: str) -> Celsius:
    degrees = np.asarray(celsius)
    if degrees.dtype.kind != "f" or degrees.shape != pixels.shape[:2]:
        cause = f"`celsius` is {degrees.dtype} {degrees.shape}, {name} measures {pixels.shape[:2]}"
        raise DataError(cause, "give degrees Celsius as float (H, W), a number for each pixel of the image")
    return np.ascontiguousarray(degrees, np.float32)


def sampled(celsius: Celsius, points: NDArray[np.float32]) -> Celsius:
    """Return the temperatures (F, K) at points (F, K, 2), bilinear between pixel centres.

    Within half a pixel of the border it is that of the border; NaN for points that are missed or outside of the
    picture, and next to pixels that are not finite.
    """
    height, width = celsius.shape
    x, y = points[..., 0].astype(np.float64), points[..., 1].astype(np.float64)
    inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)  # False for NaN
    x, y = np.clip(np.where(inside, x, 0), 0, width - 1), np.clip(np.where(inside, y, 0), 0, height - 1)
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    total = np.zeros(x.shape)
    for column, across in ((left, 1 - (x - left)), (left + 1, x - left)):
        for row, down in ((top, 1 - (y - top)), (top + 1, y - top)):
            value = celsius[np.minimum(row, height - 1), np.minimum(column, width - 1)].astype(np.float64)
            # A neighbour without weight does not count, whatever it holds.
            total += np.where(across * down > 0, value * across * down, 0)
    return np.where(inside, total, np.nan).astype(np.float32)
