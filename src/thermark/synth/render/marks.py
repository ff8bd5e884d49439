"""What cameras and apps draw over their pictures: small, saturated, in fixed places."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from thermark.core import seeds

Image = NDArray[np.uint8]
KINDS = ("cross", "logo", "bar", "reading")
_LETTERS = "ACEGHIKMNOPRSTX"


def overlay(image: Image, kinds: Sequence[str], seed: int) -> Image:
    """Return the picture (h, w) with marks of the `kinds`; `seed` fixes their places, texts and shades."""
    out = image.copy()
    for kind in kinds:
        rng = seeds.rng(seed, "mark", kind)
        _DRAW[kind](out, rng)
    return out


def _cross(image: Image, rng: np.random.Generator) -> None:
    """Draw the crosshair of a spot meter in the middle."""
    height, width = image.shape
    x, y, arm = width // 2, height // 2, max(int(rng.uniform(0.015, 0.035) * width), 2)
    shade = _shade(rng)
    cv2.line(image, (x - arm, y), (x + arm, y), shade, 1)
    cv2.line(image, (x, y - arm), (x, y + arm), shade, 1)


def _logo(image: Image, rng: np.random.Generator) -> None:
    """Draw a maker's letters in a corner."""
    word = "".join(_LETTERS[place] for place in rng.integers(0, len(_LETTERS), int(rng.integers(3, 7))))
    _write(image, word, rng)


def _reading(image: Image, rng: np.random.Generator) -> None:
    """Draw a temperature in a corner."""
    _write(image, f"{rng.uniform(18, 39):.1f}C", rng)


def _bar(image: Image, rng: np.random.Generator) -> None:
    """Draw the scale of the grey levels at the right or left edge."""
    height, width = image.shape
    across, top = max(int(rng.uniform(0.015, 0.03) * width), 2), int(rng.uniform(0.1, 0.25) * height)
    left = int(0.01 * width) if rng.random() < 0.2 else width - across - int(0.01 * width) - 1
    rows = np.linspace(255, 0, height - 2 * top).astype(np.uint8)
    image[top : top + len(rows), left : left + across] = rows[:, None]
    cv2.rectangle(image, (left - 1, top - 1), (left + across, top + len(rows)), 255, 1)


def _write(image: Image, text: str, rng: np.random.Generator) -> None:
    height, width = image.shape
    scale = float(rng.uniform(0.0010, 0.0018)) * width
    (across, up), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    x = int(0.02 * width) if rng.random() < 0.5 else width - across - int(0.02 * width)
    y = int(0.02 * height) + up if rng.random() < 0.5 else height - int(0.03 * height)
    cv2.putText(image, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, _shade(rng), 1)


def _shade(rng: np.random.Generator) -> int:
    return 255 if rng.random() < 0.8 else 0


_DRAW = {"cross": _cross, "logo": _logo, "bar": _bar, "reading": _reading}
