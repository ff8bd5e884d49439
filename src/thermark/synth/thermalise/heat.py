"""From a picture's classes and landmarks to the temperatures that a thermal camera might have seen there.

Not a renderer: there is no mesh. Skin is a smooth field of warm and cool spots set down by landmarks, other
surfaces lie between it and the room, and nothing on skin comes from colour, which the long-wave infrared lacks.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from thermark.synth.thermalise.thermal_spots import SPOTS, FaceAxes, spot_temperatures

Array = NDArray[np.float32]

# FaceSynthetics' classes. `SKIN` are those whose temperature is the skin's own field.
BACKGROUND, NOSE, EYES, BROWS, EARS, MOUTH, LIPS, NECK = 0, 2, (3, 4), (5, 6), (7, 8), 9, (10, 11), 12
HAIR, BEARD, CLOTHING, GLASSES, HEADWEAR, FACEWEAR, IGNORED = 13, 14, 15, 16, 17, 18, 255
SKIN = (1, NOSE, *BROWS, *LIPS, NECK, BEARD)

# Share of the way from the room to the skin beneath, far from any bare skin.
INSULATION = {HAIR: 0.36, CLOTHING: 0.36, GLASSES: 0.26, HEADWEAR: 0.30, FACEWEAR: 0.60}


@dataclass(frozen=True)
class ThermalPerson:
    """What a person keeps in every room: deg C, factors about 1, and a seed for blood vessels and textures."""

    warmth: float
    strengths: tuple[float, ...]  # one a spot
    thickness: float  # of hair and clothing
    slope: tuple[float, float]  # deg C a face unit, across and along
    seed: int


@dataclass(frozen=True)
class Room:
    """`ambient` temperature in deg C; `breath`: 0 while air is drawn in, 1 while it is blown out."""

    ambient: float
    breath: float

    @property
    def chill(self) -> float:
        """Return how much the room takes: 0 at 28.5 deg C, about 0.4 in a warm room, 1 in a cold one."""
        return min(max((28.5 - self.ambient) / 7.5, 0.0), 1.5)


@dataclass(frozen=True)
class Surfaces:
    """What both conditions share, each (H, W) float32.

    `layers`: kind of surface -> its share of the pixel, after the optics. `soft`: how much each pixel is, 0..1, of
    `brows`, `beard`, `lips`, `neck`, `nostrils`, `near` to bare skin, `inside` the rim of an ear, `deep` within
    the outline, seen at a `grazing` angle. `still`, `chilled`: deg C of all spots. `texture`: deg C of gradients
    and vessels. `folds` of cloth and hair; `scene`, large structure of the background; about -1..1.
    """

    layers: dict[str, Array]
    soft: dict[str, Array]
    still: Array
    chilled: Array
    texture: Array
    folds: Array
    scene: Array


def sample_person(rng: Generator) -> ThermalPerson:
    """Draw a person."""
    return ThermalPerson(
        warmth=float(np.clip(rng.normal(0, 0.35), -0.8, 0.8)),
        strengths=tuple(float(x) for x in np.clip(rng.normal(1, 0.25, len(SPOTS)), 0.3, 1.7)),
        thickness=float(rng.uniform(0.8, 1.2)),
        slope=(float(rng.normal(0, 0.15)), float(rng.normal(0, 0.15))),
        seed=int(rng.integers(2**31)),
    )


def sample_room(ambient: tuple[float, float], rng: Generator) -> Room:
    """Draw a room with an ambient temperature in the range, in deg C, at some moment of a breath."""
    return Room(float(rng.uniform(*ambient)), float(0.5 - 0.5 * np.cos(rng.uniform(0, 2 * np.pi))))


def surfaces(
    rgb: NDArray[np.uint8], seg: NDArray[np.uint8], points: NDArray[np.float32], person: ThermalPerson
) -> Surfaces:
    """Return the surfaces of a picture from RGB (H, W, 3), classes (H, W) and 70 points (70, 2) in pixels.

    Of the colours only the large structure of the background is used. Some pixel must not be `IGNORED`.
    """
    face = FaceAxes(points, seg.shape)
    seg = _opaque_lenses(_labelled(seg), face)
    soft = _soft(seg, face)
    still, chilled = spot_temperatures(face, person.strengths, _blurred(seg == NOSE, 0.03 * face.unit))
    texture, folds = _texture(face, person)
    return Surfaces(_layers(seg, face), soft, still, chilled, texture, folds, _scene(rgb, seg, person))


def temperatures(surfaces: Surfaces, person: ThermalPerson, room: Room) -> Array:
    """Return apparent temperatures (H, W) in deg C before any camera."""
    skin = _skin(surfaces, person, room)
    chill, ambient, soft = room.chill, room.ambient, surfaces.soft
    deep = 34.3 + person.warmth - 0.9 * chill  # under hair and cloth
    layers = {
        "skin": skin,
        "eyes": skin - 0.35 - 0.7 * chill,
        "ears": skin - (0.5 + 2.2 * chill) * (1 - 0.6 * soft["inside"]),
        "mouth": 35.6 + person.warmth - (1 - room.breath) * chill + 0 * skin,
        "background": ambient - 0.2 + 0.55 * surfaces.scene,
    }
    for kind, share in INSULATION.items():
        insulation = share / person.thickness + 0.50 * soft["near"] ** 2
        if kind in (HAIR, CLOTHING, HEADWEAR):
            insulation = insulation + 0.05 * surfaces.folds + 0.12 * (soft["deep"] - 0.5)
        layers[str(kind)] = ambient + np.clip(insulation, 0.05, 0.92) * (deep - ambient)
    total = sum(surfaces.layers.values())
    celsius: Array = sum(weight * layers[name] for name, weight in surfaces.layers.items()) / total
    return celsius


def _skin(surfaces: Surfaces, person: ThermalPerson, room: Room) -> Array:
    """Return the skin's apparent temperature everywhere, as if there were nothing else."""
    chill, ambient, soft = room.chill, room.ambient, surfaces.soft
    celsius = 34.7 + person.warmth - 0.9 * chill + surfaces.still + chill * surfaces.chilled
    celsius = celsius + surfaces.texture + 0.35 * soft["lips"] + (0.2 + 0.5 * chill) * soft["neck"]
    exhaled, drawn = 34.4, ambient + 0.6 * (33 - ambient)
    air = drawn + room.breath * (exhaled - drawn)
    celsius = celsius + 0.8 * np.minimum(soft["nostrils"], 1) * (air - celsius)
    # Hair over skin, and the room mirrored by skin that is seen at a grazing angle.
    cover = np.maximum(0.26 * soft["brows"], 0.42 / person.thickness * soft["beard"])
    cover = 1 - (1 - cover) * (1 - 0.16 * soft["grazing"])
    covered: Array = celsius + cover * (ambient - celsius)
    return covered


