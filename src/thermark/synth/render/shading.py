"""Visible light: linear RGB of each kind of surface under a few lamps."""

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from thermark.synth.render import paint
from thermark.synth.render.patch import Part
from thermark.synth.render.person import Person
from thermark.synth.render.torso import LIMBS, TROUSERS

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Light:
    """A lamp far away: `direction` (3,) towards it in the camera frame, `colour` (3,) linear."""

    direction: Array
    colour: Array


@dataclass(frozen=True)
class Lighting:
    """Lamps, the first of which casts shadows, and light from above (`sky`) and below (`ground`), (3,) linear."""

    lamps: tuple[Light, ...]
    sky: Array
    ground: Array


@dataclass(frozen=True)
class Pixels:
    """The z-buffer at N pixels of one person and part, in the camera frame.

    `normal`, `view` (N, 3) unit vectors, `view` towards the camera; `material` (N, 2), `tint` (N,) as in
    Patch; `lit` (N,) 0..1, how much of the first lamp arrives.
    """

    normal: Array
    view: Array
    material: Array
    tint: Array
    lit: Array


def sample_lighting(rng: Generator) -> Lighting:
    """Draw a key lamp, a fill lamp and the colour temperature of the room."""
    around, height = np.deg2rad(rng.uniform(-65, 65)), np.deg2rad(rng.uniform(5, 55))
    key = (np.sin(around) * np.cos(height), -np.sin(height), -np.cos(around) * np.cos(height))
    other = np.deg2rad(np.rad2deg(around) + rng.choice((-1, 1)) * rng.uniform(60, 120))
    fill = (np.sin(other) * 0.95, -0.25, -np.cos(other) * 0.95)
    warm = rng.normal(0, 0.06)
    tone = np.array([1 + warm, 1, 1 - warm])
    strength = rng.uniform(0.55, 1.15)
    lamps = (
        Light(_unit(key), _f(strength * tone)),
        Light(_unit(fill), _f(rng.uniform(0.1, 0.4) * tone[::-1])),
    )
    ambient = rng.uniform(0.28, 0.5)
    return Lighting(lamps, _f(ambient * tone[::-1]), _f(0.55 * ambient * tone))


def reflection(p: Pixels, light: Lighting) -> Array:
    """Return the light (N, 3) that glass adds to what is behind it."""
    lamp = light.lamps[0]
    return np.float32(0.35) * lamp.colour * _highlight(p, lamp, 60) + np.float32(0.006)


def _highlight(p: Pixels, lamp: Light, power: float) -> Array:
    half = p.view + lamp.direction
    half /= np.sqrt(np.einsum("ij,ij->i", half, half))[:, None]
    shine: Array = np.maximum(np.einsum("ij,ij->i", p.normal, half), 0)[:, None] ** np.float32(power)
    return shine


def _f(values: object) -> Array:
    return np.asarray(values, np.float32)


def _unit(vector: object) -> Array:
    v = np.asarray(vector, np.float64)
    return _f(v / np.linalg.norm(v))


def shade(part: Part, person: Person, p: Pixels, light: Lighting) -> Array:
    """Return linear RGB (N, 3)."""
    if part in (Part.SKIN, Part.EAR):
        albedo, occluded = _skin(person, p) if part == Part.SKIN else _ear(person, p)
        return _lit(albedo, p, light, wrap=(0.38, 0.20, 0.14), gloss=0.20, power=14, occluded=occluded)
    if part == Part.EYE:
        return _eye(person, p, light)
    if part in (Part.MOUTH, Part.TEETH):
        return _mouth(part, p, light)
    if part == Part.HAIR:
        return _hair(person, p, light)
    albedo, gloss = _cloth(part, person, p)
    return _lit(albedo, p, light, wrap=(0.1, 0.1, 0.1), gloss=gloss, power=25, occluded=np.float32(0))


