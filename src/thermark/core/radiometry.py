"""From sensor values to degrees Celsius, and from degrees to the 8-bit image that a network takes."""

from typing import Any, Literal, Self

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from thermark.core.config import Section
from thermark.core.errors import DataError
from thermark.core.point_errors import median_of_finite

Celsius = NDArray[np.float32]
# Unit of a raw matrix -> scale and offset to degrees Celsius.
UNITS = {"degrees Celsius": (1.0, 0.0), "centikelvin": (0.01, -273.15), "1/64 kelvin": (1 / 64, -273.15)}


class Tone(Section):
    """A named tone mapping: how degrees Celsius become grey levels.

    `clip`: `low`..`high` degrees become 0..255, the same for every frame.
    `minmax`: the frame's own coldest and warmest pixel.
    `percentile`: the frame's own `low_percent` and `high_percent` percentiles.
    `clahe`: `percentile`, then contrast-limited adaptive histogram equalisation.
    """

    name: Literal["clip", "minmax", "percentile", "clahe"] = "clip"
    low: float = 20.0
    high: float = 40.0
    low_percent: float = Field(default=1.0, ge=0)
    high_percent: float = Field(default=99.0, le=100)

    @model_validator(mode="after")
    def _order(self) -> Self:
        if not self.low < self.high:
            raise ValueError("low must be below high")
        if not self.low_percent < self.high_percent:
            raise ValueError("low_percent must be below high_percent")
        return self


def linear_celsius(raw: NDArray[Any], scale: float, offset: float) -> Celsius:
    """Return `raw * scale + offset` as float32 degrees Celsius."""
    return raw.astype(np.float32) * np.float32(scale) + np.float32(offset)


def in_celsius(raw: NDArray[Any], name: str) -> Celsius:
    """Return degrees Celsius from a matrix of degrees, centikelvin or 1/64 kelvin, whichever is plausible.

    The three ranges do not overlap: a median of -20..80 deg C is read as 25315..35315 or 16201..22601 otherwise.
    Raises DataError, naming what it is of, for a median in none of them.
    """
    median = median_of_finite(raw)
    scales = tuple(UNITS.values())
    for scale, offset in scales if raw.dtype.kind in "iu" else scales[:1]:
        if -20 <= median * scale + offset <= 80:
            return linear_celsius(raw, scale, offset)
    raise DataError(
        f"{name} has the median {median:.6g}, no temperature in any known unit",
        "check that the TIFFs hold degrees Celsius, centikelvin or 1/64 kelvin",
    )


def render(celsius: Celsius, tone: Tone) -> NDArray[np.uint8]:
    """Map degrees Celsius (H, W) to uint8 grey (H, W); NaN and infinite pixels become black.

    A constant image is mid-grey under the adaptive mappings: nothing is divided by zero.
    """
    finite = np.isfinite(celsius)
    whole = bool(finite.all())
    if not finite.any():
        return np.zeros(celsius.shape, np.uint8)
    low, high = _limits(celsius if whole else celsius[finite], tone)
    if high > low:
        scaled = (celsius - np.float32(low)) / np.float32(high - low)
        np.clip(scaled, 0, 1, out=scaled)
    else:
        scaled = np.full(celsius.shape, 0.5, np.float32)
    scaled *= np.float32(255)
    np.rint(scaled, out=scaled)
    grey = (scaled if whole else np.where(finite, scaled, 0)).astype(np.uint8)
    if tone.name == "clahe":
        grey = cv2.createCLAHE(clipLimit=2.0, tileGridSize=(8, 8)).apply(grey).astype(np.uint8)
    return grey


def _limits(values: Celsius, tone: Tone) -> tuple[float, float]:
    if tone.name == "clip":
        return tone.low, tone.high
    if tone.name == "minmax":
        return float(values.min()), float(values.max())
    low, high = np.percentile(values, [tone.low_percent, tone.high_percent])
    return float(low), float(high)
