"""What stands behind people: today's room, or a place with hot and cold things in and out of focus."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from thermark.synth.render.background import room
from thermark.synth.render.camera import Camera

Array = NDArray[np.float32]
Backdrop = tuple[Array, Array]


@dataclass(frozen=True)
class Surroundings:
    """A place: `kind` is "plain" (the room of `background`), "car", "outdoors" or "indoors".

    `ambient` is an air temperature in deg C that goes with the place, for a writer that wants one; None where
    the place says nothing of it. `sky`: how many deg C what is overhead looks colder (< 0) or warmer than the
    air, which glass mirrors.
    """

    kind: str = "plain"
    ambient: float | None = None
    sky: float = 0.0


PLAIN = Surroundings()


def backdrop(
    place: Surroundings, camera: Camera, heads: NDArray[np.float64], ambients: tuple[float, ...], rng: Generator
) -> Backdrop:
    """Return linear RGB (H, W, 3) and deg C (A, H, W) of what is behind people.

    `heads` (P, 3): the centres of heads in pixels, and pixels per metre there.
    """
    return room(camera.height, camera.width, ambients, rng)
