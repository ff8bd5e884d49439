"""Noise and faults of an uncooled thermal sensor, in degrees."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from thermark.core import seeds

Celsius = NDArray[np.float32]
STEP = 100  # counts a degree: the finest step in which cameras report temperatures
COLDEST = -100.0  # deg C that count 0 stands for


@dataclass(frozen=True)
class Faults:
    """Standard deviations in K, but for `shading`, from the middle of the picture to its corners, and `dead`.

    `netd`: temporal noise, new in each picture; `columns`, `rows`, `pixels`: what is left of the fixed pattern
    after correction; `shading`: smooth, of the lens and of the housing's own heat; `dead`: share of elements that
    stand still; `drift`: error of the whole frame, K.
    """

    netd: float = 0.0
    columns: float = 0.0
    rows: float = 0.0
    pixels: float = 0.0
    shading: float = 0.0
    dead: float = 0.0
    drift: float = 0.0


def observe(celsius: Celsius, faults: Faults, seed: int, rng: Generator) -> NDArray[np.uint16]:
    """Return counts (h, w) of 0.01 K from `COLDEST` on of the temperatures on the sensor.

    `seed` fixes all that stays from picture to picture; `rng` draws the temporal noise. From here on everything is
    whole numbers: the last bit of a float cannot travel.
    """
    seen = celsius + pattern(celsius.shape[0], celsius.shape[1], faults, seed)
    seen += np.float32(faults.netd) * rng.standard_normal(celsius.shape, np.float32)
    counts = np.rint((seen - np.float32(COLDEST)) * np.float32(STEP))
    return _stuck(np.clip(counts, 0, 65535).astype(np.uint16), faults.dead, seed)


def pattern(height: int, width: int, faults: Faults, seed: int) -> Celsius:
    """Return what a sensor of (height, width) adds to every picture, K."""
    rng = seeds.rng(seed, "pattern")
    columns = np.float32(faults.columns) * rng.standard_normal((1, width), np.float32)
    rows = np.float32(faults.rows) * rng.standard_normal((height, 1), np.float32)
    pixels = np.float32(faults.pixels) * rng.standard_normal((height, width), np.float32)
    coarse = rng.standard_normal((4, 4), np.float32)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    y, x = (np.linspace(-1, 1, side, dtype=np.float32) for side in (height, width))
    lens = (y[:, None] * y[:, None] + x * x) * np.float32(0.5 * rng.choice([-1.0, 1.0]))
    shading = np.float32(faults.shading) * (lens + np.float32(0.3) * smooth)
    added: Celsius = columns + rows + pixels + shading + np.float32(faults.drift)
    return added


def _stuck(counts: NDArray[np.uint16], share: float, seed: int) -> NDArray[np.uint16]:
    """Return the counts with a `share` of the elements stuck at the coldest or warmest that is seen."""
    number = round(share * counts.size)
    if number:
        rng = seeds.rng(seed, "dead")
        places = rng.integers(0, counts.size, number)
        levels = np.where(rng.random(number) < 0.5, counts.min(), counts.max())
        counts.reshape(-1)[places] = levels
    return counts
