"""Which of two public readings of CHARLOTTE's 43 profile points fits the points themselves."""

import numpy as np
from numpy.typing import NDArray

# Points whose group both readings agree on, and the disputed ones: point -> its group under A, under B.
AGREED = {
    "contour": range(0, 9),
    "brow": range(12, 15),
    "nose": range(16, 22),
    "eye": range(22, 27),
    "mouth": range(28, 39),
    "forehead": range(40, 43),
}
DISPUTED = {
    9: ("brow", "contour"),
    10: ("brow", "contour"),
    11: ("brow", "contour"),
    15: ("nose", "brow"),
    27: ("eye", "mouth"),
    39: ("mouth", "forehead"),
}


def readings(xy: NDArray[np.floating]) -> dict[str, float]:
    """Return the share of disputed points (N, 43, 2) that lie nearer to the group that A, or B, puts them in.

    Nearer means: to the nearest agreed member of the group. No rows give no shares.
    """
    if not len(xy):
        return {}
    votes = [
        _gap(xy, point, AGREED[one]) < _gap(xy, point, AGREED[other]) for point, (one, other) in DISPUTED.items()
    ]
    share = float(np.mean(votes))
    return {"A": share, "B": 1 - share}


def _gap(xy: NDArray[np.floating], point: int, group: range) -> NDArray[np.floating]:
    """Return the distance (N,) of a point from the nearest member of a group."""
    return np.linalg.norm(xy[:, list(group)] - xy[:, point, None], axis=-1).min(axis=1)
