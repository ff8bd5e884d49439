"""Hands before the face, with or without a phone or a mug: a palm, five fingers and a forearm, kept simple.

Sizes are those of adult hands (breadth across the palm 79-90 mm, length 180-193 mm in the means of women and men).
Fingers are at 33.6 +- 1.4 deg C in comfort and fell to 14 in an hour of -15 deg C (O'Brien et al. 2011), so a hand
lacks a share of the way from skin to the air, more at the tips. Phones at work are 2-14 K above the air; mugs hold
hot or cold drinks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from thermark.synth.render.patch import Part, Patch, patch

Array = NDArray[np.floating]

# What a hand is before: landmarks; the direction of the fingers, degrees clockwise from up; mm off the skin.
_PLACES: dict[str, tuple[tuple[int, ...], tuple[float, float], float]] = {
    "chin": ((7, 8, 9), (-100, 100), 13),
    "mouth": ((51, 57), (-110, 110), 16),
    "cheek": ((3, 4, 12, 13), (-35, 35), 13),
    "temple": ((0, 1, 15, 16), (-30, 30), 14),
    "forehead": ((19, 24, 27), (-80, 80), 14),
    "eye": ((41, 46), (-50, 50), 13),
    "nose": ((30, 33), (-40, 40), 14),
}
_ODDS = {"chin": 0.24, "mouth": 0.20, "cheek": 0.20, "temple": 0.12, "forehead": 0.08, "eye": 0.10, "nose": 0.06}


@dataclass(frozen=True)
class Held:
    """A hand: `anchor` is the landmark that it is before, `offset` mm right and down of it, `gap` mm off the skin.

    `angle`: of the fingers, degrees clockwise from up; `slide`: mm from the anchor to the palm's middle against
    the fingers; `spread` degrees between fingers, `curl` degrees of bending towards the face; `left`: thumb on
    image-left; `deficit`: share of the way from skin to the air, `tips` as much again at the fingertips; `thing`
    "" , "phone" or "mug", `heat` deg C of it above the air.
    """

    anchor: int
    offset: tuple[float, float] = (0.0, 0.0)
    gap: float = 14.0
    angle: float = 0.0
    slide: float = 0.0
    spread: float = 5.0
    curl: float = 20.0
    size: float = 1.0
    left: bool = False
    deficit: float = 0.05
    tips: float = 0.1
    thing: str = ""
    heat: float = 0.0


def sample_held(rng: Generator, yawning: bool) -> Held | None:
    """Draw a hand for one face in seven; before the mouth of one yawn in three."""
    if yawning and rng.random() < 0.35:
        return _hand("mouth", rng)
    if rng.random() >= 0.14:
        return None
    if rng.random() < 0.25:
        return _with_thing(rng)
    names = list(_ODDS)
    odds = np.array([_ODDS[name] for name in names])
    return _hand(names[int(rng.choice(len(names), p=odds / odds.sum()))], rng)


def _hand(place: str, rng: Generator) -> Held:
    anchors, angles, gap = _PLACES[place]
    cold = float(rng.beta(1, 3))
    return Held(
        anchor=int(rng.choice(anchors)),
        offset=(float(rng.normal(0, 9)), float(rng.normal(0, 9))),
        gap=gap + float(rng.uniform(0, 10)),
        angle=float(rng.uniform(*angles)),
        slide=float(rng.uniform(-25, 95)),
        spread=float(rng.uniform(0, 11)),
        curl=float(rng.uniform(0, 50)),
        size=float(np.clip(rng.normal(0.97, 0.06), 0.8, 1.15)),
        left=bool(rng.random() < 0.5),
        deficit=0.35 * cold,
        tips=float(0.35 * cold * rng.random() + 0.05 * rng.random()),
    )


def _with_thing(rng: Generator) -> Held:
    """Draw a phone at the ear or a mug at the mouth."""
    if rng.random() < 0.5:
        anchor, heat = int(rng.choice((1, 15))), float(rng.uniform(2, 14))
        angle = float(rng.uniform(-25, 25))
        return replace(
            _hand("temple", rng), anchor=anchor, angle=angle, gap=24.0, slide=0.0, thing="phone", heat=heat
        )
    heat = float(rng.uniform(10, 40)) if rng.random() < 0.7 else -float(rng.uniform(2, 12))
    angle = float(rng.choice((-1, 1)) * rng.uniform(60, 100))
    mug = replace(_hand("mouth", rng), anchor=57, angle=angle, offset=(0.0, float(rng.uniform(5, 30))))
    return replace(mug, gap=62.0, slide=25.0, curl=50.0, thing="mug", heat=heat)


@lru_cache(maxsize=32)
def build(held: Held) -> tuple[Patch, ...]:
    """Return the surfaces in the hand's own frame (mm): fingers along -y, the face at positive z.

    `tint` is 0 on the palm and 1 at the fingertips.
    """
    curl, spread = np.deg2rad(held.curl), np.deg2rad(held.spread)
    pieces = [_ball((0, 0, 0), (41, 52, 14), Part.HAND)]
    for x, long, turn in ((-29.0, 66.0, -1.5), (-9.7, 74.0, -0.5), (9.7, 70.0, 0.5), (29.0, 54.0, 1.5)):
        along = np.array([np.sin(turn * spread), -np.cos(turn * spread), 0.0])
        bent = np.cos(curl) * along + np.array([0, 0, np.sin(curl)])
        base = np.array([x, -38.0, 0.0])
        knuckle = base + 0.5 * long * along
        pieces.append(_finger(np.stack([base, knuckle, knuckle + 0.6 * long * bent]), 9.5))
    thumb = np.array([[-30.0, 22.0, 2.0], [-56.0, -8.0, 8.0], [-66.0, -36.0, 8.0 + 20 * np.sin(curl)]])
    pieces.append(_finger(thumb, 11.0))
    wrist = np.array([[0, 30, 0], [0, 75, -2], [0, 120, -6]], float)
    pieces.append(_limb(wrist, (20, 25, 28, 29, 30), Part.HAND, 0.0))
    sleeve = np.array([[0, 112, -5], [12, 240, -16], [30, 380, -10]], float)
    pieces.append(_limb(sleeve, (34, 40, 44, 48, 50), Part.CLOTHING, 0.0))
    if held.thing == "phone":
        pieces.append(_ball((0, -25, 16), (37, 74, 6), Part.THING, square=0.25))
    elif held.thing == "mug":
        line = np.array([[-30, -30, 24], [30, -30, 24]], float)
        pieces.append(_limb(line, (0, 38, 40, 40, 38), Part.THING, 0.0))
    flip = np.array([-1 if held.left else 1, 1, 1], np.float32) * np.float32(held.size)
    sign = -1.0 if held.left else 1.0
    return tuple(replace(piece, points=piece.points * flip, outward=piece.outward * sign) for piece in pieces)


def place(held: Held, landmarks: Array, centre: Array) -> tuple[Patch, ...]:
    """Return the surfaces in the frame of a head with `landmarks` (70, 3) whose middle is `centre` (3,)."""
    at = landmarks[held.anchor] + np.array([*held.offset, 0.0])
    out = (at - centre) * (1, 0.45, 1)
    out /= np.sqrt((out * out).sum())
    up = np.array([0, -1.0, 0]) - out * -out[1]
    up /= np.sqrt((up * up).sum())
    right = np.cross(out, up)
    turn = np.deg2rad(held.angle)
    fingers = np.cos(turn) * up + np.sin(turn) * right
    aside = np.cos(turn) * right - np.sin(turn) * up
    axes = np.stack([aside, -fingers, -out]).astype(np.float32)  # rows: where the hand's x, y and z point
    middle = (at + held.gap * out - held.slide * fingers).astype(np.float32)
    moved = []
    for piece in build(held):
        x, y, z = (piece.points[..., i : i + 1] for i in range(3))
        moved.append(piece.at(x * axes[0] + y * axes[1] + z * axes[2] + middle))
    return tuple(moved)


def temperatures(
    held: Held, part: Part, core: Sequence[np.float32], tint: NDArray[np.float32], ambients: Sequence[float]
) -> Iterator[NDArray[np.float32]]:
    """Yield deg C (N,) of a hand or what it holds; `core` is the skin's deg C in each of the `ambients`."""
    for warm, ambient in zip(core, ambients, strict=True):
        air = np.float32(ambient)
        if part == Part.THING:
            yield np.full(len(tint), air + np.float32(held.heat), np.float32)
        else:
            skin = warm - np.float32(0.9)
            yield skin + (np.float32(held.deficit) + np.float32(held.tips) * tint) * (air - skin)


