"""Colour maps of thermal cameras, and the grey that software converts their colours to."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

# Place 0..1 and red, green, blue 0..255. Their luma rises in RISING, and turns in TURNING.
STOPS = {
    "grey": ((0, 0, 0, 0), (1, 255, 255, 255)),
    "iron": (
        (0, 0, 0, 10),
        (0.12, 30, 0, 110),
        (0.35, 150, 0, 160),
        (0.55, 225, 60, 60),
        (0.75, 250, 140, 5),
        (0.9, 255, 220, 60),
        (1, 255, 255, 245),
    ),
    "lava": ((0, 5, 10, 40), (0.3, 60, 20, 110), (0.6, 200, 40, 40), (0.85, 255, 170, 40), (1, 255, 255, 220)),
    "sepia": ((0, 10, 5, 0), (0.5, 160, 90, 30), (1, 255, 245, 215)),
    "rainbow": (
        (0, 0, 0, 120),
        (0.2, 0, 60, 255),
        (0.4, 0, 220, 220),
        (0.55, 20, 220, 40),
        (0.75, 255, 240, 0),
        (0.9, 255, 60, 0),
        (1, 190, 0, 0),
    ),
    "rainbow_white": (
        (0, 0, 0, 0),
        (0.15, 110, 0, 140),
        (0.3, 0, 0, 255),
        (0.45, 0, 220, 220),
        (0.6, 0, 200, 0),
        (0.75, 255, 255, 0),
        (0.9, 255, 40, 0),
        (1, 255, 255, 255),
    ),
    "arctic": (
        (0, 10, 20, 160),
        (0.35, 60, 190, 250),
        (0.55, 90, 100, 110),
        (0.8, 250, 180, 40),
        (1, 255, 240, 190),
    ),
    "alarm": ((0, 0, 0, 0), (0.88, 224, 224, 224), (0.885, 235, 40, 20), (1, 255, 120, 20)),
}
TURNING = ("rainbow", "rainbow_white", "arctic", "alarm")
RISING = ("iron", "lava", "sepia")


@cache
def luma(name: str) -> NDArray[np.uint8]:
    """Return the table (256,) from grey to the luma of a palette's colour, by 0.299, 0.587 and 0.114."""
    stops = np.array(STOPS[name], np.float64)
    place = np.arange(256) / 255
    colour = [np.rint(np.interp(place, stops[:, 0], stops[:, channel])).astype(np.int64) for channel in (1, 2, 3)]
    return ((299 * colour[0] + 587 * colour[1] + 114 * colour[2] + 500) // 1000).astype(np.uint8)