def _texture(face: FaceAxes, person: ThermalPerson) -> tuple[Array, Array]:
    """Return gradients and vessels in deg C, and folds of about -1..1; they move with the face."""
    u, v = face.along_axes(face.points[29])
    across: Array = np.tanh(u)
    along: Array = np.tanh(v)
    slope = person.slope[0] * across + person.slope[1] * along
    fine, coarse, folds = np.random.default_rng(person.seed).standard_normal((3, 96, 96)).astype(np.float32)
    vessels = 0.09 * _grain(fine, u, v, 20) + 0.16 * _grain(coarse, u, v, 6)
    return slope + vessels, _grain(folds, u, v, 10)


def _grain(cells: Array, u: Array, v: Array, density: float) -> Array:
    """Return smooth noise (H, W) of variance 1: `density` cells a unit, the middle one at 0, mirrored outside."""
    smooth = np.asarray(cv2.GaussianBlur(cells, (0, 0), 2.0), np.float32)
    smooth /= smooth.std()
    x, y = (axis * density + len(cells) / 2 for axis in (u, v))
    return np.asarray(cv2.remap(smooth, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), np.float32)


def _scene(rgb: NDArray[np.uint8], seg: NDArray[np.uint8], person: ThermalPerson) -> Array:
    """Return the large structure of a random mixture of the background's colours, -1..1: things differ in heat.

    People are taken out before it is smoothed, so that none of their colours leak into what is beside them.
    """
    mask: Array = (seg == BACKGROUND).astype(np.float32)
    if not mask.any():
        return mask
    red, green, blue = np.random.default_rng([person.seed, 1]).normal(0, 1 / 255, 3).tolist()
    mixture = mask * (red * rgb[..., 0] + green * rgb[..., 1] + blue * rgb[..., 2]).astype(np.float32)
    sigma = seg.shape[1] / 80
    smooth = cv2.GaussianBlur(mixture, (0, 0), sigma) / (cv2.GaussianBlur(mask, (0, 0), sigma) + 1e-4)
    inside = smooth[mask > 0]
    spread = max(float(inside.std()), 0.05)
    scene: Array = mask * np.clip((smooth - float(inside.mean())) / (2 * spread), -1, 1)
    return scene


