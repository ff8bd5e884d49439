"""Which pixels can be degrees Celsius: neither in another unit, nor counts, nor grey levels, nor missing."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from thermark.core.errors import DataError
from thermark.core.point_errors import median_of_finite

OtherUnit = Literal["fahrenheit", "kelvin"]
# Medians of frames with people in them, in float pixels: no room is that warm in the unit before.
LIKELY: dict[OtherUnit, tuple[float, float]] = {"fahrenheit": (60.0, 130.0), "kelvin": (250.0, 330.0)}
INTO_CELSIUS: dict[OtherUnit, str] = {"fahrenheit": "(value - 32) / 1.8", "kelvin": "value - 273.15"}
# Wider than any place with people in it: single pixels are colder or hotter, half of a picture is not.
COLDEST, HOTTEST = -60.0, 150.0
ABSOLUTE_ZERO = {"celsius": -273.15, "fahrenheit": -459.67, "kelvin": 0.0}
COLDEST_SKY = -120.0
BOILING = {"celsius": 100.0, "fahrenheit": 212.0, "kelvin": 373.15}


def present(pixels: NDArray[Any], unit: str = "celsius") -> NDArray[np.float32]:
    """Return temperatures (H, W) as float32, NaN for what no pixel can have, such as -9999, or 0 kelvin."""
    with np.errstate(over="ignore"):  # beyond float32 is infinite, and so lost
        known = np.ascontiguousarray(pixels, np.float32)
    return np.where(known > np.float32(ABSOLUTE_ZERO[unit]), known, np.float32(np.nan))


def possible(celsius: NDArray[Any]) -> bool:
    """Tell whether a frame (H, W) can be degrees Celsius by its hundredths at both ends; NaN does not count.

    Counts that fill 16 bits may have the median of a room in parts of a kelvin; but then they are colder than any
    sky, or too cold at one end and too hot at the other.
    """
    finite = celsius[np.isfinite(celsius)]
    low, high = np.percentile(finite, [1, 99]) if finite.size else (COLDEST, HOTTEST)
    return bool(low >= COLDEST_SKY and (low >= COLDEST or high <= HOTTEST))


def likely(median: float) -> OtherUnit | None:
    """Return the unit in which the median of float pixels is that of a place with people, None for Celsius."""
    return next((unit for unit, (low, high) in LIKELY.items() if low < median < high), None)


def require_no_grey_levels(pixels: NDArray[Any], name: str, unit: str = "celsius") -> None:
    """Raise DataError for floats (H, W) that are grey levels; NaN does not count.

    Grey levels all lie in 0..1, or are whole numbers of 0..255 of which one is above BOILING in the `unit` that is
    stated: temperatures that were rounded to whole degrees end below it, but for what is hotter than any room.
    """
    finite = pixels[np.isfinite(pixels)]
    if not finite.size or finite.min() < 0 or finite.max() > 255:
        return
    remedy = "give uint8, 0..255, or degrees Celsius"
    if finite.max() <= 1:
        raise DataError(f"{name} holds floats from 0 to 1, no degrees Celsius", remedy)
    if finite.max() > BOILING[unit] and (finite == np.rint(finite)).all():
        raise DataError(f"{name} holds whole numbers from 0 to 255 as floats, no degrees Celsius", remedy)


def require_celsius(pixels: NDArray[Any], name: str) -> None:
    """Raise DataError for floats (H, W) that look as if they were no degrees Celsius; NaN does not count."""
    require_no_grey_levels(pixels, name)
    median = median_of_finite(pixels)
    unit = likely(median)
    if unit is not None:
        cause = f"{name} has a median of {median:.1f}, which looks like degrees in {unit}"
        raise DataError(cause, f"give degrees Celsius: {INTO_CELSIUS[unit]}")
    require_of_people(median, name)


def require_of_people(median: float, name: str) -> None:
    """Raise DataError for a frame whose median, in degrees Celsius, is that of no place with people.

    That of a lost frame is NaN: nothing speaks against it, and nobody is found in it.
    """
    if not np.isnan(median) and not COLDEST <= median <= HOTTEST:
        cause = f"{name} has a median of {median:.6g}, no temperature of a place with people in degrees Celsius"
        raise DataError(cause, "give degrees Celsius, or grey and raw values as integers")