def _finger(through: Array, radius: float) -> Patch:
    return _limb(through, (radius, radius, 0.95 * radius, 0.9 * radius, 0.85 * radius), Part.HAND, 1.0)


def _limb(through: Array, radii: Sequence[float], part: Part, tip: float) -> Patch:
    """Return a round limb through points (K, 3) with a round end; tint rises to `tip` along it."""
    at = np.linspace(0, 1, 12)
    knots = np.linspace(0, 1, len(through))
    line = np.stack([np.interp(at, knots, through[:, i]) for i in range(3)], axis=-1)
    radius = np.interp(at, np.linspace(0, 1, len(radii)), radii)
    end = through[-1] - through[-2]
    end = end / np.sqrt((end * end).sum())
    cap = np.deg2rad([30.0, 60.0, 90.0])
    line = np.concatenate([line, line[-1] + radii[-1] * np.sin(cap)[:, None] * end])
    radius = np.concatenate([radius, radii[-1] * np.cos(cap)])
    along = np.gradient(line, axis=0)
    along /= np.maximum(np.sqrt((along * along).sum(1, keepdims=True)), 1e-9)
    aside = np.cross(along, (0.31, 0.2, 0.93))
    aside /= np.sqrt((aside * aside).sum(1, keepdims=True))
    over = np.cross(along, aside)
    angle = np.linspace(0, 2 * np.pi, 13)
    ring = np.cos(angle)[None, :, None] * aside[:, None] + np.sin(angle)[None, :, None] * over[:, None]
    tint = np.broadcast_to((tip * np.linspace(0, 1, len(line)))[:, None], (len(line), 13))
    return _with(patch(part, line[:, None] + radius[:, None, None] * ring, outward=-1.0), tint)


def _ball(centre: Sequence[float], axes: Sequence[float], part: Part, square: float = 1.0) -> Patch:
    """Return an ellipsoid, or with a small `square` a rounded box."""
    polar = np.linspace(0, np.pi, 15)[:, None]
    around = np.linspace(0, 2 * np.pi, 21)[None, :]

    def bent(v: Array) -> Array:
        return np.sign(v) * np.abs(v) ** square

    x = bent(np.sin(polar)) * bent(np.cos(around))
    z = bent(np.sin(polar)) * bent(np.sin(around))
    y = bent(np.cos(polar)) + 0 * around
    points = np.stack([x, y, z], axis=-1) * np.array(axes, float) + np.array(centre, float)
    return _with(patch(part, points, outward=-1.0), np.zeros(x.shape))


def _with(surface: Patch, tint: Array) -> Patch:
    """Give a surface its tint, and material coordinates that `labels` takes for a sleeve, never for bare skin."""
    material = surface.material + np.array([3000.0, 300.0], np.float32)
    return replace(surface, material=material, tint=tint.astype(np.float32))
