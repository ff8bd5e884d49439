"""Long-wave infrared: the apparent temperature of each kind of surface in rooms of given temperatures."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from thermark.synth.render import paint
from thermark.synth.render.patch import Part
from thermark.synth.render.person import Person, Pose
from thermark.synth.render.shading import Pixels

Array = NDArray[np.float32]

# Share of the way from the room's temperature to a 34 deg C skin, by part.
_INSULATED = {
    Part.HAIR: 0.38,
    Part.HAT: 0.28,
    Part.CLOTHING: 0.42,
    Part.FRAME: 0.40,
    Part.LENS: 0.30,
}


def temperatures(part: Part, person: Person, pose: Pose, p: Pixels, ambients: Sequence[float]) -> Iterator[Array]:
    """Yield deg C (N,) as a thermal camera measures it in a room of each of the `ambients` deg C.

    Skin is warmest at the inner eye corners, in the mouth and on the forehead and coolest at the nose tip,
    cheeks and ears; the colder the room, the larger the differences. Nostrils follow the breath. Glass is
    opaque.
    """
    if part in _INSULATED:
        share = _insulation(part, person, p)
        yield from (np.float32(ambient) + share * np.float32(34 - ambient) for ambient in ambients)
        return
    features = _skin_features(person, p) if part == Part.SKIN else {}
    glance = mirrored(p)
    for ambient in ambients:
        cold = chill(ambient)
        if part == Part.SKIN:
            celsius = _skin(pose, features, core(person, cold), cold, ambient)
        else:
            celsius = _plain(part, pose, p, core(person, cold), cold)
        yield celsius + glance * (np.float32(ambient) - celsius)


def chill(ambient: float) -> np.float32:
    """Return how much a room of `ambient` deg C cools skin: 0.3 in a warm room, 1.2 in a cold one, at most 1.5."""
    return np.float32(np.clip((30 - ambient) / 10, 0, 1.5))


def core(person: Person, chill: np.float32) -> np.float32:
    """Return the deg C of a person's skin where it is neither warm nor cool."""
    return np.float32(35.1 + person.warmth) - np.float32(1.1) * chill


def breathed(pose: Pose, ambient: float) -> np.float32:
    """Return the deg C of the air at the nostrils."""
    exhaled, drawn = np.float32(34.6), np.float32(ambient + 0.62 * (33 - ambient))
    return exhaled + (drawn - exhaled) * np.float32(0.5 - 0.5 * np.sin(pose.breath))


def _plain(part: Part, pose: Pose, p: Pixels, core: np.float32, chill: np.float32) -> Array:
    """Return the temperature of ears, eyes, the mouth and bare shoulders."""
    if part == Part.EAR:
        return core - (np.float32(0.9) + np.float32(2.8) * chill) * (1 - np.float32(0.5) * p.tint)
    if part == Part.EYE:
        return np.full(len(p.tint), core - np.float32(0.3) - np.float32(0.9) * chill)
    if part in (Part.MOUTH, Part.TEETH):
        drawn = np.float32(0.5 - 0.5 * np.sin(pose.breath)) * chill
        return np.full(
            len(p.tint),
            np.float32(36.4) - drawn - np.float32(part == Part.TEETH) * np.float32(0.6) * (1 + chill),
        )
    return np.full(len(p.tint), core - np.float32(0.6))


def _skin_features(person: Person, p: Pixels) -> dict[str, Array]:
    """Return what does not depend on the room: how warm, cool, ... and how covered by hair each pixel is, 0..1."""
    warm, cool, nostril, brow = paint.look_up(paint.heat_features(), p.material).T
    blotch, _ = paint.look_up(paint.mottle(person.seed + 3), p.material * np.float32(0.6), wrap=True).T
    cover = np.float32(0.34 * person.brow) * brow
    if person.beard:
        cover = np.maximum(
            cover, np.float32(0.38 * person.beard) * paint.look_up(paint.beard_density(), p.material)
        )
    base = np.float32(0.16) * blotch + np.float32(0.35) * np.clip((p.tint - 11) / 2, 0, 1)
    return {"warm": warm, "cool": cool, "nostril": nostril, "cover": cover, "base": base}


def _skin(pose: Pose, f: dict[str, Array], core: np.float32, chill: np.float32, ambient: float) -> Array:
    celsius: Array = core + f["base"] + (np.float32(0.75) + np.float32(0.5) * chill) * f["warm"]
    celsius -= (np.float32(0.5) + np.float32(2.4) * chill) * f["cool"]
    celsius += np.float32(0.75) * f["nostril"] * (breathed(pose, ambient) - celsius)
    return celsius + f["cover"] * (np.float32(ambient) - celsius)


def _insulation(part: Part, person: Person, p: Pixels) -> Array:
    """Return how far (0..1) a covering's surface is from the room's temperature towards the skin's."""
    blotch, strands = paint.look_up(paint.mottle(person.seed), p.material * np.float32(0.25), wrap=True).T
    share: Array = np.float32(_INSULATED[part]) * (1 + np.float32(0.06) * blotch + np.float32(0.03) * strands)
    if part == Part.HAIR:
        share += np.float32(0.35) * np.clip(np.float32(0.62) - p.tint, 0, 1)  # thin at the hairline
    return share


def mirrored(p: Pixels) -> Array:
    """Return the share of the room in what is seen: skin mirrors it at grazing angles."""
    cosine = np.clip(np.einsum("ij,ij->i", p.normal, p.view), 0, 1)
    share: Array = np.float32(0.02) + np.float32(0.30) * (1 - cosine) ** 4
    return share
