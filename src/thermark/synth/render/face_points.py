"""Where the 68 + 2 landmarks sit on the mean head: fixed places on its triangles, so that they are exact."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from thermark.synth.render import curves
from thermark.synth.render.head import mean_head

# Jaw contour 8..16 (chin to image-right ear) of the mean landmark shape, mm.
_JAW = (
    (0, 120.5, 0),
    (18.9, 117, 6),
    (34.8, 110, 22),
    (49.4, 100.5, 42),
    (59, 88.8, 63),
    (63.7, 75, 77),
    (67.2, 57.5, 88),
    (69.9, 40.8, 94),
    (73.2, 19.3, 98),
)


def _flat_points() -> NDArray[np.float64]:
    """Return landmarks 17..67 in the (x, y) of the smooth skull, lips parted and eyes open."""
    x = np.array([56, 48.2, 38.2, 27.9, 17.7])
    brow = [(-a, float(curves.brow(a)) + 0.5 * float(curves.brow_thickness(a))) for a in x]
    nose = [(0, 1), (0, 13.1), (0, 24.3), (0, 37.6)]
    row = [(-17.6, 50.6), (-9.6, 55.4), (0, 57.0), (9.6, 55.4), (17.6, 50.6)]
    corner = curves.eye_corner_line
    eye = [
        (-curves.EYE_OUTER, float(corner(curves.EYE_OUTER))),
        (-38.8, float(curves.upper_lid(38.8))),
        (-28.4, float(curves.upper_lid(28.4))),
        (-curves.EYE_INNER, float(corner(curves.EYE_INNER))),
        (-28.6, float(curves.lower_lid(28.6))),
        (-39.4, float(curves.lower_lid(39.4))),
    ]
    outer = [(a, float(curves.upper_lip(a))) for a in (-26.4, -21.6, -11.8, 0, 11.8, 21.6, 26.4)]
    outer += [(a, float(curves.lower_lip(a))) for a in (20.7, 11.6, 0, -11.6, -20.7)]
    inner = [(a, float(curves.upper_inner_lip(a))) for a in (-25.2, -13, 0, 13, 25.2)]
    inner += [(a, float(curves.lower_inner_lip(a))) for a in (12, 0, -12)]
    mirrored = [[(-a, b) for a, b in points] for points in (brow, eye)]
    other_eye = [mirrored[1][i] for i in (3, 2, 1, 0, 5, 4)]
    return np.array(brow + mirrored[0][::-1] + nose + row + eye + other_eye + outer + inner)


@cache
def anchors() -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return for landmarks 0..67 three vertex indices (68, 3) of the head grid and barycentric weights (68, 3)."""
    head = mean_head()
    columns = head.front.shape[1]
    flat = head.flat.reshape(-1, 2)
    points = head.points.reshape(-1, 3)
    index, weight = np.zeros((68, 3), np.int64), np.zeros((68, 3))
    right = np.array(_JAW, float)
    jaw = np.concatenate([right[:0:-1] * (-1, 1, 1), right])
    for i, target in enumerate(jaw):
        index[i] = int(np.argmin(((points - target) ** 2).sum(1)))
        weight[i] = (1, 0, 0)
    usable = (head.front > 0.5).reshape(-1)
    for i, target in enumerate(_flat_points(), start=17):
        index[i], weight[i] = _locate(flat, usable, columns, target)
    return index, weight


def _locate(
    flat: NDArray[np.float64], usable: NDArray[np.bool_], columns: int, target: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the corners and weights of the grid triangle around `target` (2,)."""
    nearest = np.argsort(np.where(usable, ((flat - target) ** 2).sum(1), np.inf))[:4]
    best, result = -np.inf, (np.zeros(3, np.int64), np.zeros(3))
    for vertex in nearest:
        for cell in (vertex, vertex - 1, vertex - columns, vertex - columns - 1):
            a, b, c, d = cell, cell + 1, cell + columns, cell + columns + 1
            for corners in (np.array([a, b, c]), np.array([b, d, c])):
                weights = np.linalg.solve(np.vstack([flat[corners].T, np.ones(3)]), np.append(target, 1))
                if weights.min() > best:
                    best, result = weights.min(), (corners, weights)
    return result


def landmarks_on(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return landmarks 0..67 (68, 3) of a head grid (R, C, 3)."""
    index, weight = anchors()
    xyz: NDArray[np.float64] = np.einsum("ijk,ij->ik", points.reshape(-1, 3)[index].astype(np.float64), weight)
    return xyz
