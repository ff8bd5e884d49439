"""Apparent temperatures of all kinds of surfaces: each kind is passed to the module that computes it."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from thermark.synth.render import hands, paint, patterns, thermal
from thermark.synth.render.coverings import Covering
from thermark.synth.render.eyewear import Eyewear
from thermark.synth.render.patch import Part
from thermark.synth.render.person import Person, Pose
from thermark.synth.render.shading import Pixels

_WITH_PATTERN = frozenset(Part) - {Part.FRAME, Part.LENS}


def temperatures(
    part: Part, person: Person, pose: Pose, p: Pixels, ambients: Sequence[float], sky: float = 0.0
) -> Iterator[NDArray[np.float32]]:
    """Yield deg C (N,) as a thermal camera measures a part in air of each of the `ambients` deg C.

    `sky`: how many K what is overhead looks warmer (< 0: colder) than the air, in what glass mirrors.
    """
    if pose.held is not None and part in (Part.HAND, Part.THING):
        core = [thermal.core(person, thermal.chill(ambient)) for ambient in ambients]
        yield from hands.temperatures(pose.held, part, core, p.tint, ambients)
    elif person.covering is not None and part == Part.WORN:
        yield from cloth(person.covering, p, ambients, person.heat.sun if person.heat else 0.0)
    elif person.eyewear is not None and part in (Part.FRAME, Part.LENS):
        yield from glass(person.eyewear, part, p, ambients, sky)
    elif person.heat is not None and part in _WITH_PATTERN:
        yield from patterns.temperatures(part, person, pose, p, ambients)
    else:
        yield from thermal.temperatures(part, person, pose, p, ambients)


def glass(
    worn: Eyewear, part: Part, p: Pixels, ambients: Sequence[float], sky: float
) -> Iterator[NDArray[np.float32]]:
    """Yield deg C (N,) of frame or lenses; what lenses mirror is the air's, `sky` K warmer from overhead."""
    share = np.float32(worn.share + (0.1 if part == Part.FRAME else 0.0))
    mirrored, up = reflected(worn.gloss if part == Part.LENS else 0.03, p)
    for ambient in ambients:
        air = np.float32(ambient)
        glass = np.full(len(p.tint), air + share * (np.float32(34) - air), np.float32)
        yield glass + mirrored * (air + np.float32(sky) * up - glass)


def reflected(gloss: float, p: Pixels) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the reflectance (N,), Schlick's rise to 1 at grazing angles, and how far up (0..1) it looks (N,)."""
    cosine = np.clip(np.einsum("ij,ij->i", p.normal, p.view), 0, 1)
    rise = np.float32(gloss) + np.float32(1 - gloss) * (1 - cosine) ** 5
    vertical = 2 * cosine * p.normal[:, 1] - p.view[:, 1]  # y is down
    return rise, np.clip(np.float32(0.15) - vertical, 0, 1)


def cloth(worn: Covering, p: Pixels, ambients: Sequence[float], sun: float) -> Iterator[NDArray[np.float32]]:
    """Yield deg C (N,) of what is worn: patchy where it lies on the skin or hangs free, `sun` K warmer on top."""
    blotch, weave = paint.look_up(paint.mottle(worn.seed), p.material, wrap=True).T
    share = np.float32(worn.share) * (1 + np.float32(0.16) * blotch + np.float32(0.03) * weave)
    lit = np.float32(sun) * np.clip(-p.normal[:, 1], 0, 1)
    for ambient in ambients:
        air = np.float32(ambient)
        yield air + share * (np.float32(34) - air) - np.float32(worn.cold) + lit
