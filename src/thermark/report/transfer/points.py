"""Which landmarks are compared, and the pose that labelled points tell."""

import numpy as np
from numpy.typing import NDArray

from thermark import landmarks
from thermark.core.faces import Faces

TARGET = "ibug68"
MAIN = "common50"
# SF-TL54 has six points of the mouth. Its corners mean the same to everybody; where the four on the midline are
# while lips part is what networks disagree about most, so they are counted apart.
MIDLINE = ("mouth_outer_3", "mouth_outer_9", "mouth_inner_2", "mouth_inner_6")
CORNERS = ("mouth_outer_0", "mouth_outer_6")
PARTS = ("jaw", "brows", "eyes", "nose")
YAWS = ((15.0, "up to 15"), (30.0, "15 to 30"), (np.inf, "above 30"))  # degrees to either side


def groups() -> dict[str, NDArray[np.bool_]]:
    """Return masks (68,) of the points of iBUG's that are compared: `common50` first, and its parts.

    `common50`: 54 points that SF-TL54 shares with iBUG's, less the four on the midline of the lips (`midline`).
    `common54`: these, too. `corners`: of the mouth.
    """
    vocabulary = landmarks.load(TARGET)
    shared = landmarks.weights("sftl54", TARGET).sum(axis=1) > 0
    midline = _named(MIDLINE)
    parts = {
        name: np.isin(np.arange(len(vocabulary)), vocabulary.groups[name]) & shared & ~midline for name in PARTS
    }
    return {
        MAIN: shared & ~midline,
        "common54": shared,
        **parts,
        "corners": _named(CORNERS),
        "midline": midline,
    }


def yaw(faces: Faces) -> NDArray[np.float64]:
    """Return roughly how far each head is turned to its left, in degrees (N,); NaN where points are unlabelled.

    The tip of the nose lies about half the distance of the outer eye corners before their middle, so that its
    offset along the line of the eyes, in those halves, is the tangent. Good to some ten degrees: for parts of a
    table, no more.
    """
    vocabulary = landmarks.load(TARGET)
    xy = np.concatenate([_read(faces, row) for row in range(len(faces))]).astype(np.float64)
    right, left = (xy[:, vocabulary.index(name)] for name in ("right_eye_0", "left_eye_3"))
    tip = xy[:, vocabulary.index("nose_bridge_3")]
    half = (left - right) / 2
    along = ((tip - (left + right) / 2) * half).sum(axis=1)
    length = (half**2).sum(axis=1)
    turned: NDArray[np.float64] = np.degrees(np.arctan2(along, np.where(length > 0, length, np.nan)))
    return turned


def turned(degrees: NDArray[np.float64]) -> NDArray[np.str_]:
    """Return which of YAWS each yaw (N,) is in, nothing for one that is NaN."""
    names = np.array([name for _, name in YAWS])
    limits = [limit for limit, _ in YAWS]
    return np.where(np.isnan(degrees), "", names[np.searchsorted(limits, np.abs(np.nan_to_num(degrees)))])


def _read(faces: Faces, row: int) -> NDArray[np.floating]:
    name = str(faces.vocabularies[row])
    return landmarks.project(faces.xy[row : row + 1, : len(landmarks.load(name))], name, TARGET)


def _named(names: tuple[str, ...]) -> NDArray[np.bool_]:
    return np.isin(np.array(landmarks.load(TARGET).points), names)
