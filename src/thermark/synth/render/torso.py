"""Shoulders, chest, arms and legs, in the frame of the mean head at rest."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
from scipy.interpolate import CubicSpline

from thermark.synth.render.patch import Part, Patch, patch

LIMBS = 2000.0  # added to |x| of the material coordinates on arms
SHRUG = 14.0  # mm by which the shoulders are higher than in the figures below
TROUSERS = 700.0  # mm below the root of the nose

# Half rings from the front midline to the back midline: (x, y, z) mm, from inside the collar to the hips.
_NET = """
0 178 64 | 22 178 66 | 40 178 80 | 50 178 101 | 40 178 128 | 22 178 142 | 0 178 146
0 200 48 | 28 200 54 | 52 198 74 | 64 196 104 | 52 194 138 | 28 192 154 | 0 190 160
0 222 30 | 42 220 38 | 84 211 66 | 108 207 108 | 86 204 148 | 42 202 168 | 0 200 176
0 250 14 | 62 248 20 | 120 242 54 | 156 236 106 | 122 230 158 | 62 226 184 | 0 224 190
0 290 0 | 72 288 2 | 136 284 42 | 174 280 106 | 136 276 170 | 72 272 200 | 0 270 204
0 350 -12 | 78 350 -14 | 138 350 28 | 168 350 104 | 138 350 176 | 78 350 206 | 0 350 206
0 440 0 | 74 440 0 | 126 440 38 | 150 440 104 | 126 440 168 | 74 440 194 | 0 440 194
0 560 6 | 74 560 6 | 126 560 42 | 148 560 104 | 126 560 166 | 74 560 188 | 0 560 186
0 700 4 | 84 700 6 | 146 700 44 | 172 700 106 | 146 700 172 | 84 700 200 | 0 700 200
0 830 10 | 86 830 14 | 150 830 48 | 176 830 108 | 150 830 172 | 86 830 200 | 0 830 200
"""


@cache
def torso() -> tuple[Patch, ...]:
    """Return trunk, arms and legs; material = (x, y) mm at rest, |x| > `LIMBS` on arms, tint = 1 behind."""
    half = np.array(
        [[[float(n) for n in p.split()] for p in line.split("|")] for line in _NET.split("\n") if line]
    )
    ring = np.concatenate([half[:, :0:-1] * (-1, 1, 1), half], axis=1)
    around = CubicSpline(np.arange(-6, 7), ring, axis=1, bc_type="periodic")(np.linspace(-6, 6, 61))
    rows = np.linspace(0, len(half) - 1, 42)
    trunk = CubicSpline(np.arange(len(half)), around, axis=0)(rows)
    arm = [[128, 268, 104], [158, 284, 104], [180, 345, 106], [206, 480, 112], [208, 640, 88], [206, 790, 60]]
    arms = (_limb(arm, (20, 36, 44, 42, 38, 28, 26, 12), side, LIMBS) for side in (-1, 1))
    leg = [[84, 780, 104], [88, 960, 100], [92, 1180, 104], [94, 1400, 112], [96, 1560, 108], [96, 1580, 104]]
    legs = (_limb(leg, (84, 84, 74, 60, 56, 46, 52, 20), side, 0.0) for side in (-1, 1))
    return _clothed(trunk, 0.0, -1.0), *arms, *legs


def _limb(through: Sequence[Sequence[float]], thickness: tuple[float, ...], side: int, offset: float) -> Patch:
    """Return a tube through points (x, y, z) of the image-right side, thickness evenly spaced along it."""
    line = CubicSpline(np.arange(len(through)), through)
    at = np.linspace(0, len(through) - 1, 26)
    radius = np.interp(at, np.linspace(0, len(through) - 1, len(thickness)), thickness)
    angle = np.linspace(0, 2 * np.pi, 21)
    along = line(at, 1)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    aside = np.cross(along, (0, 0, 1.0))
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    over = np.cross(along, aside)
    ring = np.cos(angle)[None, :, None] * aside[:, None] + np.sin(angle)[None, :, None] * over[:, None]
    points = (line(at)[:, None] + radius[:, None, None] * ring) * (side, 1, 1)
    return _clothed(points, side * offset, 1.0 * side)


def _clothed(points: np.ndarray, offset: float, outward: float) -> Patch:
    material = np.stack([points[..., 0] + offset, points[..., 1]], axis=-1)
    whole = patch(Part.CLOTHING, points - (0, SHRUG, 0), material, outward)
    return replace(whole, tint=(points[..., 2] > 106).astype(np.float32))