def _soft(seg: NDArray[np.uint8], face: FaceAxes) -> dict[str, Array]:
    soft = {
        name: _blurred(np.isin(seg, classes), sigma * face.unit)
        for name, classes, sigma in (
            ("brows", BROWS, 0.012),
            ("beard", BEARD, 0.03),
            ("lips", LIPS, 0.025),
            ("neck", NECK, 0.08),
            ("near", (*SKIN, *EYES, *EARS), 0.15),
        )
    }
    right, left = (face.spot(face.points[point], 0.032, 0.022) for point in (32, 34))
    soft["nostrils"] = right + left
    soft["inside"] = np.minimum(_distance(np.isin(seg, (*EARS, *SKIN))) / (0.09 * face.unit), 1)
    outline = _distance(seg != BACKGROUND) / face.unit
    # The jaw stands out before neck and collar, as the whole does before the background.
    jaw = _distance(~np.isin(seg, (BACKGROUND, NECK, CLOTHING))) / face.unit
    soft["grazing"] = np.maximum(np.exp(-outline / 0.04), 0.4 * np.exp(-jaw / 0.05))
    soft["deep"] = np.minimum(outline, 1)
    return soft


def _layers(seg: NDArray[np.uint8], face: FaceAxes) -> dict[str, Array]:
    """Return each kind of surface that is there with its share of each pixel; hair and beard fray out."""
    groups = {"skin": SKIN, "eyes": EYES, "ears": EARS, "mouth": (MOUTH,), "background": (BACKGROUND,)}
    groups |= {str(kind): (kind,) for kind in INSULATION}
    optics = seg.shape[1] * 1.1 / 512
    masks = {name: np.isin(seg, classes) for name, classes in groups.items()}
    frayed = max(0.022 * face.unit, optics)
    return {
        name: _blurred(mask, frayed if name == str(HAIR) else optics) for name, mask in masks.items() if mask.any()
    }


def _labelled(seg: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the classes with each ignored pixel given that of the nearest one that is not."""
    ignored = seg == IGNORED
    if not ignored.any():
        return seg
    _, nearest = cv2.distanceTransformWithLabels(
        ignored.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    return np.concatenate([[0], seg[~ignored]]).astype(np.uint8)[nearest]


def _opaque_lenses(seg: NDArray[np.uint8], face: FaceAxes) -> NDArray[np.uint8]:
    """Return the classes with lenses, which are clear in colour and opaque in infrared, as glasses.

    A lens is the hull of what is seen of its frame around the eye; nose and hair may be in front.
    """
    lenses = np.zeros(seg.shape, np.uint8)
    for eye in (slice(36, 42), slice(42, 48)):
        x, y = face.points[eye].mean(0)
        near = (seg == GLASSES) & (np.hypot(face.x - x, face.y - y) < 0.42 * face.unit)
        if near.sum() >= 0.001 * face.unit**2 + 8:
            rows, columns = np.nonzero(near)
            hull = cv2.convexHull(np.stack([columns, rows], 1).astype(np.int32))
            cv2.fillConvexPoly(lenses, hull, 1)
    return np.where((lenses > 0) & ~np.isin(seg, (NOSE, HAIR, HEADWEAR)), GLASSES, seg).astype(np.uint8)


def _blurred(mask: NDArray[np.bool_], sigma: float) -> Array:
    return np.asarray(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), max(sigma, 0.3)), np.float32)


def _distance(mask: NDArray[np.bool_]) -> Array:
    """Return the distance (H, W) in px to the nearest pixel that is not in the mask."""
    if mask.all():
        return np.full(mask.shape, max(mask.shape), np.float32)
    return np.asarray(cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5), np.float32)
