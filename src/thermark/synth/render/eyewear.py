"""Spectacles and sunglasses of many shapes.

Glass is opaque between 8 and 14 um: its emissivity is some 0.9, and the rest of what it shows it mirrors, more at
grazing angles. It hangs in air a centimetre before warm skin, so it is a little warmer than the air: 10 to 45 % of
the way to 34 deg C. Sizes are those of the trade: lenses of 40-65 mm by 22-52 mm; frames 1.6-6 mm thick or absent.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from thermark.synth.render.glasses import tube
from thermark.synth.render.patch import Part, Patch, mirrored, patch

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Eyewear:
    """The shape of glasses (mm) and what they are made of.

    `width`, `height`: half a lens; `centre`: of the lens (x, y) on the image-right; `square` (0.3..1): exponent
    of the outline, 1 an ellipse; `drop`: how much deeper the outer lower part hangs, `tilt`: rise of the outer
    end; `wrap`: curvature of the front, 1/mm; `rim`: radius of the rim, 0 without; `arm`: radius of the arms;
    `dark` 0..1: how much visible light is kept; `share`: from the air to 34 deg C; `gloss`: reflectance face on.
    """

    width: float = 25.0
    height: float = 18.5
    centre: tuple[float, float] = (33.5, 8.0)
    square: float = 0.75
    drop: float = 0.0
    tilt: float = 0.0
    wrap: float = 0.0062
    rim: float = 1.5
    arm: float = 1.7
    dark: float = 0.1
    share: float = 0.30
    gloss: float = 0.08


def sample_eyewear(rng: Generator) -> Eyewear:
    """Draw glasses: five styles, two fifths of them sunglasses."""
    style = ("round", "square", "aviator", "wrap", "narrow")[int(rng.choice(5, p=(0.2, 0.3, 0.18, 0.17, 0.15)))]
    low, high = {
        "round": ((20, 18), (25, 23)),
        "square": ((24, 17), (30, 23)),
        "aviator": ((26, 22), (31, 26)),
        "wrap": ((29, 15), (33, 22)),
        "narrow": ((23, 11), (28, 15)),
    }[style]
    width, height = rng.uniform(low, high)
    dark = rng.random() < (0.75 if style in ("wrap", "aviator") else 0.28)
    rimless = rng.random() < 0.2
    return Eyewear(
        width=float(width),
        height=float(height),
        centre=(float(max(rng.normal(33.5, 1.2), width + 5.0)), float(rng.normal(8, 1.5) + 0.2 * (height - 18))),
        square=float(rng.uniform(0.85, 1.0) if style in ("round", "aviator") else rng.uniform(0.45, 0.85)),
        drop=float(rng.uniform(3, 7)) if style == "aviator" else 0.0,
        tilt=float(rng.normal(0.05, 0.06)),
        wrap=float(rng.uniform(0.0085, 0.0115) if style == "wrap" else rng.uniform(0.0045, 0.0075)),
        rim=0.0 if rimless else float(rng.uniform(0.8, 3.0)),
        arm=float(rng.uniform(0.9, 1.4) if rimless else rng.uniform(1.2, 4.0)),
        dark=float(rng.uniform(0.6, 0.95)) if dark else float(rng.uniform(0.05, 0.15)),
        share=float(rng.uniform(0.10, 0.45)),
        gloss=float(rng.uniform(0.05, 0.12)),
    )


@lru_cache(maxsize=32)
def build(worn: Eyewear) -> tuple[Patch, ...]:
    """Return frame tubes (`Part.FRAME`) and lenses (`Part.LENS`) in the frame of the mean head."""
    edge = _outline(worn, 0.97)
    points = edge.mean(0) + np.linspace(0, 1, 6)[:, None, None] * (edge - edge.mean(0))
    points[..., 2] = _plane(worn, points[..., 0])
    pieces = [patch(Part.LENS, points, points[..., :2], outward=-1.0), _arm(worn)]
    if worn.rim:
        pieces.append(tube(_outline(worn, 1.0), worn.rim))
    arch = np.linspace(-1, 1, 9)
    reach = max(worn.centre[0] - worn.width, 1.0) + 1.0
    top = worn.centre[1] - 0.35 * worn.height
    lift = np.stack([reach * arch, top + 1.5 * arch**2, _plane(worn, reach) - 2.5 + 2.5 * arch**2], axis=-1)
    bridge = tube(lift, max(worn.rim, 0.8))
    return (bridge, *(piece for part in pieces for piece in (part, mirrored(part))))


def _arm(worn: Eyewear) -> Patch:
    fall = np.linspace(0, 1, 12)
    start = worn.centre[0] + worn.width
    depth = float(_plane(worn, start))
    x = np.interp(fall, (0, 0.12, 0.5, 1), (start, max(start + 3, 67), 76, 78))
    y = np.interp(fall, (0, 0.12, 0.85, 1), (worn.centre[1] - 0.3 * worn.height, 2, -2, 8))
    z = np.interp(fall, (0, 0.12, 1), (depth, max(depth + 4, 20), 108))
    return tube(np.stack([x, y, z], axis=-1), worn.arm)


def _plane(worn: Eyewear, x: Array | float) -> Array:
    """Return the depth of the front at distance `x` from the midline."""
    return -8.0 + worn.wrap * np.square(x)


def _outline(worn: Eyewear, scale: float) -> Array:
    angle = np.linspace(0, 2 * np.pi, 37)
    cos, sin = np.cos(angle), np.sin(angle)
    x = scale * worn.width * np.sign(cos) * np.abs(cos) ** worn.square
    y = scale * worn.height * np.sign(sin) * np.abs(sin) ** worn.square
    y += worn.drop * np.clip(sin, 0, 1) * np.clip(0.3 + cos, 0, 1.3) - worn.tilt * x
    x, y = x + worn.centre[0], y + worn.centre[1]
    return np.stack([x, y, _plane(worn, x)], axis=-1)
