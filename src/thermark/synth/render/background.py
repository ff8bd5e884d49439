"""Rooms behind people: colour and temperature of walls, windows and things, out of focus."""

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray


def room(
    height: int, width: int, ambients: tuple[float, ...], rng: Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return linear RGB (H, W, 3) and deg C (A, H, W); the same things stand in both."""
    small = (max(height // 4, 8), max(width // 4, 8))
    y, x = np.mgrid[0 : small[0], 0 : small[1]].astype(np.float32)
    y, x = y / small[0], x / small[1]
    wall = rng.uniform(0.04, 0.6) * np.exp(rng.normal(0, 0.18, 3))
    gradient = 1 + rng.normal(0, 0.25) * (x - 0.5) + rng.normal(0, 0.3) * (y - 0.5)
    rgb = (wall * np.clip(gradient, 0.3, 2)[..., None]).astype(np.float32)
    warmth = (rng.normal(0, 0.4) * (x - 0.5) - rng.uniform(0, 0.8) * (y - 0.5)).astype(np.float32)
    for _ in range(int(rng.integers(0, 9))):
        _thing(rgb, warmth, rng)
    sigma = float(rng.uniform(0.3, 4.0)) * small[0] / 64
    rgb, warmth = (cv2.GaussianBlur(layer, (0, 0), sigma) for layer in (rgb, warmth))
    rgb, warmth = (cv2.resize(layer, (width, height), interpolation=cv2.INTER_LINEAR) for layer in (rgb, warmth))
    rgb *= 1 + np.float32(0.02) * rng.standard_normal((height, width, 1), np.float32)
    return rgb, np.stack([np.float32(ambient - 0.4) + warmth for ambient in ambients])


def _thing(rgb: NDArray[np.float32], warmth: NDArray[np.float32], rng: Generator) -> None:
    """Draw a rectangle or an ellipse: furniture, a picture, a window, a lamp or a screen."""
    height, width = warmth.shape
    centre = int(rng.uniform(0, width)), int(rng.uniform(0, height))
    size = int(rng.uniform(0.04, 0.3) * width), int(rng.uniform(0.05, 0.4) * height)
    colour = rng.uniform(0.01, 0.7) * np.exp(rng.normal(0, 0.24, 3))
    heat = float(rng.normal(0, 0.5)) if rng.random() < 0.8 else float(rng.uniform(-3, 7))
    if rng.random() < 0.65:
        low = centre[0] - size[0], centre[1] - size[1]
        high = centre[0] + size[0], centre[1] + size[1]
        cv2.rectangle(rgb, low, high, [float(c) for c in colour], -1)
        cv2.rectangle(warmth, low, high, heat, -1)
    else:
        cv2.ellipse(rgb, centre, size, 0, 0, 360, [float(c) for c in colour], -1)
        cv2.ellipse(warmth, centre, size, 0, 0, 360, heat, -1)
