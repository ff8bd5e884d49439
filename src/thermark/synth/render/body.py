"""A person in a pose: every surface and every landmark in the camera's frame, millimetres."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from thermark.synth.render import (
    coverings,
    curves,
    eyewear,
    face_points,
    glasses,
    hair,
    hands,
    head,
    organs,
    torso,
)
from thermark.synth.render.expression import express, head_rig, open_jaw
from thermark.synth.render.identity import TRAITS, identify, identify_head
from thermark.synth.render.paint import PixelClass
from thermark.synth.render.patch import Part, Patch, mirrored
from thermark.synth.render.person import Person, Pose

NECK = np.array([0.0, 112.0, 96.0], np.float32)  # about which the head turns
CENTRE = np.array([0.0, 25.0, 90.0], np.float32)  # what Pose.position places
_STIFF_ROW, _FIXED_ROW = 12.0, 15.0  # rows of the control net: above moves with the head, below with the torso

_LABELS = {
    Part.HAIR: PixelClass.HAIR,
    Part.HAT: PixelClass.HEADWEAR,
    Part.FRAME: PixelClass.GLASSES,
    Part.LENS: PixelClass.GLASSES,
    Part.CLOTHING: PixelClass.CLOTHING,
    Part.HAND: PixelClass.SKIN,
    Part.THING: PixelClass.FACEWEAR,
    Part.WORN: PixelClass.HEADWEAR,
}


@dataclass(frozen=True)
class Body:
    """Surfaces in the camera frame (mm), each with its default segmentation label, and landmarks.

    `landmarks` (70, 3) mm: 68 iBUG points and the subject's right and left pupils.
    """

    patches: tuple[Patch, ...]
    labels: tuple[PixelClass, ...]
    landmarks: NDArray[np.float64]


@dataclass(frozen=True)
class _Identity:
    """A person at rest: everything that no pose changes, in the frame of the mean head."""

    head: NDArray[np.float32]
    eyes: tuple[NDArray[np.float32], NDArray[np.float32]]
    radius: float
    rigid: tuple[Patch, ...]
    mouth: tuple[tuple[Patch, NDArray[np.float32]], ...]


@lru_cache(maxsize=32)
def _identity(person: Person) -> _Identity:
    surface = identify_head(person.shape)
    ears = (mirrored(organs.ear()), organs.ear())
    rigid = [ear.at(identify(ear.points, person.shape)) for ear in ears]
    rigid += hair.cap(person, surface)
    if person.covering is not None:
        rigid += coverings.on_head(person.covering, surface)
    if person.glasses is not None:
        worn = eyewear.build(person.eyewear) if person.eyewear else glasses.glasses()
        rigid += [piece.at(identify(piece.points, person.shape)) for piece in worn]
    mouth = tuple((part.at(identify(part.points, person.shape)), weight) for part, weight in organs.mouth())
    eyes = tuple(identify(organs.eye_centre(sign), person.shape) for sign in (-1, 1))
    size = 1 + 0.03 * person.shape[TRAITS.index("eye_size")]
    return _Identity(surface, eyes, curves.EYE_RADIUS * size, tuple(rigid), mouth)  # type: ignore[arg-type]


def rotation(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    """Return the rotation (3, 3) of `Pose`: pitch about the head's own x, then yaw, then roll; degrees."""
    a, b, c = np.deg2rad([yaw, pitch, roll])
    turn = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    nod = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    tilt = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    turned: NDArray[np.float64] = tilt @ turn @ nod
    return turned


def embody(person: Person, pose: Pose) -> Body:
    """Return the person's surfaces and landmarks in the camera's frame."""
    rest = _identity(person)
    mean = head.mean_head()
    surface = express(rest.head, head_rig(), pose)
    for centre in rest.eyes:
        surface = head.lids_on_ball(surface, centre, rest.radius, mean.front.astype(np.float32)).astype(np.float32)
    points = np.empty((70, 3))
    points[:68] = face_points.landmarks_on(surface)
    gaze = organs.gaze_rotation(pose.gaze).astype(np.float32)
    ball = organs.eyeball()
    large: NDArray[np.float32] = ball.points * np.float32(rest.radius)
    looking: NDArray[np.float32] = large @ gaze.T
    eyes = [ball.at(looking + centre) for centre in rest.eyes]
    points[68:] = [eye.points[0, 0] for eye in eyes]
    moving = [
        *eyes,
        *(part.at(open_jaw(part.points, weight, pose.jaw)) for part, weight in rest.mouth),
        *rest.rigid,
        *(hands.place(pose.held, points, CENTRE) if pose.held else ()),
    ]
    turn = rotation(pose.yaw, pose.pitch, pose.roll).astype(np.float32)
    shift = (np.array(pose.position) * 1000 - (turn @ (CENTRE - NECK) + NECK)).astype(np.float32)

    def placed(p: NDArray[np.float32]) -> NDArray[np.float32]:
        return _about_neck(p, turn) + shift

    keep = mean.keep.astype(np.float32)
    rows = np.broadcast_to(mean.row[:, None], keep.shape).astype(np.float32)
    skin = Patch(Part.SKIN, _neck(surface, pose, mean.row) + shift, _skin_material(), keep, rows, -1.0)
    still = rotation(pose.body_yaw, 0, 0).astype(np.float32)
    collar = coverings.round_neck(person.covering) if person.covering else ()
    trunk = [part.at(_about_neck(part.points, still) + shift) for part in (*torso.torso(), *collar)]
    patches = (skin, *(part.at(placed(part.points)) for part in moving), *trunk)
    labels = (
        PixelClass.SKIN,
        PixelClass.RIGHT_EYE,
        PixelClass.LEFT_EYE,
        *[PixelClass.MOUTH_INTERIOR] * 3,
        PixelClass.RIGHT_EAR,
        PixelClass.LEFT_EAR,
    )
    above = patches[len(labels) : len(patches) - len(trunk)]
    labels += tuple(_LABELS[part.part] for part in above) + (PixelClass.CLOTHING,) * len(trunk)
    return Body(patches, labels, placed(points.astype(np.float32)).astype(np.float64))


def _about_neck(points: NDArray[np.float32], turn: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn points (..., 3) about the neck."""
    away: NDArray[np.float32] = points - NECK
    turned: NDArray[np.float32] = away @ turn.T
    return turned + NECK


def _neck(surface: NDArray[np.float32], pose: Pose, row: NDArray[np.float64]) -> NDArray[np.float32]:
    """Turn the head grid (R, C, 3) about the neck, the neck's rows ever less, down to the torso's own yaw."""
    turn = rotation(pose.yaw, pose.pitch, pose.roll).astype(np.float32)
    out = _about_neck(surface, turn)
    for i in np.flatnonzero(row > _STIFF_ROW):
        t = float(np.clip((row[i] - _STIFF_ROW) / (_FIXED_ROW - 0.6 - _STIFF_ROW), 0, 1))
        yaw = (1 - t) * pose.yaw + t * pose.body_yaw
        partial = rotation(yaw, (1 - t) * pose.pitch, (1 - t) * pose.roll).astype(np.float32)
        out[i] = _about_neck(surface[i], partial)
    return out


@lru_cache(maxsize=1)
def _skin_material() -> NDArray[np.float32]:
    """Return the head's painting coordinates: (x, y) of the smooth skull, pushed out of the face at the sides."""
    mean = head.mean_head()
    flat = mean.flat.astype(np.float32)
    beyond = np.sign(mean.column) * np.clip(np.abs(mean.column) - 4.2, 0, None) * 40
    out = flat.copy()
    out[..., 0] += beyond[None, :].astype(np.float32)
    return out
