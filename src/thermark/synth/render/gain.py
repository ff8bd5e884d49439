"""Automatic gain: from a sensor's counts to 8 bits, in whole numbers and tables."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from thermark.synth.render.microbolometer import COLDEST, STEP

Counts = NDArray[np.uint16]
Grey = NDArray[np.uint8]
Kind = Literal["fixed", "minmax", "percentile", "plateau", "clahe"]
BIN = 4  # counts that share a bin of the plateau's histogram: 0.04 K, about the noise of a sensor


@dataclass(frozen=True)
class Gain:
    """How counts become grey.

    `fixed`: `low`..`high` deg C, or `minmax` where nothing lies between. `minmax`: the coldest and the warmest.
    `percentile`: all but the shares `low_tail` and `high_tail` of the elements, which are clipped. `plateau`:
    equalisation of the histogram within these tails, no bin counting more than `plateau` times the mean filled
    bin, blended with a straight line by the share `linear`. `clahe`: `percentile`, then adaptive equalisation in
    `tiles`^2 tiles, limited to `limit`. `least`: K that at least span black to white, lest noise fill an empty
    room. `sharpen`: the part of the detail below `radius` elements that is added before; `gamma`: exponent of the
    grey levels after.
    """

    kind: Kind = "minmax"
    low: float = 20.0
    high: float = 40.0
    low_tail: float = 0.0
    high_tail: float = 0.0
    plateau: float = 4.0
    linear: float = 0.0
    limit: float = 2.0
    tiles: int = 8
    least: float = 0.0
    sharpen: float = 0.0
    radius: float = 2.0
    gamma: float = 1.0


def grey(counts: Counts, gain: Gain) -> Grey:
    """Return grey (h, w) of counts (h, w); between ends or tails of its own, a constant picture is mid-grey."""
    counts = enhanced(counts, gain.sharpen, gain.radius)
    low, high = _span(counts, gain)
    table = _plateau(counts, low, high, gain) if gain.kind == "plateau" else _line(low, high)
    image = table[np.clip(counts.astype(np.int64) - low, 0, high - low)]
    if gain.kind == "clahe":
        image = np.asarray(cv2.createCLAHE(gain.limit, (gain.tiles, gain.tiles)).apply(image), np.uint8)
    return image if gain.gamma == 1 else _gamma(gain.gamma)[image]


def enhanced(counts: Counts, strength: float, radius: float) -> Counts:
    """Return counts with `strength` (in sixteenths) of what a blur of `radius` elements takes away added."""
    sixteenths = round(16 * strength)
    if not sixteenths:
        return counts
    base = cv2.GaussianBlur(counts, (0, 0), radius)  # of whole numbers, in whole numbers
    detail = counts.astype(np.int32) - base.astype(np.int32)
    sharp: Counts = np.clip(counts + (sixteenths * detail) // 16, 0, 65535).astype(np.uint16)
    return sharp


def _span(counts: Counts, gain: Gain) -> tuple[int, int]:
    """Return the counts that become black and white, white the higher by one at least."""
    if gain.kind == "fixed":
        low, high = (round((value - COLDEST) * STEP) for value in (gain.low, gain.high))
        if counts.max() > low and counts.min() < high:
            return low, max(high, low + 1)
        # No user keeps a span at which the whole picture is black or white.
    if gain.kind in ("fixed", "minmax"):
        low, high = int(counts.min()), int(counts.max())
    else:
        ordered = np.sort(counts, axis=None)
        last = len(ordered) - 1
        low, high = int(ordered[int(gain.low_tail * last)]), int(ordered[last - int(gain.high_tail * last)])
    wanted = max(round(gain.least * STEP), 2)
    if high - low < wanted:
        low = max((low + high - wanted) // 2, 0)
        high = low + wanted
    return low, high


def _line(low: int, high: int) -> Grey:
    return np.rint(np.arange(high - low + 1) * 255 / (high - low)).astype(np.uint8)


def _plateau(counts: Counts, low: int, high: int, gain: Gain) -> Grey:
    """Return the table of plateau equalisation over `low`..`high`."""
    inside = counts[(counts >= low) & (counts <= high)].astype(np.int64)
    histogram = np.bincount((inside - low) // BIN, minlength=(high - low) // BIN + 1).astype(np.float64)
    ceiling = gain.plateau * histogram.sum() / max(np.count_nonzero(histogram), 1)
    histogram = np.minimum(histogram, ceiling)
    below = np.concatenate([[0.0], np.cumsum(histogram)])
    place = np.arange(high - low + 1)
    equalised = np.interp(place / BIN, np.arange(len(below)), below) / max(below[-1], 1.0)
    mixed = (1 - gain.linear) * equalised + gain.linear * place / (high - low)
    table: Grey = np.rint(np.clip(mixed, 0, 1) * 255).astype(np.uint8)
    return table


def _gamma(exponent: float) -> Grey:
    levels: Grey = np.rint(255 * (np.arange(256) / 255) ** exponent).astype(np.uint8)
    return levels
