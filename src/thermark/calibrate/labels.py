"""Labels of a user's own pictures, read from CSV or COCO JSON; every row that cannot be used is named.

All coordinates are frame px, integer = pixel centre. A bad row does not stop the reading: its line comes back
among the `problems`, so that a user mends all of them at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from thermark.core.errors import DataError

SHOWN = 5
REMEDY = "mend or delete these labels; nothing was written"
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LabelRow:
    """One labelled person or head.

    `where`: what names it in a message, such as `labels.csv:17`; `image`: relative file name; `group`: what must
    not be split between training and testing, empty where the file has none; `xy` (K, 2), NaN = unlabelled;
    `box` (4,) x1, y1, x2, y2, NaN = the whole picture.
    """

    where: str
    image: str
    group: str
    xy: Floats
    box: Floats


@dataclass(frozen=True)
class LabelRows:
    """The rows of a file that can be understood, a line for each that cannot, and `notes` on what was left out."""

    name: str
    rows: tuple[LabelRow, ...]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def require_none(problems: Sequence[str], of: int, what: str = "labels") -> None:
    """Raise DataError, one line, when there are problems: how many of how many, and the first few."""
    if problems:
        rest = f"; and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        first = "; ".join(problems[:SHOWN])
        raise DataError(f"{len(problems)} of {of} {what} cannot be used: {first}{rest}", REMEDY)


def image_name(text: str, where: str) -> str:
    """Return a relative file name with forward slashes; raises DataError for none, or one that leads outside."""
    name = PurePosixPath(text.strip().replace("\\", "/"))
    if not name.name or name.is_absolute() or ".." in name.parts:
        raise DataError(f"{where}: {text[:60]!r} is no file name below the pictures' folder", REMEDY)
    return name.as_posix()


def corners(xywh: Sequence[float] | Floats, shift: float, where: str) -> Floats:
    """Return x1, y1, x2, y2 (4,) of x, y, width, height less `shift`; raises DataError for a box of no area."""
    x, y, width, height = (float(value) for value in xywh)
    box = np.array([x, y, x + width, y + height], np.float64) - shift
    if not (np.isfinite(box).all() and (box[2:] > box[:2]).all()):
        raise DataError(f"{where}: the box is {width:g} x {height:g} px at {x:g}, {y:g}: it has no area", REMEDY)
    return box
