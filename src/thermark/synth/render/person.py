"""Who is rendered and how they hold themselves: identities and poses, drawn from a generator."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from thermark.synth.render.coverings import Covering
from thermark.synth.render.eyewear import Eyewear
from thermark.synth.render.hands import Held
from thermark.synth.render.heat import Heat
from thermark.synth.render.identity import TRAITS

Colour = tuple[float, float, float]

HAIR_STYLES = ("bald", "buzz", "short", "fringe", "curly", "long", "long_fringe", "beanie")
_HAIR_ODDS = (0.07, 0.13, 0.28, 0.12, 0.10, 0.14, 0.10, 0.06)
_HAIR_COLOURS: tuple[Colour, ...] = (
    (0.045, 0.035, 0.030),
    (0.090, 0.055, 0.035),
    (0.190, 0.110, 0.060),
    (0.420, 0.270, 0.130),
    (0.520, 0.400, 0.220),
    (0.400, 0.160, 0.070),
    (0.420, 0.410, 0.400),
    (0.520, 0.515, 0.500),
)
_IRIS_COLOURS: tuple[Colour, ...] = (
    (0.13, 0.07, 0.03),
    (0.24, 0.13, 0.05),
    (0.18, 0.22, 0.12),
    (0.20, 0.30, 0.40),
)


@dataclass(frozen=True)
class Person:
    """An identity that stays the same from frame to frame.

    `shape` are standard-normal trait coefficients in the order of `identity.TRAITS`, those of `uneven.UNEVEN`
    after them or left out; `skin` and every colour are linear reflectances 0..1 RGB; `stubble` and `beard` are
    densities 0..1; `glasses` is a frame colour or None; `neckline` (0..1) is how deep the collar is cut; `warmth`
    is this person's skin temperature offset in deg C; `seed` fixes the fine texture. `heat` is a temperature
    pattern of their own, None the mean one; `eyewear` the shape of the glasses, None the common one; `covering`
    is a hood, a scarf or the like.
    """

    shape: tuple[float, ...]
    skin: Colour
    hair: str
    hair_colour: Colour
    hairline: float
    stubble: float
    beard: float
    brow: float
    iris: Colour
    lips: float
    glasses: Colour | None
    clothing: Colour
    neckline: float
    warmth: float
    seed: int
    heat: Heat | None = None
    eyewear: Eyewear | None = None
    covering: Covering | None = None


@dataclass(frozen=True)
class Pose:
    """How a person is placed and what the face does in one frame.

    `position` is the head's centre (between the ears) in metres, camera frame: x right, y down, z away from
    the camera. Angles in degrees: `yaw` > 0 turns the face to image-right, `pitch` > 0 lowers the chin,
    `roll` > 0 tilts the head clockwise as seen in the image; `body_yaw` turns the torso. 0, 0, 0 looks along
    -z. `jaw`, `smile`, `pucker`, `brow_raise`, `frown`, `blink` (subject's right, left) are 0..1; `gaze` is
    (right, down) in degrees relative to the head, in image directions. `breath` is a phase in radians:
    nostrils are warmest at pi/2 (breathing out) and coolest at -pi/2 (breathing in). `lean` -1..1: how much more
    the image-right side of the face smiles, frowns and raises its brow. A yawn takes `jaw` to 1.5.
    `held` is a hand before the face.
    """

    position: tuple[float, float, float]
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    body_yaw: float = 0.0
    jaw: float = 0.0
    smile: float = 0.0
    pucker: float = 0.0
    brow_raise: float = 0.0
    frown: float = 0.0
    blink: tuple[float, float] = (0.0, 0.0)
    gaze: tuple[float, float] = (0.0, 0.0)
    breath: float = 0.0
    lean: float = 0.0
    held: Held | None = None


def sample_person(rng: Generator) -> Person:
    """Draw an identity; sex-like traits (beard, hair length) go together loosely, as they do in people."""
    masculine = rng.random() < 0.5
    shape = rng.normal(0, 1, len(TRAITS))
    shape[TRAITS.index("masculine")] = rng.normal(0.8 if masculine else -0.8, 0.6)
    odds = np.array(_HAIR_ODDS) * (
        (1.6, 1.6, 1.4, 1, 1, 0.3, 0.2, 1) if masculine else (0.1, 0.2, 0.6, 1, 1, 2, 2, 1)
    )
    beard = float(rng.uniform(0.5, 1)) if masculine and rng.random() < 0.3 else 0.0
    darkness = rng.beta(1.2, 1.6)
    return Person(
        shape=tuple(float(value) for value in np.clip(shape, -2.2, 2.2)),
        skin=_skin(darkness, rng),
        hair=str(rng.choice(HAIR_STYLES, p=odds / odds.sum())),
        hair_colour=_hair_colour(darkness, rng),
        hairline=float(rng.normal(0, 1) + (0.4 if masculine else -0.2)),
        stubble=float(rng.uniform(0, 0.7)) if masculine else 0.0,
        beard=beard,
        brow=float(np.clip(rng.normal(0.75 if masculine else 0.5, 0.15), 0.2, 1)),
        iris=_IRIS_COLOURS[int(rng.choice(4, p=(0.45, 0.25, 0.12, 0.18) if darkness < 0.5 else (0.9, 0.1, 0, 0)))],
        lips=float(rng.uniform(0, 0.4) if masculine else rng.uniform(0.1, 1.0)),
        glasses=frame_colour(rng) if rng.random() < 0.22 else None,
        clothing=_clothing(rng),
        neckline=float(rng.uniform(0, 1)),
        warmth=float(rng.normal(0, 0.35)),
        seed=int(rng.integers(2**31)),
    )


def sample_pose(
    rng: Generator,
    position: tuple[float, float, float] = (0.0, 0.0, 1.0),
    yaw: float | None = None,
    pitch: float | None = None,
    roll: float | None = None,
    liveliness: float = 1.0,
) -> Pose:
    """Draw a pose; angles that are None are drawn (yaw in -75..75), `liveliness` scales expressions and blinks."""
    turned = float(np.clip(rng.normal(0, 28), -75, 75)) if yaw is None else float(yaw)
    active = rng.random(5) < 0.35 * liveliness
    strength = rng.uniform(0.2, 1.0, 5) * active
    closed = rng.random() < 0.1 * liveliness
    blink = rng.uniform(0.85, 1.0) if closed else 0.04 + rng.beta(1.5, 6) * 0.6
    gaze = np.clip(rng.normal(0, 9, 2), -24, 24)
    return Pose(
        position=position,
        yaw=turned,
        pitch=float(np.clip(rng.normal(0, 8), -25, 25)) if pitch is None else float(pitch),
        roll=float(np.clip(rng.normal(0, 7), -25, 25)) if roll is None else float(roll),
        body_yaw=0.35 * turned + float(rng.normal(0, 5)),
        jaw=float(strength[0] ** 1.6),
        smile=float(strength[1]),
        pucker=float(strength[2] * (strength[1] == 0)),
        brow_raise=float(strength[3]),
        frown=float(strength[4] * (strength[3] == 0)),
        blink=(float(blink), float(np.clip(blink + rng.normal(0, 0.03), 0, 1))),
        gaze=(float(gaze[0]), float(gaze[1] * 0.6)),
        breath=float(rng.uniform(-np.pi, np.pi)),
    )


def _skin(darkness: float, rng: Generator) -> Colour:
    """Interpolate measured-looking reflectances from pale to very dark, with a little undertone."""
    steps = np.array(
        [[0.68, 0.46, 0.37], [0.56, 0.36, 0.26], [0.40, 0.23, 0.145], [0.20, 0.105, 0.062], [0.10, 0.052, 0.032]]
    )
    at = darkness * (len(steps) - 1)
    colour = np.array([np.interp(at, range(len(steps)), steps[:, c]) for c in range(3)])
    red, green, blue = colour * np.exp(rng.normal(0, 0.05, 3))
    return float(red), float(green), float(blue)


def _hair_colour(darkness: float, rng: Generator) -> Colour:
    fair = np.array((0.22, 0.2, 0.2, 0.12, 0.07, 0.05, 0.08, 0.06))
    dark = np.array((0.62, 0.2, 0.05, 0, 0, 0, 0.07, 0.06))
    return _HAIR_COLOURS[int(rng.choice(len(fair), p=fair if darkness < 0.3 else dark))]


def frame_colour(rng: Generator) -> Colour:
    """Draw the colour of a pair of glasses."""
    return ((0.02, 0.02, 0.02), (0.10, 0.05, 0.03), (0.35, 0.33, 0.30), (0.25, 0.03, 0.03))[int(rng.integers(4))]


def _clothing(rng: Generator) -> Colour:
    grey = rng.uniform(0.03, 0.7)
    red, green, blue = np.clip(grey * np.exp(rng.normal(0, 0.35, 3)), 0.01, 0.85)
    return float(red), float(green), float(blue)
