"""Apparent temperatures of people with a `Heat` of their own: `thermal` with patterns and soft edges."""

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from thermark.core import seeds
from thermark.synth.render import curves, paint, thermal
from thermark.synth.render.heat import Heat
from thermark.synth.render.patch import Part
from thermark.synth.render.person import Person, Pose
from thermark.synth.render.shading import Pixels

Array = NDArray[np.float32]

_STEP = 4  # texels of `paint` to a texel here, 1 mm
_THIN = {"buzz": 0.75, "short": 1.0}  # how much of a cut's colour is hair rather than the scalp below
_LONG = ("long", "long_fringe", "curly")


class _Skin(NamedTuple):
    """Maps (H, W) of the face at 1 mm, in the frame of `paint`."""

    inner_eye: Array
    sockets: Array
    warm: Array
    cool: Array
    nostril: Array
    brow: Array
    beard: Array
    nose: Array
    cheeks: Array
    chin: Array
    face: Array
    lips: Array
    above_lip: Array
    oily: Array
    across: Array


def temperatures(part: Part, person: Person, pose: Pose, p: Pixels, ambients: Sequence[float]) -> Iterator[Array]:
    """Yield deg C (N,) as `thermal.temperatures` does, of a person whose `heat` is not None."""
    heat = person.heat
    assert heat is not None
    if part in (Part.HAIR, Part.HAT, Part.CLOTHING):
        yield from _covered(part, person, heat, p, ambients)
        return
    if part != Part.SKIN:
        for ambient, celsius in zip(ambients, thermal.temperatures(part, person, pose, p, ambients), strict=True):
            yield _changed(part, heat, celsius, np.float32(ambient - heat.outside))
        return
    first, second = skin_maps(heat, person.beard, person.brow)
    base, warm, cool, nostril = _look_up(first, p.material).T
    cover, deficit, lip = _look_up(second, p.material).T
    base = base + np.float32(0.35) * np.clip((p.tint - 11) / 2, 0, 1)
    glance = thermal.mirrored(p)
    for ambient in ambients:
        chill = thermal.chill(ambient)
        celsius = thermal.core(person, chill) + base + (np.float32(0.75) + np.float32(0.5) * chill) * warm
        celsius -= (np.float32(0.5) + np.float32(1.6) * chill) * cool
        celsius -= deficit * (celsius - np.float32(ambient - heat.outside))
        air = thermal.breathed(pose, ambient)
        celsius += np.float32(heat.breath) * (nostril + np.float32(0.25) * lip) * (air - celsius)
        celsius += cover * (np.float32(ambient) - celsius)
        yield celsius + glance * (np.float32(ambient) - celsius)


def _changed(part: Part, heat: Heat, celsius: Array, cold: np.float32) -> Array:
    if part == Part.EAR:
        return celsius - np.float32(heat.ears) * (celsius - cold) + np.float32(heat.flush)
    extra = {
        Part.EYE: heat.eyes,
        Part.MOUTH: heat.mouth,
        Part.TEETH: 2 * heat.mouth,
        Part.BARE: heat.flush,
    }
    return celsius + np.float32(extra.get(part, 0.0))


def _covered(part: Part, person: Person, heat: Heat, p: Pixels, ambients: Sequence[float]) -> Iterator[Array]:
    """Yield deg C of hair, caps and clothes: the air's, the skin's shine through, and the sun's from above.

    Single hairs at the hairline and at the outline let skin and air through: both edges are soft.
    """
    blotch, strands = paint.look_up(paint.mottle(heat.seed), p.material * np.float32(0.25), wrap=True).T
    rough = np.float32(0.20 if part == Part.CLOTHING else 0.12) * blotch + np.float32(0.06) * strands
    cosine = np.clip(np.einsum("ij,ij->i", p.normal, p.view), 0, 1)
    above = np.clip(-p.normal[:, 1], 0, 1)
    share = np.float32(heat.clothes if part == Part.CLOTHING else heat.hair) * (1 + rough)
    dense, edge = np.float32(1), np.float32(0)
    if part == Part.HAIR:
        # The tint grows from 0.5 at the hairline to 1 at 25 mm; the first millimetres are the gaps between locks.
        soft, gaps = (min(heat.soft, 3.0), -1.5) if person.hair in _LONG else (heat.soft, min(heat.soft, 4.0) - 1)
        inside = (p.tint - np.float32(0.5)) * np.float32(50) - np.float32(gaps)
        dense = np.clip(inside / np.float32(max(soft, 0.5)), 0, 1)
        dense = dense * (2 - dense) * np.float32(_THIN.get(person.hair, 1.0))
        edge = np.float32(0.55) * (1 - cosine) ** 3
    for ambient in ambients:
        air, skin = np.float32(ambient), thermal.core(person, thermal.chill(ambient)) - np.float32(0.4)
        celsius = air + share * (np.float32(34) - air) + np.float32(heat.sun) * above * (1 + rough)
        celsius = skin + dense * (celsius - skin)
        yield celsius + edge * (air - celsius)


def _look_up(texture: Array, material: Array) -> Array:
    """Return the maps' values (N, C) at material (N, 2) mm; beyond the maps those of their edges."""
    u, v = paint.texels(material)
    scale, half = np.float32(1 / _STEP), np.float32(0.5)
    u, v = (u + half) * scale - half, (v + half) * scale - half
    return paint.sample(texture, u, v, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)


