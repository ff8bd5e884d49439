"""A user's own pictures as input of a network: 8-bit as they are, radiometric ones through a tone mapping."""

import struct
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from thermark.calibrate.labels import SHOWN
from thermark.calibrate.options import Unit
from thermark.core import images
from thermark.core.errors import ConfigError, DataError
from thermark.core.point_errors import median_of_finite
from thermark.core.radiometry import Celsius, Tone, in_celsius, render
from thermark.landmarker import units
from thermark.landmarker.pictures import TIFF, decoded

JPEG = (".jpg", ".jpeg")
EIGHT_BIT = (".png", *JPEG)
TURNS = range(2, 9)  # values of the tag other than upright
SUFFIXES = EIGHT_BIT + TIFF
# Pictures that nobody here reads.
OTHERS = (".bmp", ".gif", ".webp", ".avif", ".jp2", ".heic", ".heif", ".jfif", ".pgm", ".ppm")
ADAPTIVE = ("minmax", "percentile", "clahe")
Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class ThermalTone:
    """How temperatures become grey: their `tone` mapping, and the `unit` of float pixels."""

    tone: Tone
    unit: Unit = "celsius"


def heat(text: str | None, unit: Unit) -> ThermalTone | None:
    """Return what --tone and --unit ask for, None without --tone."""
    return ThermalTone(tone(text), unit) if text else None


def tone(text: str) -> Tone:
    """Return the tone mapping that `20,40` (degrees Celsius that become black and white) or a name asks for."""
    if text in ADAPTIVE:
        return Tone(name=text)  # type: ignore[arg-type]
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError as error:
        raise ConfigError(
            f"--tone {text!r} is no tone mapping", f"give LOW,HIGH or {', '.join(ADAPTIVE)}"
        ) from error
    if not -np.inf < low < high < np.inf:
        raise ConfigError(
            f"--tone {text}: LOW must be below HIGH", "give the colder one first, such as --tone 20,40"
        )
    return Tone(low=low, high=high)


def require_folder(folder: Path) -> None:
    """Raise DataError unless the folder is there."""
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}", "check --images")


def root(images: Path) -> Path:
    """Return the folder that names of pictures begin in: of one picture its own."""
    return images.parent if images.is_file() else images


def find(folder: Path, name: str) -> Path:
    """Return a picture's file: of that name, or else the only one that differs in its suffix.

    A label of x.jpg is rather that of x.png than of x.tiff. Raises DataError when there is none, or more than one.
    """
    path = folder / name
    if path.is_file():
        return path
    others = [sibling for sibling in listed(path.parent) if sibling.stem == path.stem]
    kind = EIGHT_BIT if path.suffix.lower() in EIGHT_BIT else TIFF
    others = [sibling for sibling in others if sibling.suffix.lower() in kind] or others
    if len(others) == 1:
        return others[0]
    if others:
        raise DataError(f"{name} may be {others[0].name} or {others[1].name}", "name the one that is meant")
    raise DataError(f"{name} is not in {folder}", "check --images")


def listed(folder: Path) -> list[Path]:
    """Return the pictures directly in a folder, by name."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())


def below(folder: Path) -> list[str]:
    """Return the names of all pictures in a folder and below, of a file its own; DataError when there is none."""
    if folder.is_file():
        return [folder.name]
    require_folder(folder)
    paths = _with_suffix(folder, SUFFIXES)
    if not paths:
        left_out = f", but {first(names)}" if (names := others(folder)) else ""
        remedy = "save them as PNG" if left_out else "check --images"
        raise DataError(f"there is no PNG, JPEG or TIFF in {folder}{left_out}", remedy)
    return sorted(path.relative_to(folder).as_posix() for path in paths)


def read(path: Path, mapping: ThermalTone | None) -> Picture:
    """Return a picture (H, W) or (H, W, 3) uint8.

    One channel of 16 or 32 bits holds temperatures: of the stated unit (float), centikelvin or 1/64 kelvin. Raises
    DataError for what cannot be read, and ConfigError for temperatures without a tone mapping, or which look as if
    they were in another unit than stated: they would all be white.
    """
    image = decoded(path)
    if image.dtype == np.uint8:
        return image if image.ndim == 2 else np.ascontiguousarray(image[..., :3])
    if image.ndim != 2:
        raise DataError(f"{path.name} has {image.shape[2]} channels of {image.dtype}", "save it as 8-bit")
    if mapping is None:
        raise ConfigError(
            f"{path.name} holds {image.dtype} temperatures, and nothing says how they become grey",
            "add --tone LOW,HIGH in degrees Celsius, such as --tone 20,40",
        )
    return render(degrees(image, path.name, mapping.unit), mapping.tone)


def turned(path: Path) -> bool:
    """Tell whether a file that was read is a JPEG with an EXIF tag that turns it, which reading leaves alone."""
    if path.suffix.lower() not in JPEG:
        return False
    try:
        with Image.open(path) as image:
            return image.getexif().get(images.ORIENTATION, 1) in TURNS
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, struct.error):
        return False  # damaged EXIF turns nothing


def warn_turned(names: Iterable[str]) -> None:
    """Print a warning for each picture that its EXIF tag turns: other programs show it turned."""
    for name in names:
        print(f"warning: {name}: its EXIF tag turns it: pixels are taken as they are stored", file=sys.stderr)


def warn_left_out(folder: Path) -> None:
    """Print a warning when a folder holds pictures in formats that are not looked at."""
    if names := others(folder):
        which = first(names)
        print(f"warning: {len(names)} pictures are no PNG, JPEG or TIFF and left out: {which}", file=sys.stderr)


def others(folder: Path) -> list[str]:
    """Return the names of pictures below a folder in formats that are not looked at."""
    return sorted(path.name for path in _with_suffix(folder, OTHERS))


def _with_suffix(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    """Return the files in a folder and below with one of these suffixes."""
    return [path for path in folder.rglob("*") if path.suffix.lower() in suffixes and path.is_file()]


def first(names: Sequence[str]) -> str:
    """Return the first of many names for a message."""
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")


def degrees(image: NDArray[Any], name: str, unit: Unit) -> Celsius:
    """Return degrees Celsius (H, W) of float pixels in a unit, or of integers, whose unit tells itself.

    Raises ConfigError for pixels that look as if they were in another unit, DataError for no temperatures.
    """
    if image.dtype.kind == "f":
        image = converted(units.present(image, unit), name, unit)
    return in_celsius(image, name)


def converted(pixels: Celsius, name: str, unit: Unit) -> Celsius:
    """Return temperatures (H, W) in degrees Celsius; ConfigError where they look as if in another unit."""
    median = median_of_finite(pixels)
    other = units.likely(median)
    if other not in (None, unit):
        raise ConfigError(
            f"{name} has a median of {median:.1f}, which looks like degrees in {other}", f"add --unit {other}"
        )
    if unit == "fahrenheit":
        return np.asarray((pixels - np.float32(32)) / np.float32(1.8), np.float32)
    return np.asarray(pixels - np.float32(273.15), np.float32) if unit == "kelvin" else pixels
