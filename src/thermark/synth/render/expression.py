"""What muscles do: lids, lips, jaw, brows and cheeks, as displacements of the mean head's points."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from thermark.synth.render import curves
from thermark.synth.render.head import mean_head
from thermark.synth.render.person import Pose

Array = NDArray[np.floating]

JAW_HINGE = (25.0, 92.0)  # (y, z) of the jaw's axis, mm
JAW_RANGE = 0.27  # radians at jaw = 1
LEANING = ("brow_raise", "frown", "smile")  # what one side may do more than the other


@dataclass(frozen=True)
class Rig:
    """Displacement fields over points: `fields` name -> (..., 3) mm at full strength, `jaw` (...) weight 0..1.

    `side` (...): -1 on the image-left, 1 on the image-right, with a soft step of some 2 cm between.
    """

    fields: dict[str, NDArray[np.float32]]
    jaw: NDArray[np.float32]
    side: NDArray[np.float32]


def _smooth(t: Array) -> Array:
    t = np.clip(t, 0, 1)
    return t * t * (3 - 2 * t)


def rig(flat: Array, depth: Array, front: Array) -> Rig:
    """Return the fields at points with skull coordinates `flat` (..., 2), `depth` z and `front` weight (...)."""
    x, y = flat[..., 0], flat[..., 1]
    side, sign = np.abs(x), np.tanh(x / 3)
    zero = np.zeros_like(x)

    def near(cx: float, cy: float, sx: float, sy: float) -> Array:
        return front * np.exp(-(((side - cx) / sx) ** 2) - ((y - cy) / sy) ** 2)

    lids = front * _blink(x, y)
    upper = near(0, 72, 26, 7) * (y < 78.5)
    fields = {
        "closed": (zero, front * _closing(x, y), zero),
        "blink_right": (zero, lids * (x < 0), zero),
        "blink_left": (zero, lids * (x > 0), zero),
        "brow_raise": (zero, -6.5 * near(36, -16, 26, 13) - 1.2 * near(33, 0, 16, 5), zero),
        "frown": (-2.2 * sign * near(17, -12, 13, 9), 3.0 * near(18, -12, 14, 9), zero),
        "smile": (
            sign * (5.5 * near(27, 79, 13, 11) + 1.5 * near(45, 50, 16, 16)),
            -4.5 * near(28, 79, 13, 11) - 3.0 * near(40, 45, 18, 16) - 1.0 * near(33, 13, 14, 4) - 3.0 * upper,
            3.5 * near(27, 79, 13, 11) - 3.0 * near(40, 40, 16, 14) + 1.5 * near(0, 79, 22, 9),
        ),
        "pucker": (-sign * 7.5 * near(27, 79, 16, 12), zero, -4.5 * near(0, 79, 20, 11)),
    }
    stacked = {name: np.stack(field, axis=-1).astype(np.float32) for name, field in fields.items()}
    return Rig(stacked, _jaw_weight(x, y, depth).astype(np.float32), np.tanh(x / 10).astype(np.float32))


def _blink(x: Array, y: Array) -> Array:
    """Return how far (mm) the lids travel to close: nearly all of it is the upper lid's."""
    upper, lower = curves.upper_lid(x), curves.lower_lid(x)
    gap = lower - upper
    inside = np.where(gap > 0.01, (y - upper) / np.maximum(gap, 0.01), np.where(y > upper, 1.0, 0.0))
    above = np.clip(1 - (upper - y) / 8.5, 0, 1)
    below = np.clip(1 - (y - lower) / 5, 0, 1)
    across = np.where(inside < 0, 1.08 * above, np.where(inside > 1, -0.14 * below, 0.92 - inside))
    return gap * across


def _closing(x: Array, y: Array) -> Array:
    """Return the displacement (mm) along y that brings the parted lips together."""
    top, bottom = curves.upper_inner_lip(x), curves.lower_inner_lip(x)
    middle = top + 0.5 * (bottom - top)
    above = np.clip(1 - (top - y) / 14, 0, 1) * (middle - top)
    below = np.clip(1 - (y - bottom) / 30, 0, 1) * (middle - bottom)
    # The lips press on each other a little; what lies between them shrinks to a line, without turning over.
    return np.where(y < top, 1.2 * above, np.where(y > bottom, 1.2 * below, middle - y))


def _jaw_weight(x: Array, y: Array, z: Array) -> Array:
    side = np.abs(x)
    beyond = np.clip(side - 23, 0, None)
    tilt = 0.62 * np.clip(side - 27, 0, None)
    top = curves.upper_inner_lip(x) - tilt - 0.75 * beyond
    bottom = curves.lower_inner_lip(x) - tilt + 0.75 * beyond
    line = _smooth((y - top) / np.maximum(bottom - top, 0.5))
    # The lips' halves part like an ellipse: at the corners both follow the jaw half-way.
    mouth = np.sqrt(1 - (np.minimum(side, 26.5) / 27.2) ** 2)
    parted = np.where(side < 26.5, mouth, mouth + (1 - mouth) * np.clip((side - 26.5) / 18, 0, 1))
    line = 0.5 + (line - 0.5) * (1 - (1 - parted) * np.exp(-(((y - 79) / 11) ** 2)))
    under = 1 - _smooth((z - 45) / 55) * _smooth((y - 60) / 40)
    weight: Array = line * under * (1 - _smooth((y - 122) / 14))
    return weight


@cache
def head_rig() -> Rig:
    """Return the fields at the mean head's points."""
    head = mean_head()
    return rig(head.flat, head.points[..., 2], head.front)


def express(points: Array, fields: Rig, pose: Pose) -> NDArray[np.float32]:
    """Return points (..., 3) with the pose's expression: displacements first, then the turn of the jaw."""
    strengths = {
        "closed": 1.0,
        "brow_raise": pose.brow_raise,
        "frown": pose.frown,
        "smile": pose.smile,
        "pucker": pose.pucker,
        "blink_right": pose.blink[0],
        "blink_left": pose.blink[1],
    }
    moved = np.array(points, np.float32)
    for name, strength in strengths.items():
        if strength and pose.lean and name in LEANING:
            uneven = np.float32(1) + np.float32(pose.lean) * fields.side
            moved += (np.float32(strength) * uneven)[..., None] * fields.fields[name]
        elif strength:
            moved += np.float32(strength) * fields.fields[name]
    return open_jaw(moved, fields.jaw, pose.jaw)


def open_jaw(points: NDArray[np.float32], weight: NDArray[np.float32], jaw: float) -> NDArray[np.float32]:
    """Turn points (..., 3) about the jaw's hinge by `jaw` (0..1) times their `weight` (...)."""
    if not jaw:
        return points
    angle = weight * np.float32(JAW_RANGE * jaw)
    cos, sin = np.cos(angle), np.sin(angle)
    down, back = points[..., 1] - JAW_HINGE[0], points[..., 2] - JAW_HINGE[1]
    out = points.copy()
    out[..., 1] = JAW_HINGE[0] + cos * down - sin * back
    out[..., 2] = JAW_HINGE[1] + sin * down + cos * back
    return out
