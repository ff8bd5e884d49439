"""What a lens and a slow sensor do to temperatures: blur, motion, and the average over each element."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Celsius = NDArray[np.float32]
REACH = 4  # px from the middle of a motion's kernel: OpenCV filters larger ones by Fourier transforms


def onto_sensor(celsius: Celsius, columns: int, blur: float) -> Celsius:
    """Return deg C (h, w) of a sensor of `columns`, each element the mean of its part of (H, W).

    Rows follow from the picture's aspect; elements are square. A sensor with more columns than the picture, or
    with 0, has the picture's pixels. `blur` is the sigma of the lens in elements of the sensor.
    """
    height, width = celsius.shape
    size = sensor_size(width, height, columns)
    sigma = blur * width / size[0]
    # Below a sixth of a pixel nothing but the middle of the kernel is left.
    seen = cv2.GaussianBlur(celsius, (0, 0), sigma) if sigma > 1 / 6 else celsius
    if size != (width, height):
        seen = cv2.resize(seen, size, interpolation=cv2.INTER_AREA)
    return np.asarray(seen, np.float32)


def sensor_size(width: int, height: int, columns: int) -> tuple[int, int]:
    """Return (columns, rows) of a sensor behind a picture of `width` x `height` px."""
    if not 0 < columns < width:
        return width, height
    return columns, max(round(height * columns / width), 1)


def move(celsius: Celsius, lag: float, heading: float) -> Celsius:
    """Return what a sensor shows of a scene that moves along `heading` (radians, 0 to the right, down positive).

    The signal of a bolometer decays exponentially: `lag` elements are passed in its time constant. The smear is
    centred, so that labels stay in its middle.
    """
    if lag <= 0:
        return celsius
    return np.asarray(cv2.filter2D(celsius, -1, smear(lag, heading), borderType=cv2.BORDER_REPLICATE), np.float32)


def smear(lag: float, heading: float) -> NDArray[np.float32]:
    """Return the kernel (9, 9) of `move`, of sum 1 and with its centre of mass in the middle."""
    kernel = np.zeros((2 * REACH + 1, 2 * REACH + 1))
    steps = [index / 8 for index in range(8 * 2 * REACH)]
    weights = [math.exp(-step / lag) for step in steps]
    mean = sum(step * weight for step, weight in zip(steps, weights, strict=True)) / sum(weights)
    for step, weight in zip(steps, weights, strict=True):
        away = min(max(step - mean, -REACH + 1.0), REACH - 1.0)
        x, y = REACH + away * math.cos(heading), REACH + away * math.sin(heading)
        column, row = math.floor(x), math.floor(y)
        for i, across in ((column, column + 1 - x), (column + 1, x - column)):
            for j, down in ((row, row + 1 - y), (row + 1, y - row)):
                kernel[j, i] += weight * across * down
    smeared: NDArray[np.float32] = (kernel / kernel.sum()).astype(np.float32)
    return smeared
