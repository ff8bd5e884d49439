"""Identity as a smooth warp of space: each trait moves the points of the mean head by a few millimetres."""

from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from thermark.synth.render import uneven
from thermark.synth.render.head import mean_head

Array = NDArray[np.floating]

TRAITS = (
    "masculine",
    "face_width",
    "face_length",
    "jaw_width",
    "chin_length",
    "chin_projection",
    "forehead_height",
    "forehead_slope",
    "eye_spacing",
    "eye_size",
    "eye_depth",
    "eye_tilt",
    "nose_length",
    "nose_projection",
    "nose_width",
    "nose_bridge",
    "nose_hump",
    "nose_tip",
    "nose_bend",
    "mouth_width",
    "lip_fullness",
    "mouth_height",
    "mouth_tilt",
    "cheekbones",
    "cheeks",
    "brow_height",
    "brow_ridge",
    "head_depth",
    "ear_flare",
)


def basis(points: Array) -> NDArray[np.float32]:
    """Return the displacement (K, ..., 3) mm of points (..., 3) of the mean head per unit of each trait."""
    x, y, z = (np.asarray(points[..., i], np.float64) for i in range(3))
    side, sign = np.abs(x), np.tanh(x / 4)
    face = np.clip((90 - z) / 40, 0, 1)
    zero = np.zeros_like(x)

    def near(cx: float, cy: float, sx: float, sy: float) -> Array:
        return face * np.exp(-(((side - cx) / sx) ** 2) - ((y - cy) / sy) ** 2)

    def step(start: float, end: float) -> Array:
        t = np.clip((y - start) / (end - start), 0, 1)
        return t * t * (3 - 2 * t)

    above = np.clip((-20 - y) / 80, 0, None)
    low = step(45, 100) * (1 - step(135, 175))
    eye = near(33, 5, 20, 16)
    beyond_seam = np.sign(y - 78.2) * np.clip(np.abs(y - 78.2) - 2.2, 0, None)  # fuller lips still meet
    traits = {
        "masculine": (0.03 * x * low, 1.6 * low, -1.2 * near(25, -13, 25, 7) - 1.2 * near(0, 112, 18, 10)),
        "face_width": (0.028 * x, zero, zero),
        "face_length": (zero, 0.022 * np.clip(y, -110, 130), zero),
        "jaw_width": (0.05 * x * low, zero, zero),
        "chin_length": (zero, 2.6 * step(85, 120) * (1 - step(130, 165)), zero),
        "chin_projection": (zero, zero, -2.4 * near(0, 110, 26, 16)),
        "forehead_height": (zero, -5.0 * above, zero),
        "forehead_slope": (zero, zero, 6.0 * above * face),
        "eye_spacing": (1.2 * sign * eye, zero, zero),
        "eye_size": (sign * (side - 33) * 0.05 * eye, (y - 6) * 0.05 * eye, zero),
        "eye_depth": (zero, zero, 1.3 * near(31, 2, 20, 16)),
        "eye_tilt": (zero, -(side - 33) * 0.055 * eye, zero),
        "nose_length": (zero, 2.2 * near(0, 48, 26, 22), zero),
        "nose_projection": (zero, zero, -2.6 * near(0, 42, 15, 17)),
        "nose_width": (1.5 * sign * near(15, 47, 9, 13), zero, zero),
        "nose_bridge": (zero, zero, -1.7 * near(0, 8, 11, 13)),
        "nose_hump": (zero, zero, -1.3 * near(0, 21, 8, 9)),
        "nose_tip": (zero, -1.9 * near(0, 40, 13, 12), zero),
        "nose_bend": (0.9 * near(0, 36, 14, 18), zero, zero),
        "mouth_width": (1.7 * sign * near(25, 79, 16, 12), zero, zero),
        "lip_fullness": (zero, 0.17 * beyond_seam * near(0, 79, 30, 13), -1.1 * near(0, 79, 20, 8)),
        "mouth_height": (zero, 1.5 * near(0, 79, 36, 16), zero),
        "mouth_tilt": (zero, 0.035 * x * near(0, 79, 40, 18), zero),
        "cheekbones": (1.3 * sign * near(58, 24, 16, 15), zero, -1.6 * near(50, 26, 15, 13)),
        "cheeks": (2.0 * sign * near(52, 65, 18, 26), zero, -2.0 * near(44, 62, 17, 22)),
        "brow_height": (zero, -1.6 * near(36, -14, 26, 10), zero),
        "brow_ridge": (zero, zero, -1.4 * near(26, -12, 26, 8)),
        "head_depth": (zero, zero, 0.03 * np.clip(z - 60, 0, None)),
        "ear_flare": (sign * 0.16 * np.clip(side - 75, 0, 20) * np.clip((z - 70) / 30, 0, 1), zero, zero),
    }
    return np.stack([np.stack(traits[name], axis=-1) for name in TRAITS]).astype(np.float32)


@cache
def _head_basis() -> NDArray[np.float32]:
    return basis(mean_head().points).reshape(len(TRAITS), -1)


@lru_cache(maxsize=32)
def _kept_basis(content: bytes, shape: tuple[int, ...], dtype: str) -> NDArray[np.float32]:
    """Return the basis at points given by their bytes: all identities share those of ears and teeth at first."""
    return basis(np.frombuffer(content, dtype).reshape(shape))


def identify(points: Array, shape: tuple[float, ...]) -> NDArray[np.float32]:
    """Return points (..., 3) of the mean head as this person has them; more traits are those of `uneven`."""
    even, odd = np.asarray(shape[: len(TRAITS)], np.float32), shape[len(TRAITS) :]
    # einsum rather than a BLAS product, whose rounding may depend on the number of threads.
    of_points = _kept_basis(points.tobytes(), points.shape, points.dtype.str)
    moved = np.asarray(points, np.float32) + np.einsum("k,k...->...", even, of_points)
    whole: NDArray[np.float32] = moved + uneven.shift(points, odd) if odd else moved
    return whole


def identify_head(shape: tuple[float, ...]) -> NDArray[np.float32]:
    """Return the mean head's points (R, C, 3) as this person has them, from a basis computed once."""
    mean = mean_head().points
    even, odd = np.asarray(shape[: len(TRAITS)], np.float32), shape[len(TRAITS) :]
    moved = mean.astype(np.float32) + np.einsum("k,kv->v", even, _head_basis()).reshape(mean.shape)
    whole: NDArray[np.float32] = moved + uneven.shift_head(odd) if odd else moved
    return whole
