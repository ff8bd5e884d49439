"""Which module knows the apparent temperature of a piece of surface."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from thermark.synth.render import patterns, thermal
from thermark.synth.render.patch import Part
from thermark.synth.render.person import Person, Pose
from thermark.synth.render.shading import Pixels

_WITH_PATTERN = frozenset(Part) - {Part.FRAME, Part.LENS}


def temperatures(
    part: Part, person: Person, pose: Pose, p: Pixels, ambients: Sequence[float]
) -> Iterator[NDArray[np.float32]]:
    """Yield deg C (N,) as a thermal camera sees a part in air of each of the `ambients` deg C."""
    if person.heat is not None and part in _WITH_PATTERN:
        yield from patterns.temperatures(part, person, pose, p, ambients)
    else:
        yield from thermal.temperatures(part, person, pose, p, ambients)
