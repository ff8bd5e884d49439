"""Of several places of a detected box, the one in which the landmark network is surest.

On a real camera detected boxes end too low, perhaps where a neck is as warm as the chin, and points follow the box
in which they are looked for. The network's own scores tell: they are low in a box that is off.
"""

import numpy as np
from numpy.typing import NDArray

from thermark.landmarker.result import Floats

SHIFTS = (0.0, -0.2, -0.1, 0.1, 0.2)  # of the box's height, downwards


def moved(boxes: Floats) -> Floats:
    """Return each box (F, 4) as it is, then up and down: (F, M, 4), in the order of `SHIFTS`."""
    steps = np.asarray(SHIFTS, np.float32)[None, :] * (boxes[:, 3] - boxes[:, 1])[:, None]
    made = np.repeat(boxes[:, None].astype(np.float32), len(SHIFTS), axis=1)
    made[..., 1::2] += steps[..., None]
    return made


def surest(scores: Floats) -> NDArray[np.int64]:
    """Return the place (F,) of each face in which its points' scores (F, M, K) have the highest mean.

    Of equal ones the first; NaN counts as lowest.
    """
    known = np.where(np.isfinite(scores), scores, -np.inf)
    return np.asarray(known.mean(axis=-1, dtype=np.float64).argmax(axis=-1), np.int64)