def _lit(
    albedo: Array,
    p: Pixels,
    light: Lighting,
    wrap: tuple[float, float, float],
    gloss: float,
    power: float,
    occluded: Array | np.float32,
) -> Array:
    """Return albedo under lamps with wrapped (red scatters furthest) diffuse light and a soft highlight."""
    up = (np.float32(0.5) - np.float32(0.5) * p.normal[:, 1])[:, None]
    open_sky = np.float32(1) - np.reshape(occluded, (-1, 1))
    arriving = (light.ground + (light.sky - light.ground) * up) * open_sky
    shine = np.zeros((len(albedo), 3), np.float32)
    spread = _f(wrap)
    for index, lamp in enumerate(light.lamps):
        facing = (p.normal @ lamp.direction)[:, None]
        seen = p.lit[:, None] if index == 0 else np.float32(1)
        arriving = arriving + lamp.colour * seen * np.maximum((facing + spread) / (1 + spread), 0)
        if gloss:
            shine += lamp.colour * seen * _highlight(p, lamp, power) * (facing > 0)
    return albedo * arriving + np.float32(gloss * 0.35) * shine * open_sky


def _blend(base: Array, colour: Array, amount: Array) -> Array:
    return base + (colour - base) * amount[:, None]


def _skin(person: Person, p: Pixels) -> tuple[Array, Array]:
    features = paint.look_up(paint.colour_features(), p.material)
    lips, red, dark, occluded = features.T
    blotch, pores = paint.look_up(paint.mottle(person.seed), p.material, wrap=True).T
    skin = _f(person.skin)
    albedo = skin * (1 + np.float32(0.035) * blotch + np.float32(0.03) * pores)[:, None]
    albedo *= 1 + red[:, None] * _f((0.10, -0.10, -0.08))
    colour = (
        skin * _f((0.93, 0.70, 0.70))
        + person.lips * _f((0.10, 0.0, 0.01))
        - person.lips * 0.3 * skin * _f((0, 1, 1))
    )
    albedo = _blend(albedo, colour, np.float32(0.68) * lips)
    hair = _f(person.hair_colour)
    strokes = np.clip(1 + np.float32(0.22) * pores + np.float32(0.1) * blotch, 0, 1.4)
    brow = paint.look_up(paint.brow_density(), p.material)
    albedo = _blend(
        albedo, np.minimum(0.8 * hair, 0.55 * skin), np.clip(brow * strokes * np.float32(person.brow), 0, 0.88)
    )
    if person.beard or person.stubble:
        growth = paint.look_up(paint.beard_density(), p.material)
        density = max(0.92 * person.beard, 0.38 * person.stubble)
        albedo = _blend(albedo, hair * np.float32(0.9), np.clip(growth * strokes * np.float32(density), 0, 0.95))
    albedo *= (1 - np.float32(0.80) * dark)[:, None]
    neck = np.clip((p.tint - 11) / np.float32(1.2), 0, 1) * np.clip((np.float32(15.2) - p.tint) / 2, 0, 1)
    return albedo, np.clip(occluded + np.float32(0.45) * neck, 0, np.float32(0.9))


def _ear(person: Person, p: Pixels) -> tuple[Array, Array]:
    albedo = _f(person.skin) * _f((1.04, 0.90, 0.90)) * np.ones((len(p.tint), 1), np.float32)
    return albedo, np.float32(0.75) * p.tint


