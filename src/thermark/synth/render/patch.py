"""Surfaces as rectangular grids of vertices, and their union as one triangle mesh."""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class Part(IntEnum):
    """What a triangle is made of, which decides how it is shaded and how warm it is."""

    SKIN = 0
    EYE = 1
    MOUTH = 2
    EAR = 3
    HAIR = 4
    CLOTHING = 5
    FRAME = 6
    LENS = 7
    TEETH = 8
    BARE = 9
    HAT = 10
    HAND = 11
    THING = 12
    WORN = 13


@dataclass(frozen=True)
class Patch:
    """A grid of vertices.

    `points` (R, C, 3) float32 millimetres; `material` (R, C, 2) float32 coordinates that stick to the
    surface, in which colour and temperature are painted; `keep` (R, C) float32, interpolated: the surface has
    a hole where it is negative; `tint` (R, C) float32, a scalar for free use by the part's shader; `outward`:
    +1 when columns x rows is the outward normal, -1 otherwise.
    """

    part: Part
    points: Array
    material: Array
    keep: Array
    tint: Array
    outward: float = 1.0

    def at(self, points: Array) -> "Patch":
        """Return the same surface elsewhere."""
        return replace(self, points=points)


def patch(part: Part, points: NDArray[Any], material: NDArray[Any] | None = None, outward: float = 1.0) -> Patch:
    """Return a whole surface with zero tint, by default with (column, row) in 0..1 as material coordinates."""
    rows, columns = points.shape[:2]
    if material is None:
        across, down = np.meshgrid(np.linspace(0, 1, columns), np.linspace(0, 1, rows))
        material = np.stack([across, down], axis=-1)
    one = np.ones((rows, columns), np.float32)
    return Patch(part, points.astype(np.float32), material.astype(np.float32), one, one * 0, outward)


def mirrored(surface: Patch) -> Patch:
    """Return the surface on the other side of the head."""
    points = surface.points * np.array([-1, 1, 1], np.float32)
    return Patch(surface.part, points, surface.material, surface.keep, surface.tint, -surface.outward)


def normals(points: Array, outward: float, ring: bool = False) -> Array:
    """Return unit vertex normals (R, C, 3); `ring`: the last column repeats the first."""
    down = np.empty_like(points)
    down[1:-1] = points[2:] - points[:-2]
    down[0], down[-1] = points[1] - points[0], points[-1] - points[-2]
    across = np.empty_like(points)
    across[:, 1:-1] = points[:, 2:] - points[:, :-2]
    if ring:
        across[:, 0] = across[:, -1] = points[:, 1] - points[:, -2]
    else:
        across[:, 0], across[:, -1] = points[:, 1] - points[:, 0], points[:, -1] - points[:, -2]
    ax, ay, az = across[..., 0], across[..., 1], across[..., 2]
    dx, dy, dz = down[..., 0], down[..., 1], down[..., 2]
    normal = np.stack([ay * dz - az * dy, az * dx - ax * dz, ax * dy - ay * dx], axis=-1)
    length = np.sqrt((normal * normal).sum(-1, keepdims=True))
    unit: Array = normal * (np.float32(outward) / np.maximum(length, np.float32(1e-9)))
    return unit


def triangles(rows: int, columns: int) -> NDArray[np.int32]:
    """Return the (2 (R-1) (C-1), 3) vertex indices of a grid's triangles."""
    index = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    return np.stack([np.stack([a, b, c], -1), np.stack([b, d, c], -1)], axis=2).reshape(-1, 3)
