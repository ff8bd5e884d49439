"""How much heads differ: traits spread as anthropometric tables have them, correlated, with heavier tails.

Standard deviations in mm within a sex, of some 4,000 adults (Zhuang and Bradtmiller 2005, from memory, rounded):
face length (menton to sellion) 7 and 6, width at the cheekbones 7 and 6.5, jaw width 10 and 9, nose length 4,
breadth 4 and protrusion 3, mouth 4, pupils 3.5 apart, head length 7. The plain traits (`identity`) make about
half of that; the factors here make up for it. Size, the first component of such tables, is left out, for
distance does the same; the second sets long and narrow against short and wide faces (Zhuang et al. 2010). Adults
only: no children.
"""

import numpy as np
from numpy.random import Generator

from thermark.synth.render.identity import TRAITS
from thermark.synth.render.uneven import UNEVEN

FREEDOM = (
    7  # degrees of a t distribution: one head in a hundred is more than 3.5 standard deviations away somewhere
)
_SPREAD = {
    "face_width": 1.85,
    "face_length": 1.7,
    "jaw_width": 1.35,
    "chin_length": 1.4,
    "chin_projection": 1.3,
    "forehead_height": 1.4,
    "eye_spacing": 0.9,
    "nose_length": 1.6,
    "nose_width": 1.4,
    "nose_projection": 1.1,
    "mouth_width": 0.9,
    "head_depth": 1.6,
}
_SLENDER = {"face_length": 0.6, "face_width": -0.5, "nose_length": 0.45, "chin_length": 0.35, "jaw_width": -0.45}
_REST, _MOST = 1.15, 2.8


def sample_shape(rng: Generator, plain: tuple[float, ...]) -> tuple[float, ...]:
    """Return traits of `plain` spread as the tables are, followed by those of `UNEVEN`."""
    slender = rng.normal()
    tail = np.sqrt((FREEDOM - 2) / rng.chisquare(FREEDOM))
    shape = []
    for name, value in zip(TRAITS, plain, strict=True):
        load = _SLENDER.get(name, 0.0)
        value = load * slender + np.sqrt(1 - load * load) * value
        if name != "masculine":
            value *= tail
        spread = _SPREAD.get(name, _REST)
        shape.append(float(np.clip(spread * value, -_MOST * spread, _MOST * spread)))
    lopsided = np.clip(rng.normal(0, 1, len(UNEVEN)) * tail, -3, 3)
    return (*shape, *(float(value) for value in lopsided))