def _eye(person: Person, p: Pixels, light: Lighting) -> Array:
    radius = np.sqrt((p.material**2).sum(1))
    angle = np.arctan2(p.material[:, 1], p.material[:, 0])
    white = (
        _f((0.72, 0.66, 0.63))
        * (1 - np.float32(0.25) * np.clip(np.abs(p.material[:, 0]) - np.float32(0.55), 0, 1))[:, None]
    )
    fibres = 1 + np.float32(0.25) * np.sin(23 * angle) * np.sin(7 * angle + 1)
    iris = (
        _f(person.iris)
        * (fibres * (np.float32(0.75) + np.float32(1.2) * np.clip(radius - np.float32(0.2), 0, 1)))[:, None]
    )
    colour = _blend(white, iris, np.clip((np.float32(0.50) - radius) / np.float32(0.04), 0, 1))
    ring = np.exp(-(((radius - np.float32(0.47)) / np.float32(0.05)) ** 2))
    pupil = np.clip((np.float32(0.20) - radius) / np.float32(0.03), 0, 1)
    colour *= ((1 - np.float32(0.6) * ring) * (1 - np.float32(0.95) * pupil))[:, None]
    lid = np.float32(0.45) + np.float32(0.55) * np.clip(
        (p.material[:, 1] + np.float32(0.52)) / np.float32(0.40), 0, 1
    )
    out = _lit(colour, p, light, wrap=(0.3, 0.25, 0.25), gloss=0.0, power=1, occluded=1 - lid)
    return out + np.float32(0.9) * light.lamps[0].colour * _highlight(p, light.lamps[0], 160)


def _mouth(part: Part, p: Pixels, light: Lighting) -> Array:
    depth = np.clip(1 - np.abs(p.material[:, 0]) / 26, 0, 1)
    if part == Part.TEETH:
        gaps = 1 - np.float32(0.35) * (
            np.abs(np.mod(p.material[:, 0] / np.float32(7.5) + 0.5, 1) - np.float32(0.5)) > np.float32(0.46)
        )
        albedo = _f((0.62, 0.57, 0.48)) * (depth * gaps)[:, None]
        return _lit(albedo, p, light, (0.2, 0.2, 0.2), 0.15, 30, np.float32(0.35))
    # Stubs make float64 of a float32 divided by a whole number, numpy does not.
    tongue = cast(Array, np.clip((p.material[:, 1] - 84) / 8, 0, 1) * depth)
    albedo = _f((0.07, 0.02, 0.02)) + tongue[:, None] * _f((0.22, 0.07, 0.07))
    return _lit(albedo, p, light, (0.1, 0.1, 0.1), 0.05, 20, np.float32(0.6))


def _hair(person: Person, p: Pixels, light: Lighting) -> Array:
    """Return hair: strands along the material's second axis, with a highlight across them."""
    stretched = p.material * _f((14.0, 0.13))
    locks, strands = paint.look_up(paint.mottle(person.seed), stretched, wrap=True).T
    albedo = (
        _f(person.hair_colour) * (p.tint * np.exp(np.float32(0.25) * strands + np.float32(0.15) * locks))[:, None]
    )
    thin = np.clip((np.float32(0.57) - p.tint) / np.float32(0.07), 0, np.float32(0.4))
    albedo = _blend(albedo, _f(person.skin), thin)
    return _lit(albedo, p, light, wrap=(0.2, 0.2, 0.2), gloss=0.10, power=9, occluded=np.float32(0.15))


def _cloth(part: Part, person: Person, p: Pixels) -> tuple[Array, float]:
    if part == Part.FRAME:
        return np.broadcast_to(_f(person.glasses or (0, 0, 0)), p.normal.shape), 0.6
    if part in (Part.BARE, Part.HAND):
        return np.broadcast_to(_f(person.skin), p.normal.shape), 0.15
    if part == Part.THING:
        return np.broadcast_to(_f((0.08, 0.08, 0.09)), p.normal.shape), 0.4
    colour = _f(person.clothing)
    if part in (Part.HAT, Part.WORN):
        colour = np.float32(0.6) * colour[::-1] + np.float32(0.05)
    else:
        legs = p.material[:, 1:] > np.where(np.abs(p.material[:, :1]) > LIMBS, np.inf, TROUSERS)
        colour = np.where(legs, np.float32(0.25) * colour.mean() + _f((0.01, 0.012, 0.025)), colour)
    scale = np.float32(0.15) if part == Part.CLOTHING else np.float32(8)
    folds, weave = paint.look_up(paint.mottle(person.seed), p.material * scale, wrap=True).T
    return colour * (1 + np.float32(0.05) * folds + np.float32(0.02) * weave)[:, None], 0.0
