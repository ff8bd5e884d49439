"""A model must find the points of a golden face before it is used.

A graph that decodes 468 points as 478, swaps colours or scales wrongly answers plausibly and without a warning.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thermark.core import files
from thermark.core.errors import DataError
from thermark.models.inference.contract import Model

FOLDER = Path(__file__).parent / "golden"


@dataclass(frozen=True)
class GoldenFace:
    """A rendered face `picture` (H, W, 3) uint8 RGB, its `box` (4,), and `xy` (K, 2), NaN where nothing is known.

    In pixels of the picture, integer = pixel centre.
    """

    picture: NDArray[np.uint8]
    box: NDArray[np.float32]
    xy: NDArray[np.float32]


def read(name: str) -> GoldenFace:
    """Read golden/<name>.npz, which tests/golden/facemesh/make.py wrote with the reference implementation."""
    return GoldenFace(**files.read_arrays(FOLDER / f"{name}.npz"))


def check(name: str, model: Model, expected: GoldenFace, tolerance: float = 0.02) -> None:
    """Raise DataError unless a contestant finds the known face.

    The mean distance of its points may be `tolerance` of the longer side of the box of the known ones.
    """
    box = expected.box
    if model.given == "frame":
        height, width = expected.picture.shape[:2]
        box = np.array([-0.5, -0.5, width - 0.5, height - 0.5], np.float32)
    xy = model([expected.picture], [None if model.given == "own" else box[None]])[0].xy
    remedy = "bring the weights again, and report this if it stays"
    if len(xy) != 1 or xy.shape[1:] != expected.xy.shape:
        faces = f"{len(xy)} faces of {xy.shape[1]} points, not one of {len(expected.xy)}"
        raise DataError(f"{name} finds {faces} in a known picture", remedy)
    error = deviation(xy[0], expected.xy)
    if not error <= tolerance:
        raise DataError(f"{name} misses the points of a known face by {error:.1%} of its size", remedy)


def deviation(xy: NDArray[np.floating], expected: NDArray[np.floating]) -> float:
    """Return the mean distance of points (K, 2), in longer sides of the box of the expected ones.

    A point that is expected but not found makes it infinite; one that is not expected does not count.
    """
    finite = np.isfinite(expected).all(axis=-1)
    span = float(np.ptp(expected[finite], axis=0).max())
    distance = np.linalg.norm(xy[finite] - expected[finite], axis=-1)
    return float(np.where(np.isfinite(distance), distance, np.inf).mean()) / span
