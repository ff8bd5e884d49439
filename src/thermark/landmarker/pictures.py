"""From whatever a caller has to grey pixels, and to degrees Celsius where there are some."""

import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from thermark.core import images
from thermark.core.errors import DataError, in_one_line
from thermark.core.point_errors import median_of_finite
from thermark.core.radiometry import Celsius, Tone, in_celsius, render
from thermark.landmarker import units

LONGEST = 32766  # px: OpenCV cuts crops from no longer picture
# Modes of Pillow whose pixels are what they seem to be, beside those of 16 bits.
SAME = ("L", "RGB", "RGBA", "F", "I")
TIFF = (".tif", ".tiff")
SUBFILE = 254  # TIFF's tag that says that a page is a smaller copy of another, or its mask
LEAST_KELVIN = 1000  # below, integers are in no fraction of a kelvin: grey levels in a wider type
KINDS = (
    "give one picture a call: uint8 (H, W) or RGB (H, W, 3), degrees Celsius as float (H, W), raw uint16 (H, W)"
)

Given = NDArray[Any] | Image.Image | str | Path


@dataclass(frozen=True)
class Picture:
    """`grey` (H, W) uint8, and `celsius` (H, W) float32 of the same pixels, None where there is none.

    `counts` says that the pixels were raw values of a camera in no known unit.
    """

    grey: NDArray[np.uint8]
    celsius: Celsius | None
    counts: bool = False


def read(image: Given, tone: Tone, celsius: NDArray[Any] | None = None) -> Picture:
    """Return a picture, given as a PNG, JPEG or TIFF file or as an array, as the networks want it.

    Arrays are as in `taken`; masked temperatures are missing. A picture of Pillow is as its array, one with a
    palette as RGB. `celsius` (H, W) says the temperatures of a picture that holds none. Raises DataError for
    anything else.
    """
    if isinstance(image, (str, Path)):
        return taken(decoded(Path(image)), Path(image).name, tone, celsius)
    if image is None:
        raise DataError(
            "the image is None", "give an array or a path; cv2.imread says None of what it cannot read"
        )
    if isinstance(image, (list, tuple)):
        raise DataError(f"the image is a {type(image).__name__} of {len(image)}", KINDS)
    pixels = _of_pillow(image) if isinstance(image, Image.Image) else _unmasked(image, "the image")
    return taken(pixels, "the image", tone, celsius)


def taken(pixels: NDArray[Any], name: str, tone: Tone, celsius: NDArray[Any] | None = None) -> Picture:
    """Return pixels (H, W) or (H, W, C), which messages call `name`, as the networks want them.

    8 bits are grey, or colours of which the luma is taken: networks that learned from grey know no palette. Floats
    are degrees Celsius, other integers centikelvin or 1/64 kelvin: `tone` makes them grey. Integers in none of
    these units become grey by the range of the frame itself. Temperatures at absolute zero and below are missing.
    `celsius` (H, W) is as in `read`. Raises DataError for anything else.
    """
    pixels = _plane(pixels)
    _require_picture(pixels, name)
    if pixels.dtype == np.uint8:
        return Picture(_grey(pixels, name), None if celsius is None else _same(celsius, pixels, name))
    degrees = _floats(pixels, name) if pixels.dtype.kind == "f" else _kelvin(pixels, name)
    if degrees is None:
        grey = render(pixels.astype(np.float32), tone if tone.name != "clip" else Tone(name="percentile"))
        return Picture(grey, None if celsius is None else _same(celsius, pixels, name), counts=True)
    if celsius is not None:
        raise DataError(f"{name} holds temperatures itself ({pixels.dtype})", "leave out `celsius`")
    return Picture(render(degrees, tone), degrees)


def of_celsius(degrees: NDArray[np.float32], name: str, tone: Tone) -> Picture:
    """Return degrees Celsius (H, W), NaN where they are missing, as the networks want them.

    They may have been converted from another unit. Raises DataError when they are no temperatures of a place with
    people.
    """
    _require_picture(degrees, name)
    units.require_of_people(median_of_finite(degrees), name)
    return Picture(render(degrees, tone), degrees)


