"""Image files as they are stored: strict about damage, depth and size, blind to EXIF."""

import io
import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from thermark.core.errors import DataError

MAX_PIXELS = 50_000_000
MIN_SIDE = 2
ORIENTATION = 274  # EXIF and TIFF tag
SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": (".png",),
    b"\xff\xd8\xff": (".jpg", ".jpeg"),
    b"II*\x00": (".tif", ".tiff"),
    b"MM\x00*": (".tif", ".tiff"),
}


def rgb(path: Path) -> NDArray[np.uint8]:
    """Return an 8-bit picture as RGB (H, W, 3): grey is repeated, alpha dropped; raises DataError otherwise."""
    image = eight_bit(path)
    return np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image


def eight_bit(path: Path) -> NDArray[np.uint8]:
    """Return an 8-bit picture as stored, grey (H, W) or RGB (H, W, 3) without alpha; DataError otherwise."""
    image = decode(path)
    if image.dtype != np.uint8:
        raise _unreadable(path, f"is {image.dtype}, not 8-bit")
    return image[..., :3] if image.ndim == 3 else image


def luma(path: Path) -> NDArray[np.uint8]:
    """Return an 8-bit picture as OpenCV's grey (H, W); raises DataError as `eight_bit` does.

    The decoder weighs the colours, by 0.299, 0.587 and 0.114, and may differ from `cvtColor` by a level.
    """
    eight_bit(path)  # refuses what is no such picture
    grey = cv2.imdecode(
        np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION
    )
    return np.asarray(grey, np.uint8)


def single(path: Path, *dtypes: str) -> NDArray[Any]:
    """Return a one-channel image (H, W) whose dtype is one of `dtypes`; raises DataError otherwise."""
    image = decode(path)
    if image.ndim != 2:
        raise _unreadable(path, f"has {image.shape[2]} channels instead of one")
    if str(image.dtype) not in dtypes:
        raise _unreadable(path, f"is {image.dtype} instead of {' or '.join(dtypes)}")
    return image


def decode(path: Path) -> NDArray[Any]:
    """Return a PNG, JPEG or TIFF as stored: (H, W) or (H, W, C) in RGB(A) order, any depth, EXIF ignored.

    Raises DataError, naming the file, when it is absent, empty, cut off, not what its suffix says, a TIFF marked
    as rotated, smaller than 2 x 2 or larger than 50 megapixels. (Flipped bits inside a JPEG go unnoticed: only a
    checksum finds them.)
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error.strerror or "cannot be opened") from error
    kind = _kind(path, data)
    _check_header(path, data)
    # OpenCV returns pixels for a JPEG that was cut off; Pillow refuses it.
    image = _pillow(path, data) if kind == ".jpg" else _opencv(path, data)
    _check_size(path, image.shape[1], image.shape[0])
    return image


def _kind(path: Path, data: bytes) -> str:
    for signature, suffixes in SIGNATURES.items():
        if data.startswith(signature):
            if path.suffix.lower() not in suffixes:
                raise _unreadable(path, f"holds {suffixes[0][1:].upper()} data under another suffix")
            return suffixes[0]
    if not data:
        raise _unreadable(path, "is empty")
    remedy = "save it as PNG, JPEG or TIFF; if it should be one, fetch it again"
    raise DataError(f"{path.name} is no PNG, JPEG or TIFF", remedy)


def _check_header(path: Path, data: bytes) -> None:
    """Refuse absurd sizes before anything is decompressed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Pillow only warns about is decided here
            with Image.open(io.BytesIO(data)) as image:
                _check_size(path, *image.size)
                rotated = image.format == "TIFF" and image.getexif().get(ORIENTATION, 1) != 1
    except Image.DecompressionBombError as error:
        raise _unreadable(path, "is larger than 50 megapixels") from error
    except UnidentifiedImageError:
        pass  # some float TIFFs are unknown to Pillow and known to OpenCV
    except (OSError, SyntaxError, ValueError) as error:
        raise _unreadable(path, f"has a broken header ({error})") from error
    else:
        if rotated:  # TIFF decoders obey the tag, and labels were made on one of the two
            raise _unreadable(path, "is a TIFF with an orientation tag")


def _check_size(path: Path, width: int, height: int) -> None:
    if min(width, height) < MIN_SIDE:
        raise _unreadable(path, f"measures {width} x {height} pixels")
    if width * height > MAX_PIXELS:
        raise _unreadable(path, f"is larger than 50 megapixels ({width} x {height})")


def _pillow(path: Path, data: bytes) -> NDArray[Any]:
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image if image.mode in ("L", "RGB") else image.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise _unreadable(path, f"cannot be decoded ({error})") from error


def _opencv(path: Path, data: bytes) -> NDArray[Any]:
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise _unreadable(path, "cannot be decoded") from error
    if image is None:
        raise _unreadable(path, "cannot be decoded")
    if image.ndim == 2:
        return image
    if image.shape[2] not in (3, 4):
        raise _unreadable(path, f"has {image.shape[2]} channels")
    # By index and not by cvtColor, which knows few depths.
    return np.ascontiguousarray(image[..., [2, 1, 0, 3][: image.shape[2]]])


def _unreadable(path: Path, why: str) -> DataError:
    return DataError(f"{path.name} {why}", "fetch the file again, or raise max_bad_fraction to go on without")
