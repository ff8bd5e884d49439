"""The mean head: a spline surface through a net of control points, carrying the relief of the face."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline, PchipInterpolator

from thermark.synth.render import curves

Array = NDArray[np.float64]

# Half rings from the front midline to the back midline, one row per height; (x, y, z) in millimetres. The rim of
# the jaw (row 11) follows the mean landmark contour; the rest are proportions of an adult head.
_NET = """
0 -108 105 | 0 -108 105 | 0 -108 105 | 0 -108 105 | 0 -108 105 | 0 -108 105 | 0 -108 105 | 0 -108 105
0 -105 68 | 10 -105 69 | 19 -104 74 | 25 -104 82 | 30 -104 93 | 32 -104 110 | 25 -104 134 | 0 -105 147
0 -92 37 | 15 -92 39 | 30 -91 46 | 42 -90 59 | 50 -90 79 | 56 -90 110 | 47 -92 148 | 0 -94 171
0 -68 10 | 18 -68 12 | 35 -68 20 | 50 -67 37 | 62 -67 65 | 71 -68 108 | 62 -70 157 | 0 -72 190
0 -40 -2 | 18 -40 0 | 35 -40 8 | 52 -40 25 | 65 -40 55 | 77 -42 105 | 68 -42 158 | 0 -42 196
0 -13 -2 | 18 -13 2 | 35 -14 9 | 52 -12 23 | 66 -10 52 | 75 -10 100 | 66 -12 152 | 0 -12 189
0 6 4 | 18 6 9 | 35 6 14 | 52 6 27 | 66 6 54 | 73 8 98 | 62 8 150 | 0 8 183
0 40 -1 | 18 40 3 | 35 40 9 | 51 40 23 | 64 40 51 | 71 41 96 | 58 40 142 | 0 40 171
0 58 -5 | 18 58 0 | 34 58 8 | 48 57 23 | 61 56 52 | 69 54 93 | 54 60 136 | 0 60 160
0 78 -8 | 16 78 -5 | 31 79 5 | 46 77 23 | 58 73 50 | 66 67 90 | 50 82 128 | 0 82 150
0 105 -5 | 18 103 0 | 34 98 13 | 48 91 32 | 58 83 56 | 64 76 87 | 48 98 123 | 0 98 147
0 120 2 | 19 117 7 | 35 110 23 | 48 101 42 | 57 90 62 | 61 83 86 | 48 106 120 | 0 106 145
0 124 22 | 16 122 26 | 30 116 38 | 42 108 54 | 50 99 70 | 55 95 90 | 46 113 120 | 0 113 143
0 132 48 | 13 131 50 | 26 130 57 | 37 128 68 | 45 126 80 | 50 124 96 | 41 125 126 | 0 125 143
0 160 55 | 13 160 56 | 27 160 62 | 39 160 72 | 47 160 86 | 52 160 101 | 43 160 132 | 0 160 149
0 200 60 | 16 200 61 | 32 200 67 | 47 200 77 | 60 200 90 | 68 200 106 | 54 200 142 | 0 200 158
"""
_STEPS = (3, 3, 4, 5, 14, 20, 30, 14, 22, 24, 9, 5, 8, 10, 8)


@dataclass(frozen=True)
class Head:
    """The mean head as grids: `points` (R, C, 3) mm, `flat` (R, C, 2) the (x, y) of the smooth skull beneath.

    `column` (C,) runs from -7 (back) over 0 (front) to 7 (back), positive on the image-right; `row` (R,) counts
    the rows of the control net; `front` (R, C) is 1 on the face and fades to 0 at the ears; `keep` (R, C) mm is
    negative inside the openings of eyes and mouth. Eyes are open, lips parted by about 3.5 mm.
    """

    points: Array
    flat: Array
    column: Array
    row: Array
    front: Array
    keep: Array


@cache
def mean_head() -> Head:
    """Return the mean head."""
    half = np.array(
        [[[float(n) for n in p.split()] for p in line.split("|")] for line in _NET.split("\n") if line]
    )
    mirrored = half[:, :0:-1] * (-1, 1, 1)
    ring = np.concatenate([mirrored, half], axis=1)  # columns -7..7, both ends at the back of the head
    fine = np.linspace(0, 3.2, 49)
    side = np.linspace(3.2, 7, 17)[1:]
    column = np.concatenate([-side[::-1], -fine[:0:-1], fine, side])
    row = np.concatenate(
        [np.linspace(i, i + 1, n, endpoint=False) for i, n in enumerate(_STEPS)] + [[len(_STEPS)]]
    )
    around = CubicSpline(np.arange(-7, 8), ring, axis=1, bc_type="periodic")(column)
    stretch = np.linalg.norm(np.diff(around, axis=0), axis=-1).mean(1)
    knots = np.concatenate([[0], np.cumsum(stretch)])
    skull = CubicSpline(knots, around, axis=0)(np.interp(row, np.arange(len(knots)), knots))
    x, y = skull[..., 0], skull[..., 1]
    front = np.clip((4.6 - np.abs(column)) / 1.2, 0, 1)[None, :] * np.ones_like(x)
    points = skull.copy()
    points[..., 2] -= front * _relief(x, y)
    points[..., 1] += front * _undercut(x, y)
    points = _fit_lids(points, front)
    return Head(points, skull[..., :2].copy(), column, row, front, _openings(x, y, front))


def _relief(x: Array, y: Array) -> Array:
    """Return how far the face stands out (mm, towards the viewer) from the smooth skull."""
    side = np.abs(x)
    relief = _nose(side, y) + _lips(x, y)
    relief -= 5.0 * curves.bump(side, y, (31, 3), (16, 12))  # eye sockets
    relief -= 2.0 * curves.bump(side, y, (19, 6), (6, 8))
    relief += 2.0 * curves.bump(side, y, (36, -13), (20, 6))  # brow ridge
    relief += 3.5 * curves.bump(side, y, (50, 26), (13, 12))  # cheekbones
    relief += 2.5 * curves.bump(side, y, (36, 40), (14, 16))  # cheeks
    relief -= 1.5 * curves.bump(side, y, (29, 66), (6, 14))  # furrow from nose to mouth
    relief += 4.0 * curves.bump(side, y, (0, 108), (14, 9))  # chin
    relief -= 2.5 * curves.bump(side, y, (0, 95), (16, 4.5))  # furrow under the lip
    philtrum = 0.9 * curves.bump(side, y, (0, 63.5), (2.6, 5)) - 0.5 * curves.bump(side, y, (5, 63.5), (2, 5))
    relief -= philtrum
    relief -= 2.0 * curves.bump(side, y, (66, 0), (14, 18))  # temples
    return relief


# Height of the nose's ridge above the smooth skull (mm) at heights y, from the glabella to the upper lip.
_RIDGE = PchipInterpolator(
    (-14, -6, 2, 13, 24, 32, 36, 40, 44, 48, 52, 56, 60),
    (0, 0.6, 4, 11.5, 18.5, 23.6, 24.8, 23.4, 18.8, 12.4, 7, 2.6, 0),
)


def _nose(side: Array, y: Array) -> Array:
    ridge = _RIDGE(np.clip(y, -14, 60))
    width = np.interp(y, (-14, 0, 12, 24, 34, 40, 46, 58), (7, 6.5, 7.5, 8.5, 10, 11, 10.5, 9))
    nose = 0.82 * ridge * np.exp(-(np.abs(side / width) ** 2.2))
    nose += 0.24 * ridge * np.exp(-((side / (2.2 * width)) ** 2))
    wings = 9.5 * np.exp(-(np.abs((side - 13.2) / 5.6) ** 2.4) - np.abs((y - 47.5) / 6.5) ** 2.4)
    nostrils = 4.5 * np.exp(-(((side - 7.6) / 3.4) ** 2) - ((y - 53.6) / 2.2) ** 2)
    relief: Array = nose + wings - nostrils
    return relief


def _undercut(x: Array, y: Array) -> NDArray[np.floating]:
    """Return how far (mm) the underside of the nose and lips is pulled up, which a height field cannot do."""
    return -1.8 * curves.bump(np.abs(x), y, (7.5, 53.5), (6, 2.5))


def _lips(x: Array, y: Array) -> Array:
    upper, lower = curves.upper_lip(x), curves.lower_lip(x)
    top, bottom = curves.upper_inner_lip(x), curves.lower_inner_lip(x)
    inside = np.clip(1 - (np.abs(x) / 28) ** 2, 0, 1) ** 0.6
    above = np.clip((y - upper) / np.maximum(top - upper, 0.5), -1.2, 1.6)
    below = np.clip((lower - y) / np.maximum(lower - bottom, 0.5), -1.2, 1.6)
    roll = 3.6 * np.exp(-(((above - 0.62) / 0.55) ** 2)) + 4.6 * np.exp(-(((below - 0.60) / 0.52) ** 2))
    dental = 4.5 * np.exp(-(((np.abs(x)) / 24) ** 4) - ((y - 76) / 17) ** 4)  # the teeth push the lips forward
    return inside * roll + dental


def _fit_lids(points: Array, front: Array) -> Array:
    """Lay the lids around the eyeballs."""
    for sign in (-1, 1):
        centre = np.array(curves.EYE) * (sign, 1, 1)
        points = lids_on_ball(points, centre, curves.EYE_RADIUS, front)
    return points


def lids_on_ball(
    points: NDArray[np.floating], centre: NDArray[np.floating], radius: float, front: NDArray[np.floating]
) -> NDArray[Any]:
    """Return points whose depth follows the eyeball near it, blending into the face within some 10 mm."""
    dx, dy = points[..., 0] - centre[0], points[..., 1] - centre[1]
    reach = np.sqrt((dx / 20) ** 2 + (dy / np.where(dy < 0, 12, 11)) ** 2)
    weight = front * np.clip((1.5 - reach) / 0.9, 0, 1)
    weight = weight * weight * (3 - 2 * weight)
    ball = centre[2] - np.sqrt(np.maximum(radius**2 - dx**2 - dy**2, (0.5 * radius) ** 2)) - 1.1
    out = points.copy()
    out[..., 2] += weight * (ball - points[..., 2])
    return out


def _openings(x: Array, y: Array, front: Array) -> Array:
    """Return the distance (mm, along y) from the openings of eyes and mouth, negative inside, at most 5."""
    eye = np.maximum(curves.upper_lid(x) - y, y - curves.lower_lid(x))
    eye = np.where((np.abs(x) < curves.EYE_INNER) | (np.abs(x) > curves.EYE_OUTER), 5, eye)
    mouth = np.maximum(curves.upper_inner_lip(x) - y, y - curves.lower_inner_lip(x))
    mouth = np.where(np.abs(x) > curves.MOUTH_INNER_CORNER, 5, mouth)
    return np.where(front > 0.5, np.minimum(np.minimum(eye, mouth), 5), 5)
