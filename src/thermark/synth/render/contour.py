"""The jaw as annotators of pictures see it: its far side lies on the visible edge of the cheek.

A point on the head (FaceSynthetics, 3D) and a point of the picture's outline (300W, 2D) are the same in frontal
faces. In turned ones the far side of the jaw is hidden behind the cheek, and annotators follow the edge that they
see. So the far side moves along the rows of the head until it is on the edge, as in the landmark marching of Zhu
et al. 2015 (High-fidelity pose and expression normalization, CVPR). Its points are then spread along the edge as
they are spread on the same head when it is not turned, by shares of the length: a bare edge does not show which
height of the jaw a point had, and annotators space the points by eye.
"""

from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from thermark.synth.render import face_points
from thermark.synth.render.body import Body, embody
from thermark.synth.render.camera import Camera
from thermark.synth.render.head import mean_head
from thermark.synth.render.person import Person, Pose

JAW, CHIN = 17, 8  # points of the jaw, and the one on the midline, which stays
EYES = (36, 45)  # outer corners, which say where outwards is
CHEEK = 1.2  # columns of the head's net beside the midline: nearer to it are nose and lips, which are no contour

Array = NDArray[np.float64]


def edge(person: Person, pose: Pose, camera: Camera) -> NDArray[np.float32]:
    """Return the jaw's points (17, 2) on the visible edge of the face, in pixels of the camera's picture.

    The near side and the chin stay where they are on the head, and in a face that is not turned both sides.
    """
    body = embody(person, pose)
    jaw = camera.project(body.landmarks[:JAW])
    if pose.yaw:
        side = 1 if pose.yaw > 0 else -1
        far = CHIN + side * np.arange(1, CHIN + 1)
        ahead = embody(person, replace(pose, yaw=0.0))
        share = _places(_outline(ahead, camera, side), camera.project(ahead.landmarks[far]))
        jaw[far] = _at(_outline(body, camera, side), share)
    return np.asarray(jaw, np.float32)


def _outline(body: Body, camera: Camera, side: int) -> Array:
    """Return the edge (N, 2) px of one side, 1 the image-right of a frontal face, from the chin to the ear."""
    rows, inside, rim = _cheek(side)
    grid = camera.project(body.patches[0].points[rows].astype(np.float64))
    right, left = camera.project(body.landmarks[list(EYES)])
    across, down = side * (left - right)
    outwards = grid[..., 0] * across + grid[..., 1] * down  # no BLAS, whose rounding differs from CPU to CPU
    last = np.where(inside, outwards, -np.inf).argmax(axis=1)
    below = rim[: int(np.flatnonzero(rim == last[0])[0])]
    outline: Array = np.concatenate([grid[0, below], grid[np.arange(len(rows)), last]])
    return outline


@cache
def _cheek(side: int) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]:
    """Return rows (N,) of the head's grid, which of their columns (N, C) are cheek, and the columns of the rim.

    Rows go from the jaw's rim up to the ear, columns of the rim from the chin outwards.
    """
    index, _ = face_points.anchors()
    column = side * mean_head().column
    row, own = np.divmod(index[CHIN + side * np.arange(CHIN + 1), 0], len(column))
    rows = np.arange(row[0], row[-1] - 1, -1)
    upwards = slice(CHIN // 2, None)  # from the jaw's corner: below it the points lie along the rim
    furthest = np.interp(-rows, -row[upwards], column[own[upwards]])
    inside = (column >= CHEEK) & (column <= furthest[:, None] + 1e-6)
    rim = np.flatnonzero(column >= 0)[::side]
    return rows, inside, rim


def _places(line: Array, points: Array) -> Array:
    """Return where along a line (N, 2) the vertices nearest to points (P, 2) are, as shares (P,) of its length."""
    nearest = np.linalg.norm(line[:, None] - points, axis=2).argmin(axis=0)
    along = _lengths(line)
    share: Array = along[nearest] / along[-1]
    return share


def _at(line: Array, share: Array) -> Array:
    """Return the points (P, 2) at shares (P,) of the length of a line (N, 2)."""
    along = _lengths(line)
    return np.stack([np.interp(share * along[-1], along, line[:, axis]) for axis in range(2)], axis=1)


def _lengths(line: Array) -> Array:
    return np.concatenate([[0.0], np.linalg.norm(np.diff(line, axis=0), axis=1).cumsum()])
