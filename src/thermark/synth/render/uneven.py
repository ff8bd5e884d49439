"""What makes the two sides of a head differ: fields of displacement, a few millimetres a unit.

Three-dimensional measurements of healthy adults find landmarks of the two sides 1-3 mm from mirror images, most at
the jaw and the chin, least at the eyes; the standard deviations here are in that order.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from thermark.synth.render.head import mean_head

Array = NDArray[np.floating]

UNEVEN = ("jaw_shift", "eye_step", "brow_step", "cheek_uneven", "width_uneven", "corner_step", "nose_shift")


def basis(points: Array) -> NDArray[np.float32]:
    """Return the displacement (K, ..., 3) mm of points (..., 3) of the mean head per unit of each of `UNEVEN`."""
    x, y, z = (np.asarray(points[..., i], np.float64) for i in range(3))
    zero, side = np.zeros_like(x), np.tanh(x / 12)
    face = np.clip((90 - z) / 40, 0, 1)
    low = np.clip((y - 50) / 65, 0, 1) * np.clip((175 - y) / 50, 0, 1)

    def near(cx: float, cy: float, sx: float, sy: float) -> Array:
        return face * np.exp(-(((np.abs(x) - cx) / sx) ** 2) - ((y - cy) / sy) ** 2)

    fields = {
        "jaw_shift": (1.8 * low * low, zero, zero),
        "eye_step": (zero, 0.6 * side * near(33, 4, 24, 22), zero),
        "brow_step": (zero, 0.9 * side * near(36, -14, 26, 10), zero),
        "cheek_uneven": (0.8 * near(50, 50, 18, 34), zero, -1.0 * side * near(46, 48, 18, 30)),
        "width_uneven": (0.012 * np.abs(x), zero, zero),
        "corner_step": (zero, 0.9 * side * near(26, 79, 16, 14), zero),
        "nose_shift": (0.7 * near(0, 42, 18, 22), zero, zero),
    }
    return np.stack([np.stack(fields[name], axis=-1) for name in UNEVEN]).astype(np.float32)


def shift(points: Array, strengths: tuple[float, ...]) -> NDArray[np.float32]:
    """Return the displacement (..., 3) mm of points (..., 3) of the mean head."""
    moved: NDArray[np.float32] = np.einsum("k,k...->...", np.asarray(strengths, np.float32), basis(points))
    return moved


def shift_head(strengths: tuple[float, ...]) -> NDArray[np.float32]:
    """Return the displacement (R, C, 3) mm of the mean head's points, from a basis computed once."""
    moved: NDArray[np.float32] = np.einsum("k,k...->...", np.asarray(strengths, np.float32), _head_basis())
    return moved


@cache
def _head_basis() -> NDArray[np.float32]:
    return basis(mean_head().points)
