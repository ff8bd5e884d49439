"""A thermal camera: from true temperatures to those that it reports."""

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray


def observe(
    celsius: NDArray[np.float32],
    rng: Generator,
    netd: float = 0.04,
    blur: float = 0.6,
    nonuniformity: float = 0.08,
    offset: float = 0.0,
) -> NDArray[np.float32]:
    """Return the temperature map (H, W) in deg C that a microbolometer would report.

    `blur` is the sigma of the optics in pixels; `nonuniformity` the standard deviation in deg C of the fixed
    pattern: column stripes, a low-frequency lens gradient and single pixels; `netd` that of the temporal
    noise; `offset` is the calibration error of the whole frame.
    """
    height, width = celsius.shape
    image = cv2.GaussianBlur(celsius, (0, 0), blur) if blur > 0 else celsius.copy()
    stripes = rng.normal(0, 0.5, (1, width)).astype(np.float32)
    coarse = rng.normal(0, 1, (4, 4)).astype(np.float32)
    lens = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    pixels = rng.standard_normal((height, width), np.float32)
    image += np.float32(nonuniformity) * (stripes + np.float32(0.7) * lens + np.float32(0.5) * pixels)
    image += np.float32(netd) * rng.standard_normal((height, width), np.float32)
    reported: NDArray[np.float32] = image + np.float32(offset)
    return reported