@lru_cache(maxsize=32)
def skin_maps(heat: Heat, beard: float, brow: float) -> tuple[Array, Array]:
    """Return (H, W, 4) base K, warm, cool, nostril and (H, W, 3) cover, deficit, breath above the lip."""
    m = _static()
    smooth, fine = _noise(heat.seed)
    vessels = np.exp(-((fine / np.float32(0.16)) ** 2)) * (m.oily + np.float32(0.4) * m.cheeks)
    base = heat.flush * (1 - np.float32(0.5) * m.inner_eye) + heat.patches * smooth
    base += heat.vessels * vessels + heat.side * m.across + heat.lips * m.lips
    warm = heat.inner_eye * m.inner_eye + heat.sockets * m.sockets + m.warm
    spread = np.clip(1 + np.float32(0.25) * smooth, 0.4, 1.6)  # a cold nose does not end along a circle
    deficit = heat.nose * m.nose + heat.cheeks * m.cheeks + heat.chin * m.chin + heat.face * m.face
    deficit = np.clip(deficit * spread, 0, 0.72)
    drops = np.clip(fine, 0, 2) * m.oily
    cover = 1 - (1 - heat.brow * brow * m.brow) * (1 - heat.beard * beard * m.beard) * (1 - heat.sweat * drops)
    first = np.stack([base, warm, m.cool, m.nostril], axis=-1).astype(np.float32)
    return first, np.stack([cover, deficit, m.above_lip], axis=-1).astype(np.float32)


@cache
def _static() -> _Skin:
    """Return what is the same for all faces."""
    height, width = 250, 164
    x, y = np.meshgrid(
        paint.LEFT + paint.PITCH * (_STEP * np.arange(width) + (_STEP - 1) / 2),
        paint.TOP + paint.PITCH * (_STEP * np.arange(height) + (_STEP - 1) / 2),
    )
    side = np.abs(x)
    cool, nostril, brow = paint.heat_features()[..., 1], paint.heat_features()[..., 2], paint.brow_density()
    warm = 0.35 * curves.bump(side, y, (0, -40), (42, 24)) + 0.25 * curves.bump(side, y, (60, -8), (9, 16))
    warm += 0.30 * curves.bump(side, y, (0, 79), (24, 8)) + 0.2 * curves.bump(side, y, (21, 60), (5, 16))
    nose = np.minimum(curves.bump(side, y, (0, 42), (17, 16)) + 0.5 * curves.bump(side, y, (0, 20), (11, 16)), 1)
    cheeks = 0.9 * curves.bump(side, y, (46, 46), (27, 30)) + 0.4 * curves.bump(side, y, (62, 20), (18, 24))
    face = 1 - 0.8 * curves.bump(side, y, (26, 5), (16, 9)) - 0.5 * curves.bump(side, y, (0, 78), (26, 12))
    lips = (side < 26.4) * np.clip(y - curves.upper_lip(x), 0, 2) * np.clip(curves.lower_lip(x) - y, 0, 2) / 4
    oily = curves.bump(side, y, (0, -42), (52, 30)) + 0.6 * curves.bump(side, y, (0, 36), (14, 18))
    beard = cv2.GaussianBlur(_reduced(paint.beard_density()), (0, 0), 4.0)
    beard = beard * np.clip((124 - y) / 14, 0, 1) * np.clip((79 - side) / 9, 0, 1)  # the edges are repeated beyond
    maps = _Skin(
        inner_eye=curves.bump(side, y, (19.5, 7.5), (4.5, 5)),
        sockets=0.30 * curves.bump(side, y, (32, 6), (14, 8)) + 0.15 * curves.bump(side, y, (31, 12), (14, 6)),
        warm=warm,
        cool=_reduced(cool),
        nostril=_reduced(nostril),
        brow=np.asarray(cv2.GaussianBlur(_reduced(brow), (0, 0), 1.0), np.float32),
        beard=beard,
        nose=nose,
        cheeks=cheeks,
        chin=curves.bump(side, y, (0, 110), (24, 14)),
        face=np.clip(face, 0, 1),
        lips=lips,
        above_lip=curves.bump(side, y, (0, 64), (17, 7)),
        oily=oily,
        across=np.tanh(x / 45),
    )
    return _Skin(*(np.asarray(layer, np.float32) for layer in maps))


def _reduced(texture: NDArray[np.floating]) -> Array:
    fine = np.asarray(texture, np.float32)[: 250 * _STEP, : 164 * _STEP]
    coarse: Array = fine.reshape(250, _STEP, 164, _STEP).mean((1, 3), dtype=np.float32)
    return coarse


def _noise(seed: int) -> tuple[Array, Array]:
    """Return smooth random maps (H, W) of unit variance: patches of some 3 cm and lines of vessels or drops."""
    rng = seeds.rng(seed, "heat")
    layers = []
    for rows, columns in ((9, 6), (18, 12), (34, 22)):
        coarse = rng.standard_normal((rows, columns), np.float32)
        layers.append(cv2.resize(coarse, (164, 250), interpolation=cv2.INTER_CUBIC))
    smooth = np.float32(1.1) * layers[0] + np.float32(0.7) * layers[1]
    return smooth, np.float32(0.9) * layers[2] + np.float32(0.6) * layers[1]
