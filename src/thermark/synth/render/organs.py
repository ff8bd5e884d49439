"""Eyeballs, ears, teeth and the inside of the mouth: small surfaces in the frame of the mean head."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from thermark.synth.render import curves
from thermark.synth.render.patch import Part, Patch, patch


@cache
def eyeball() -> Patch:
    """Return the front of an eyeball of radius 1 at the origin, looking along -z; material = (x, y)."""
    polar = np.linspace(0, 1.75, 16)[:, None]
    around = np.linspace(0, 2 * np.pi, 29)[None, :]
    x, y, z = np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), -np.cos(polar) + 0 * around
    bulge = 1 + 0.045 * np.exp(-((polar / 0.42) ** 4))  # the cornea
    points = np.stack([x * bulge, y * bulge, z * bulge], axis=-1)
    return patch(Part.EYE, points, np.stack([x, y], axis=-1), outward=1.0)


def gaze_rotation(gaze: tuple[float, float]) -> NDArray[np.float64]:
    """Return the rotation (3, 3) that turns -z by `gaze` degrees to (image-right, down)."""
    across, down = np.deg2rad(gaze[0]), np.deg2rad(gaze[1])
    turn = np.array([[np.cos(across), 0, -np.sin(across)], [0, 1, 0], [np.sin(across), 0, np.cos(across)]])
    tip = np.array([[1, 0, 0], [0, np.cos(down), -np.sin(down)], [0, np.sin(down), np.cos(down)]])
    rotation: NDArray[np.float64] = turn @ tip
    return rotation


@cache
def ear() -> Patch:
    """Return the image-right ear of the mean head; material = (across, up) -1..1, tint = depth of the bowl."""
    angle = np.linspace(0, 2 * np.pi, 33)[None, :]
    rho = np.array([0, 0.15, 0.3, 0.42, 0.52, 0.62, 0.72, 0.8, 0.88, 0.95, 1.0, 1.0, 0.93, 0.7])[:, None]
    height = np.array([-5, -5, -4, -1, 2.5, 3.0, 1.0, 0.2, 2.5, 4.2, 3.5, 1.5, -1, -6.0])[:, None]
    across = np.cos(angle)
    up = np.sin(angle)
    narrow = 1 - 0.30 * np.clip(-up, 0, 1) ** 1.5
    u = rho * across * 16.5 * narrow
    v = rho * up * 31
    lobe = np.clip((-up - 0.55) / 0.45, 0, 1)  # no rim around the lobe
    lift = height * (1 - 0.7 * lobe) * np.where(across < -0.6, 0.35, 1.0)
    origin = np.array([76.0, 22.0, 97.0])
    backward, upward, outward = (
        np.array([0.42, 0.0, 0.91]),
        np.array([0.07, -0.97, 0.23]),
        np.array([0.91, 0.05, -0.42]),
    )
    points = origin + u[..., None] * backward + v[..., None] * upward + lift[..., None] * outward
    material = np.stack([rho * across, rho * up], axis=-1)
    built = patch(Part.EAR, points, material, outward=-1.0)
    bowl = np.clip((1 - lift) / 6, 0, 1) * (rho < 0.98)
    return Patch(built.part, built.points, built.material, built.keep, bowl.astype(np.float32), built.outward)


@cache
def mouth() -> tuple[tuple[Patch, NDArray[np.float32]], ...]:
    """Return (surface, jaw weight) of the mouth's inside and of the upper and lower teeth."""
    x = np.linspace(-1, 1, 25)[None, :]

    def sheet(part: Part, width: float, depth: float, curve: float, top: float, bottom: float, rows: int) -> Patch:
        y = np.linspace(top, bottom, rows)[:, None]
        points = np.stack(np.broadcast_arrays(x * width, y, depth + curve * x**2), axis=-1)
        return patch(part, points, points[..., :2], outward=-1.0)

    inside = sheet(Part.MOUTH, 25, 15, 8, 62, 100, 9)
    weight = np.clip((inside.points[..., 1] - 76) / 5, 0, 1)
    upper = sheet(Part.TEETH, 20.5, -4.5, 17, 66, 79.6, 4)
    lower = sheet(Part.TEETH, 18.5, -1.5, 16, 80.6, 91, 4)
    zero, one = np.zeros(upper.points.shape[:2], np.float32), np.ones(upper.points.shape[:2], np.float32)
    return (inside, weight.astype(np.float32)), (upper, zero), (lower, one)


def eye_centre(sign: int) -> NDArray[np.float64]:
    """Return the eyeball's centre (3,) of the mean head on the image-right (+1) or image-left (-1)."""
    return np.array(curves.EYE) * (sign, 1, 1)
