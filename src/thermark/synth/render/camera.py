"""A pinhole camera and what it draws of a mesh."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thermark.synth.render.mesh import Mesh
from thermark.synth.render.raster import buffers, fragments, rasterise

NEAREST = 50.0  # mm: what is closer is not drawn


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without distortion, `focal` in pixels; its axis meets the image's centre.

    Outlines are smoothed by `supersample` squared samples per pixel.
    """

    width: int
    height: int
    focal: float
    supersample: int = 2

    def project(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the pixels (..., 2) of camera-frame points (..., 3); integer coordinates are pixel centres."""
        points = np.asarray(points, np.float64)
        centre = np.array([(self.width - 1) / 2, (self.height - 1) / 2])
        pixels: NDArray[np.float64] = self.focal * points[..., :2] / points[..., 2:] + centre
        return pixels

    def samples(self, xy: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return where pixel coordinates lie in the finer grid of samples."""
        return (xy + 0.5) * self.supersample - 0.5


@dataclass(frozen=True)
class Fragments:
    """The parts of pixels that surfaces fill, sorted by surface.

    `pixel` (N,) flat pixel index, at most once per surface; `share` (N,) 0..1 of the pixel's area;
    `attributes` (N, 7) as in `Mesh`, normals unit and turned towards the camera; `inner` (N,) bool, where the
    back of the surface is seen; `view` (N, 3) unit vectors towards the camera; `rows`: surface index -> slice
    of the N fragments.
    """

    pixel: NDArray[np.int32]
    share: NDArray[np.float32]
    attributes: NDArray[np.float32]
    inner: NDArray[np.bool_]
    view: NDArray[np.float32]
    rows: dict[int, slice]


NOTHING = Fragments(
    pixel=np.zeros(0, np.int32),
    share=np.zeros(0, np.float32),
    attributes=np.zeros((0, 7), np.float32),
    inner=np.zeros(0, np.bool_),
    view=np.zeros((0, 3), np.float32),
    rows={},
)


def draw(
    mesh: Mesh, camera: Camera, behind: NDArray[np.float32] | None = None
) -> tuple[Fragments, NDArray[np.float32]]:
    """Return what is seen of a mesh in front of `behind`, and the samples' nearness (1/mm, 0 = nothing)."""
    if not len(mesh.points):
        return NOTHING, np.zeros(
            (camera.height * camera.supersample, camera.width * camera.supersample), np.float32
        )
    s = camera.supersample
    triangle, weights, depth = buffers(camera.height * s, camera.width * s)
    if behind is not None:
        depth[:] = behind
    z = mesh.points[:, 2]
    inverse = np.where(z > NEAREST, 1 / np.maximum(z, NEAREST), 0).astype(np.float32)
    scale = np.float32(camera.focal * s) * inverse[:, None]
    centre = np.array([camera.width * s - 1, camera.height * s - 1], np.float32) / 2
    rasterise(mesh.points[:, :2] * scale + centre, inverse, mesh.keep, mesh.faces, 0, triangle, weights, depth)
    pixel, group, share, attributes = fragments(mesh.attributes, mesh.faces, mesh.group, triangle, weights, s)
    order = np.argsort(group, kind="stable")
    group, pixel, attributes = group[order], pixel[order], attributes[order]
    view = _view(camera, pixel)
    normal = attributes[:, :3]
    facing = np.einsum("ij,ij->i", normal, view)
    length = np.maximum(np.sqrt(np.einsum("ij,ij->i", normal, normal)), np.float32(1e-6))
    normal *= (np.sign(facing) / length)[:, None]
    groups, first = np.unique(group, return_index=True)
    last = np.append(first, len(group))[1:]
    rows = {int(g): slice(int(a), int(b)) for g, a, b in zip(groups, first, last, strict=True)}
    return Fragments(pixel, share[order], attributes, facing < 0, view, rows), depth


def _view(camera: Camera, pixel: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return unit vectors (N, 3) from flat pixel indices towards the camera."""
    ray = np.full((len(pixel), 3), -1, np.float32)
    ray[:, 0] = ((camera.width - 1) / 2 - pixel % camera.width) / camera.focal
    ray[:, 1] = ((camera.height - 1) / 2 - pixel // camera.width) / camera.focal
    view: NDArray[np.float32] = ray / np.sqrt(np.einsum("ij,ij->i", ray, ray))[:, None]
    return view
