"""Which landmarks are compared, and the pose that labelled points tell."""

import numpy as np
from numpy.typing import NDArray

from thermark import landmarks
from thermark.core.faces import Faces
from thermark.metrics.scores import labels

TARGET = "ibug68"
MAIN = "common50"
# SF-TL54 has six points of the mouth. Networks agree on what its corners are; where the four on the midline are
# while lips part is what networks disagree about most, so they are counted apart.
MIDLINE = ("mouth_outer_3", "mouth_outer_9", "mouth_inner_2", "mouth_inner_6")
CORNERS = ("mouth_outer_0", "mouth_outer_6")
EYES = ("right_eye_0", "left_eye_3")  # their outer corners
PARTS = ("jaw", "brows", "eyes", "nose")
CORNER_POINTS, MIDLINE_POINTS = "corners", "midline"  # of the mouth, as groups
WITH_MIDLINE = "common54"
YAWS = {"up to 15": 15.0, "15 to 30": 30.0, "above 30": np.inf}  # degrees to either side


def groups() -> dict[str, NDArray[np.bool_]]:
    """Return masks (68,) of the points of iBUG's that are compared: `common50` first, and its parts.

    `common50`: 54 points that SF-TL54 shares with iBUG's, less the four on the midline of the lips (`midline`).
    `common54`: these, too. `corners`: of the mouth.
    """
    vocabulary = landmarks.load(TARGET)
    names, rows = np.array(vocabulary.points), np.arange(len(vocabulary))
    shared = landmarks.weights("sftl54", TARGET).sum(axis=1) > 0
    midline, corners = np.isin(names, MIDLINE), np.isin(names, CORNERS)
    parts = {name: np.isin(rows, vocabulary.groups[name]) & shared & ~midline for name in PARTS}
    return {
        MAIN: shared & ~midline,
        WITH_MIDLINE: shared,
        **parts,
        CORNER_POINTS: corners,
        MIDLINE_POINTS: midline,
    }


def yaw(faces: Faces) -> NDArray[np.float64]:
    """Return roughly how far each head is turned to its left, in degrees (N,); NaN where points are unlabelled.

    The tip of the nose lies about half the distance of the outer eye corners before their middle, so that its
    offset along the line of the eyes, in those halves, is the tangent. Good to some ten degrees: for parts of a
    table, no more.
    """
    vocabulary, xy = landmarks.load(TARGET), labels(faces, TARGET, {}).truth.astype(np.float64)
    places = [vocabulary.index(name) for name in (*EYES, "nose_bridge_3")]
    right, left, tip = (xy[:, place] for place in places)
    half = (left - right) / 2
    along = ((tip - (left + right) / 2) * half).sum(axis=1)
    length = (half**2).sum(axis=1)
    return np.asarray(np.degrees(np.arctan2(along, np.where(length > 0, length, np.nan))))


def eye_axes(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return unit vectors (N, 2, 2) of points (N, 68, 2): along the eyes, to the image-right, and downwards."""
    right, left = (xy[:, landmarks.load(TARGET).index(name)] for name in EYES)
    along = (left - right) / np.linalg.norm(left - right, axis=1)[:, None]
    return np.stack([along, along[:, ::-1] * [-1, 1]], axis=1)


def yaw_range(degrees: NDArray[np.float64]) -> NDArray[np.str_]:
    """Return which of YAWS each yaw (N,) is in, nothing for one that is NaN."""
    place = np.searchsorted([*YAWS.values()], np.abs(np.nan_to_num(degrees)))
    return np.where(np.isnan(degrees), "", np.array([*YAWS])[place])
