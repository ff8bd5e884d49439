"""Where people stand: from the height of a face in pixels, and its place in the picture, to metres."""

from dataclasses import replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from thermark.synth.render.body import rotation
from thermark.synth.render.camera import Camera
from thermark.synth.render.person import Pose

# Of 40 rendered identities, unturned: the tight box of the 68 points is 0.137 m high (standard deviation 0.004)
# and 0.146 m wide, and its middle lies so far from what `Pose.position` places.
HEIGHT, WIDTH = 0.137, 0.146
MIDDLE = np.array([0.0, 0.027, -0.051])
ANGLES = (25.0, 57.0)  # degrees of the view's width: the lenses of FLIR's Lepton
NEAREST = 0.3  # m from the camera to a face: lenses of fixed focus show nothing nearer sharply
TRIES = 20

Array = NDArray[np.float64]


def focal(rng: Generator, width: int, tallest: float) -> float:
    """Draw a focal length in px; a face of `tallest` px is not nearer than `NEAREST` under it."""
    low, high = ANGLES
    angle = low * (high / low) ** float(rng.random())
    return max(width / (2 * float(np.tan(np.deg2rad(angle / 2)))), tallest * NEAREST / HEIGHT)


def heights(rng: Generator, count: int, least: float, most: float) -> Array:
    """Draw the heights (count,) in px of faces: the first log-uniform from least to most, others near to it.

    Of several faces each has its share of `most` only.
    """
    most = max(most / max(count, 1), least)
    first = least * (most / least) ** rng.random()
    others = first * 1.6 ** rng.uniform(-1, 1, max(count - 1, 0))
    drawn: Array = np.clip(np.concatenate([[first], others]), least, most)[:count]
    return drawn


def centres(rng: Generator, tall: Array, width: int, height: int, cut: float) -> Array:
    """Draw where the middles (P, 2) of faces of heights `tall` (P,) px lie; a face in `1 / cut` is partly outside.

    Further faces are about as high in the picture as the first, and keep apart by the width of the larger head
    where that is possible at all.
    """
    placed: list[Array] = []
    for number, face_height in enumerate(tall):
        half = face_height / 2 * np.array([WIDTH / HEIGHT, 1.0])
        beyond, side, share = rng.random() < cut, int(rng.integers(4)), rng.uniform(0.1, 0.4)
        tries = rng.uniform(0, 1, (TRIES, 2))
        size = np.array([width, height], np.float64)
        room = np.maximum(size - 2 * half, 0)
        places = np.minimum(half, size / 2) + tries * room
        if placed:
            level = placed[0][1] + rng.normal(0, 0.5, TRIES) * face_height
            places[:, 1] = np.clip(level, half[1], half[1] + room[1])
        if beyond:
            axis, far = divmod(side, 2)
            reach = half[axis] * (1 - 2 * share)
            places[:, axis] = size[axis] - reach if far else reach
        placed.append(places[_freest(places, placed, tall[:number], face_height)] - 0.5)
    return np.array(placed).reshape(-1, 2)


def stand(pose: Pose, middle: Array, tall: float, camera: Camera) -> Pose:
    """Return the pose where the middle of the face is seen at pixel `middle` (2,), `tall` px high."""
    depth = camera.focal * HEIGHT / tall
    axis = np.array([(camera.width - 1) / 2, (camera.height - 1) / 2])
    face = np.append((middle - axis) * depth / camera.focal, depth)
    x, y, z = face - (rotation(pose.yaw, pose.pitch, pose.roll) * MIDDLE).sum(axis=1)
    return replace(pose, position=(float(x), float(y), float(z)))


def _freest(places: Array, placed: list[Array], tall: Array, height: float) -> int:
    """Return the first of the places (T, 2) that is apart from those that are taken, or the one furthest away."""
    if not placed:
        return 0
    away = np.abs(places[:, None] - np.stack(placed)) / np.maximum(tall, height)[:, None]
    free = away.max(axis=2).min(axis=1)
    return int(np.argmax(free > 1.3)) if (free > 1.3).any() else int(np.argmax(free))
