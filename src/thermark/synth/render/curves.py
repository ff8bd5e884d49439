"""The lines of the mean face: lids, lips and brows as functions of the distance from the midline.

Millimetres in the head frame: origin at the root of the nose, x to image-right, y down, z backwards. The
figures are the symmetric mean of landmark sets under a rigid three-dimensional factorisation, rounded.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

Array = NDArray[np.floating]
Across = Array | float  # distance from the midline

EYE = (33.0, 5.5, 27.0)  # centre of the image-right eyeball
EYE_RADIUS = 12.2
EYE_INNER, EYE_OUTER = 20.8, 45.2
MOUTH_INNER_CORNER = 25.2


def eye_corner_line(x: Across) -> Array:
    """Return the height of the line through both corners of the eye at distance `x` from the midline."""
    return 8.4 - 0.9 * (np.abs(x) - EYE_INNER) / (EYE_OUTER - EYE_INNER)


def _arch(x: Across, power: float) -> Array:
    across = (np.abs(x) - (EYE_INNER + EYE_OUTER) / 2) / ((EYE_OUTER - EYE_INNER) / 2)
    return np.maximum(1 - across**2, 0) ** power


def upper_lid(x: Across) -> Array:
    """Return the height of the upper lid's rim; equals the corner line outside the eye."""
    return eye_corner_line(x) - 6.6 * _arch(x, 0.72)


def lower_lid(x: Across) -> Array:
    """Return the height of the lower lid's rim; equals the corner line outside the eye."""
    return eye_corner_line(x) + 3.3 * _arch(x, 0.85)


def _symmetric(points: list[tuple[float, float]]) -> PchipInterpolator:
    x, y = zip(*points, strict=True)
    return PchipInterpolator(x, y, extrapolate=True)


_UPPER_BORDER = _symmetric([(0, 69.2), (5.5, 68.5), (12, 69.6), (21.6, 74.2), (26.4, 79.4), (40, 79.4)])
_UPPER_INNER = _symmetric([(0, 76.6), (7, 76.4), (13.6, 77), (20, 78.1), (25.2, 79.4), (40, 79.4)])
_LOWER_INNER = _symmetric([(0, 80), (7, 80.2), (13, 80.3), (20, 80), (25.2, 79.4), (40, 79.4)])
_LOWER_BORDER = _symmetric([(0, 89.2), (11.6, 87.8), (20.7, 84), (26.4, 79.4), (40, 79.4)])
_BROW = _symmetric([(12, -11), (17.7, -14), (27.9, -17.4), (38.2, -18.2), (48.2, -15.6), (56, -10.4), (62, -4)])
_BROW_THICKNESS = _symmetric([(10, 0.5), (15, 3.4), (22, 4.4), (35, 3.6), (48, 2.4), (57, 0.8), (62, 0)])


def upper_lip(x: Across) -> Array:
    """Return the height of the upper lip's outer border."""
    height: Array = _UPPER_BORDER(np.minimum(np.abs(x), 39))
    return height


def lower_lip(x: Across) -> Array:
    """Return the height of the lower lip's outer border."""
    height: Array = _LOWER_BORDER(np.minimum(np.abs(x), 39))
    return height


def upper_inner_lip(x: Across) -> Array:
    """Return the height of the upper lip's inner border when the lips are parted by about 3.5 mm."""
    height: Array = _UPPER_INNER(np.minimum(np.abs(x), 39))
    return height


def lower_inner_lip(x: Across) -> Array:
    """Return the height of the lower lip's inner border when the lips are parted by about 3.5 mm."""
    height: Array = _LOWER_INNER(np.minimum(np.abs(x), 39))
    return height


def brow(x: Across) -> Array:
    """Return the height of the brow's centre line."""
    height: Array = _BROW(np.clip(np.abs(x), 12, 62))
    return height


def brow_thickness(x: Across) -> Array:
    """Return half the brow's thickness, 0 beyond its ends."""
    inside = (np.abs(x) > 10) & (np.abs(x) < 62)
    return np.where(inside, _BROW_THICKNESS(np.clip(np.abs(x), 10, 62)), 0)


def bump(x: Array, y: Array, at: tuple[float, float], size: tuple[float, float]) -> Array:
    """Return a Gaussian bell of height 1 around `at`; `size` is where it falls to 1/e."""
    return np.exp(-(((x - at[0]) / size[0]) ** 2) - ((y - at[1]) / size[1]) ** 2)
