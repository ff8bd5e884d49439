"""Glasses: rims, bridge and arms as tubes, and two lenses, in the frame of the mean head."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from thermark.synth.render.patch import Part, Patch, mirrored, patch

Array = NDArray[np.floating]


def _plane(x: Array) -> Array:
    """Return the depth of the frame front at distance `x` from the midline."""
    return -5.0 + 0.0062 * x**2


def tube(line: Array, radius: float) -> Patch:
    """Return a tube of `radius` mm around a polyline (N, 3)."""
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    aside = np.cross(along, (0.31, 0.2, 0.93))
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    over = np.cross(along, aside)
    angle = np.linspace(0, 2 * np.pi, 7)
    ring = np.cos(angle)[None, :, None] * aside[:, None] + np.sin(angle)[None, :, None] * over[:, None]
    return patch(Part.FRAME, line[:, None] + radius * ring, outward=-1.0)


def _outline(scale: float) -> Array:
    angle = np.linspace(0, 2 * np.pi, 37)
    cos, sin = np.cos(angle), np.sin(angle)
    x = 33.5 + scale * 25.0 * np.sign(cos) * np.abs(cos) ** 0.75
    y = 8.0 + scale * 18.5 * np.sign(sin) * np.abs(sin) ** 0.75
    return np.stack([x, y, _plane(x)], axis=-1)


@cache
def glasses() -> tuple[Patch, ...]:
    """Return frame tubes and lenses (`Part.LENS`)."""
    rim = tube(_outline(1.0), 1.5)
    arch = np.linspace(-1, 1, 9)
    bridge = tube(np.stack([9.5 * arch, 1.5 + 1.5 * arch**2, -7.5 + 3.0 * arch**2], axis=-1), 1.4)
    fall = np.linspace(0, 1, 12)
    arm_x = np.interp(fall, (0, 0.12, 0.5, 1), (58.5, 66, 75, 77.5))
    arm_y = np.interp(fall, (0, 0.85, 1), (2, -2, 8))
    arm_z = np.interp(fall, (0, 0.12, 1), (16.5, 20, 108))
    arm = tube(np.stack([arm_x, arm_y, arm_z], axis=-1), 1.7)
    edge = _outline(0.97)
    lens_points = edge.mean(0) + np.linspace(0, 1, 6)[:, None, None] * (edge - edge.mean(0))
    lens_points[..., 2] = _plane(lens_points[..., 0])
    lens = patch(Part.LENS, lens_points, lens_points[..., :2], outward=-1.0)
    return (bridge, *(piece for part in (rim, arm, lens) for piece in (part, mirrored(part))))