def decoded(path: Path) -> NDArray[Any]:
    """Return a PNG, JPEG or TIFF file as it is stored; raises DataError for one of several pictures, too."""
    try:
        pixels = images.decode(path)
    except DataError as error:  # its remedy is that of a data set
        cause, remedy = error.cause, "save it again, as a readable PNG, JPEG or TIFF of 50 megapixels at most"
        if isinstance(error.__cause__, (FileNotFoundError, NotADirectoryError)):
            cause, remedy = f"there is no file {path}", "check the path (of a folder: thermark predict --images)"
        elif isinstance(error.__cause__, (IsADirectoryError, PermissionError)) and path.is_dir():
            cause, remedy = f"{path} is a folder", f"thermark predict --images {path}"
        raise DataError(cause, remedy) from error
    if path.suffix.lower() in TIFF and _pages(path) > 1:
        raise DataError(f"{path.name} holds several pictures", "save each of them as a file of its own")
    return pixels


def _pages(path: Path) -> int:
    """Return how many pictures of one size a TIFF holds, by its headers; thumbnails and masks are none."""
    try:
        # What Pillow warns of are pages that are not decoded.
        with warnings.catch_warnings(action="ignore"), TiffImageFile(path) as file:
            size, count = file.size, 0
            for page in range(file.n_frames):
                file.seek(page)
                count += file.size == size and not file.tag_v2.get(SUBFILE, 0) & 5
            return count
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, struct.error, Image.DecompressionBombError):
        return 1  # what Pillow does not know, or a page that is damaged: the first one was read


def _of_pillow(image: Image.Image) -> NDArray[Any]:
    """Return the pixels of the frame at which a picture of Pillow stands; RGB for palettes and other colours."""
    try:
        same = image.mode in SAME or image.mode.startswith("I;16")
        return np.asarray(image if same else image.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"the image cannot be read: {in_one_line(error)}", "load it again") from error


def _unmasked(image: Any, name: str) -> NDArray[Any]:
    """Return an array in which what is masked is missing: NaN, 0 of integers; DataError for a mask of 8 bits."""
    if not np.ma.is_masked(image):
        return np.asarray(image)
    if image.dtype.kind not in "fui" or image.dtype.itemsize == 1:
        raise DataError(f"{name} is {image.dtype} with a mask", "mask temperatures alone, or fill the mask")
    return np.asarray(image.filled(np.nan if image.dtype.kind == "f" else 0))


def _plane(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return (H, W) for (H, W, 1), anything else as it is."""
    return pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels


def _require_picture(pixels: NDArray[Any], name: str) -> None:
    if (
        pixels.ndim not in (2, 3)
        or pixels.dtype.kind not in "fui"
        or (pixels.ndim == 3 and pixels.dtype != np.uint8)
    ):
        raise DataError(f"{name} is {pixels.dtype} {pixels.shape}", KINDS)
    if min(pixels.shape[:2]) < images.MIN_SIDE:
        height, width = pixels.shape[:2]
        raise DataError(f"{name} measures {width} x {height} pixels", f"give {images.MIN_SIDE} or more each way")
    if (longest := max(pixels.shape[:2])) > LONGEST:
        raise DataError(f"{name} is {longest} px long", f"cut it into parts of {LONGEST} px at most")


def _floats(pixels: NDArray[Any], name: str) -> Celsius:
    """Return degrees Celsius (H, W), NaN for what is missing; raises DataError for other floats."""
    degrees = units.present(pixels)
    units.require_celsius(degrees, name)
    return degrees


def _kelvin(pixels: NDArray[Any], name: str) -> Celsius | None:
    """Return integers in parts of a kelvin as degrees Celsius (H, W), None for others."""
    if np.median(pixels) < LEAST_KELVIN:
        return None
    try:
        degrees = units.present(in_celsius(pixels, name))
    except DataError:
        return None
    return degrees if units.possible(degrees) else None


def _grey(pixels: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    if pixels.ndim == 2:
        return np.ascontiguousarray(pixels)
    if pixels.shape[2] not in (3, 4):
        raise DataError(f"{name} is {pixels.dtype} {pixels.shape}: {pixels.shape[2]} channels", KINDS)
    colours = np.ascontiguousarray(pixels[..., :3])
    return np.asarray(cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY), np.uint8)


def _same(celsius: NDArray[Any], pixels: NDArray[Any], name: str) -> Celsius:
    degrees = _plane(_unmasked(celsius, "`celsius`"))
    if degrees.dtype.kind != "f" or degrees.shape != pixels.shape[:2]:
        cause = f"`celsius` is {degrees.dtype} {degrees.shape}, {name} measures {pixels.shape[:2]}"
        raise DataError(cause, "give degrees Celsius as float (H, W), a number for each pixel of the image")
    return _floats(degrees, "`celsius`")


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
            total += np.where(across * down > 0, value, 0) * across * down
    return np.where(inside & np.isfinite(total), total, np.nan).astype(np.float32)
