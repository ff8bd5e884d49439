"""Where a face is warm and where it is cool, set down by its 68 landmarks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

NOSE_POINTS = frozenset(range(28, 36))
BOTH, RIGHT, LEFT = 0, 1, 2  # the subject's side that must be turned to the camera for a spot to be seen


@dataclass(frozen=True)
class ThermalSpot:
    """A warm or cool spot: at the mean of `points`, `rise` above it; lengths in face units.

    `across`, `along`: standard deviations by the axes of the face. `still`, `chilled`: deg C in a room that
    takes no heat, and what is added in a cold one (chill 1).
    """

    points: tuple[int, ...]
    across: float
    along: float
    still: float
    chilled: float
    side: int = BOTH
    rise: float = 0.0


SPOTS = (
    ThermalSpot((39,), 0.055, 0.055, 0.75, 0.25, RIGHT),  # inner canthi: the warmest skin
    ThermalSpot((42,), 0.055, 0.055, 0.75, 0.25, LEFT),
    ThermalSpot((36, 39), 0.17, 0.11, 0.25, 0.20, RIGHT),  # orbits
    ThermalSpot((42, 45), 0.17, 0.11, 0.25, 0.20, LEFT),
    ThermalSpot((21, 22), 0.55, 0.30, 0.30, 0.45, BOTH, 0.36),  # forehead
    ThermalSpot((17, 36), 0.11, 0.20, 0.25, 0.25, RIGHT),  # temporal arteries
    ThermalSpot((26, 45), 0.11, 0.20, 0.25, 0.25, LEFT),
    ThermalSpot((30, 33), 0.13, 0.14, -0.45, -2.00),  # nose tip
    ThermalSpot((28, 29), 0.09, 0.16, -0.15, -0.65),  # bridge
    ThermalSpot((31,), 0.07, 0.07, -0.15, -0.60, RIGHT),  # wings
    ThermalSpot((35,), 0.07, 0.07, -0.15, -0.60, LEFT),
    ThermalSpot((2, 41, 48), 0.22, 0.20, -0.35, -1.10, RIGHT),  # cheeks
    ThermalSpot((14, 46, 54), 0.22, 0.20, -0.35, -1.10, LEFT),
    ThermalSpot((8, 57), 0.17, 0.12, -0.15, -0.55),  # chin
)


class FaceAxes:
    """The axes and the size of a face in a picture.

    `unit`: about the distance of the outer eye corners, px, whichever way the face is turned. `up`: from the chin
    to the bridge of the nose, length 1. `x`, `y` (H, W): each pixel's place.
    """

    def __init__(self, points: NDArray[np.float32], shape: tuple[int, ...]):
        self.points = points.astype(np.float64)
        up = self.points[27] - self.points[8]
        self.unit = max(float(np.linalg.norm(points[36] - points[45])), 0.75 * float(np.linalg.norm(up)), 1.0)
        self.up = up / max(float(np.linalg.norm(up)), 1e-6)
        self.y, self.x = (axis.astype(np.float32) for axis in np.mgrid[: shape[0], : shape[1]])

    def along_axes(self, centre: NDArray[np.float64]) -> tuple[Array, Array]:
        """Return each pixel's place (H, W) across and along the face from `centre`, in units."""
        (x, y), (right, above) = centre.tolist(), self.up.tolist()  # Python's numbers leave float32 as it is
        dx, dy = (self.x - x) / self.unit, (self.y - y) / self.unit
        return dy * right - dx * above, dx * right + dy * above

    def spot(self, centre: NDArray[np.float64], across: float, along: float) -> Array:
        """Return a Gaussian (H, W) of height 1; standard deviations in units."""
        u, v = self.along_axes(centre)
        return np.exp(-0.5 * ((u / across) ** 2 + (v / along) ** 2))

    def turned(self, side: int) -> float:
        """Return 0..1, how well a side is seen, by the width of its eye beside that of the other."""
        widths = [float(np.linalg.norm(self.points[a] - self.points[b])) for a, b in ((36, 39), (42, 45))]
        share = 1.0 if side == BOTH else widths[side - 1] / max(*widths, 1e-6)
        return float(np.clip((share - 0.3) / 0.35, 0, 1))


def spot_temperatures(face: FaceAxes, strengths: Sequence[float], nose: Array) -> tuple[Array, Array]:
    """Return what all spots add to skin (H, W), in deg C: in any room, and for each unit of chill.

    `strengths`: a factor a spot; `nose` (H, W): 1 where the nose is, on which its own spots mostly stay.
    """
    still, chilled = np.zeros_like(face.x), np.zeros_like(face.x)
    for spot, strength in zip(SPOTS, strengths, strict=True):
        centre = face.points[list(spot.points)].mean(0) + spot.rise * face.unit * face.up
        warmth = (strength * face.turned(spot.side)) * face.spot(centre, spot.across, spot.along)
        if set(spot.points) <= NOSE_POINTS:
            warmth *= 0.35 + 0.65 * nose
        still += spot.still * warmth
        chilled += spot.chilled * warmth
    return still, chilled
