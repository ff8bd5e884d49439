"""All surfaces of a scene as one indexed triangle mesh."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from thermark.synth.render.body import Body
from thermark.synth.render.patch import Part, Patch, normals, triangles
from thermark.synth.render.shadow import lit


@dataclass(frozen=True)
class Mesh:
    """Vertices: `points` (V, 3) mm, `attributes` (V, 7) = normal, material, tint, lit; `keep` (V,).

    Triangles: `faces` (F, 3) int32; `group` (F,) int16 indexes `groups`, which names (person, part, label).
    """

    points: NDArray[np.float32]
    attributes: NDArray[np.float32]
    keep: NDArray[np.float32]
    faces: NDArray[np.int32]
    group: NDArray[np.int16]
    groups: tuple[tuple[int, Part, int], ...]


_grid = lru_cache(maxsize=64)(triangles)
_RINGS = (Part.SKIN, Part.EYE, Part.EAR, Part.HAT, Part.FRAME)


def mesh(bodies: Sequence[Body], lamp: NDArray[np.float32] | None, lenses: bool = False) -> Mesh:
    """Return the union of all opaque surfaces, or of all lenses, lit from the direction `lamp` (3,) if any."""
    pieces = [
        (person, patch, int(label))
        for person, body in enumerate(bodies)
        for patch, label in zip(body.patches, body.labels, strict=True)
        if (patch.part == Part.LENS) == lenses
    ]
    points, attributes, keeps, faces, group = [], [], [], [], []
    first = 0
    for index, (_, piece, _) in enumerate(pieces):
        points.append(piece.points.reshape(-1, 3))
        attributes.append(_attributes(piece))
        keeps.append(piece.keep.reshape(-1))
        grid = _grid(*piece.points.shape[:2])
        faces.append(grid + np.int32(first))
        group.append(np.full(len(grid), index, np.int16))
        first += len(points[-1])
    if not pieces:
        empty = np.zeros((0, 3), np.float32)
        return Mesh(empty, empty, empty[:, 0], empty.astype(np.int32), empty[:, 0].astype(np.int16), ())
    groups = tuple((person, piece.part, label) for person, piece, label in pieces)
    union = Mesh(
        points=np.concatenate(points),
        attributes=np.concatenate(attributes),
        keep=np.concatenate(keeps),
        faces=np.concatenate(faces),
        group=np.concatenate(group),
        groups=groups,
    )
    if lamp is not None and not lenses:
        _cast_shadows(union, bodies, lamp)
    return union


def _cast_shadows(union: Mesh, bodies: Sequence[Body], lamp: NDArray[np.float32]) -> None:
    """Fill in each vertex's light, person by person: people do not shade one another."""
    person_of_group = np.array([person for person, _, _ in union.groups])
    person_of_face = person_of_group[union.group]
    for person, body in enumerate(bodies):
        faces = union.faces[person_of_face == person]
        first, last = int(faces.min()), int(faces.max()) + 1
        middle = body.patches[0].points.mean((0, 1))
        light = lit(union.points[first:last], union.keep[first:last], faces - np.int32(first), middle, lamp)
        union.attributes[first:last, 6] = light


def _attributes(piece: Patch) -> NDArray[np.float32]:
    out = np.empty((*piece.points.shape[:2], 7), np.float32)
    out[..., :3] = normals(piece.points, piece.outward, ring=piece.part in _RINGS)
    out[..., 3:5] = piece.material
    out[..., 5] = piece.tint
    out[..., 6] = 1
    return out.reshape(-1, 7)
