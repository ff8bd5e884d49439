"""The jaw as annotators of pictures see it: its far side lies on the visible edge of the cheek.

A point on the head (FaceSynthetics, 3D) and a point of the picture's outline (300W, 2D) are the same in frontal
faces. In turned ones the far side of the jaw is hidden behind the cheek, and annotators follow the edge that they
see. So each of these points moves along its own height of the head until it is on the edge, as in the landmark
marching of Zhu et al. 2015 (High-fidelity pose and expression normalization, CVPR).
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from thermark.synth.render import face_points
from thermark.synth.render.body import embody
from thermark.synth.render.camera import Camera
from thermark.synth.render.head import mean_head
from thermark.synth.render.person import Person, Pose

JAW, CHIN = 17, 8  # points of the jaw, and the one on the midline, which stays
EYES = (36, 45)  # outer corners, which say where outwards is
CHEEK = 1.2  # columns of the head's net beside the midline: nearer to it are nose and lips, which are no contour


def edge(person: Person, pose: Pose, camera: Camera) -> NDArray[np.float32]:
    """Return the jaw's points (17, 2) on the visible edge of the face, in pixels of the camera's picture.

    A point that is on the edge already, as all are in a frontal face and those of the near side in any, stays.
    """
    body = embody(person, pose)
    grid = camera.project(body.patches[0].points.astype(np.float64))
    right, left = camera.project(body.landmarks[list(EYES)])
    outwards = (left - right) / np.linalg.norm(left - right)
    moved = camera.project(body.landmarks[:JAW])
    for point, (row, columns) in _paths().items():
        sign = -1 if point < CHIN else 1
        path = np.concatenate([moved[point][None], grid[row, columns]])
        moved[point] = path[np.argmax(sign * (path @ outwards))]
    return np.asarray(moved, np.float32)


@cache
def _paths() -> dict[int, tuple[int, NDArray[np.int64]]]:
    """Return for each point of the jaw but the chin its row of the head's grid, and the columns before it."""
    index, _ = face_points.anchors()
    column = mean_head().column
    paths = {}
    for point in range(JAW):
        row, own = divmod(int(index[point, 0]), len(column))
        between = np.flatnonzero((np.abs(column) >= CHEEK) & (np.abs(column) < abs(column[own])))
        if point != CHIN:
            paths[point] = row, between[np.sign(column[between]) == np.sign(column[own])]
    return paths
