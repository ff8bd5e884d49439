"""People in front of a camera: one geometry buffer, seen in colour and in temperature."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from thermark.synth.render import apparent, labels, shading
from thermark.synth.render.body import embody
from thermark.synth.render.camera import Camera, Fragments, draw
from thermark.synth.render.mesh import Mesh, mesh
from thermark.synth.render.paint import PixelClass
from thermark.synth.render.patch import Part
from thermark.synth.render.person import Person, Pose
from thermark.synth.render.shading import Lighting, Pixels
from thermark.synth.render.surroundings import PLAIN, Surroundings, backdrop

__all__ = ["Camera", "Scene", "render_scene"]

People = Sequence[tuple[Person, Pose]]


@dataclass(frozen=True)
class Scene:
    """What the camera sees, every map aligned with every other.

    `rgb` (H, W, 3) uint8; `celsius` (A, H, W) float32, one per ambient temperature, before any sensor;
    `segmentation` (H, W) uint8 FaceSynthetics classes; `region` (H, W) uint8 `paint.Region` codes; `owner`
    (H, W) uint8, person + 1, 0 behind: of what fills most of the pixel; `lens` (H, W) bool, where a spectacle
    lens is in front (clear in rgb, opaque in celsius); `xy` (P, 70, 2) float32 pixels, also outside the
    image; `visible` (P, 70) bool, False when something opaque (lenses do not count) is in front or the point
    is outside; `boxes` (P, 4) float32, outline (x1, y1, x2, y2) of what is seen of each person, NaN when
    nothing is.
    """

    rgb: NDArray[np.uint8]
    celsius: NDArray[np.float32]
    segmentation: NDArray[np.uint8]
    region: NDArray[np.uint8]
    owner: NDArray[np.uint8]
    lens: NDArray[np.bool_]
    xy: NDArray[np.float32]
    visible: NDArray[np.bool_]
    boxes: NDArray[np.float32]


@dataclass(frozen=True)
class _Canvas:
    """The images while they are painted, flat: (N, 3) linear, (A, N) deg C, and (N,) each."""

    rgb: NDArray[np.float32]
    celsius: NDArray[np.float32]
    segmentation: NDArray[np.uint8]
    region: NDArray[np.uint8]
    owner: NDArray[np.uint8]
    most: NDArray[np.float32]


def render_scene(
    people: People,
    camera: Camera,
    ambients: Sequence[float],
    rng: Generator,
    surroundings: Surroundings = PLAIN,
    colour: bool = True,
) -> Scene:
    """Render people, the nearer ones in front, in air of `ambients` deg C; `rng` draws light and what is behind.

    Without `colour` the rgb is black, everything else the same, and less is drawn from `rng`.
    """
    light = shading.sample_lighting(rng)
    lit = light if colour else None
    lamp = light.lamps[0].direction if colour else None
    canvas = _empty(camera, people, tuple(ambients), rng, surroundings)
    bodies = [embody(person, pose) for person, pose in people]
    solid = mesh(bodies, lamp)
    seen, depth = draw(solid, camera)
    _clear(canvas, seen)
    for index, rows in seen.rows.items():
        _paint(canvas, solid, index, _rows(seen, rows), people, ambients, lit, surroundings.sky)
    gain = _exposure(canvas, rng) if colour else np.float32(0)
    glass = mesh(bodies, lamp, lenses=True)
    lens = _put_lenses(canvas, glass, draw(glass, camera, depth)[0], people, ambients, lit, surroundings.sky)
    xy, visible = _landmarks(camera, people, [body.landmarks for body in bodies], depth)
    shape = (camera.height, camera.width)
    owner = canvas.owner.reshape(shape)
    boxes = [_outline(owner == index + 1) for index in range(len(people))]
    return Scene(
        rgb=_develop(canvas.rgb.reshape(*shape, 3), gain, rng) if colour else np.zeros((*shape, 3), np.uint8),
        celsius=canvas.celsius.reshape(-1, *shape),
        segmentation=canvas.segmentation.reshape(shape),
        region=canvas.region.reshape(shape),
        owner=owner,
        lens=lens.reshape(shape),
        xy=xy,
        visible=visible,
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
    )


def _empty(
    camera: Camera, people: People, ambients: tuple[float, ...], rng: Generator, surroundings: Surroundings
) -> _Canvas:
    centres = np.array([pose.position for _, pose in people], np.float64).reshape(-1, 3)
    heads = np.column_stack([camera.project(centres), camera.focal / centres[:, 2]])
    rgb, celsius = backdrop(surroundings, camera, heads, ambients, rng)
    count = camera.height * camera.width
    return _Canvas(
        rgb=rgb.reshape(-1, 3),
        celsius=celsius.reshape(len(ambients), -1),
        segmentation=np.zeros(count, np.uint8),
        region=np.zeros(count, np.uint8),
        owner=np.zeros(count, np.uint8),
        most=np.zeros(count, np.float32),
    )


def _clear(canvas: _Canvas, seen: Fragments) -> None:
    """Leave of the room only what shows beside the fragments; what fills most of a pixel will name it."""
    background = 1 - np.bincount(seen.pixel, seen.share, len(canvas.rgb)).astype(np.float32)
    canvas.rgb[:] *= background[:, None]
    canvas.celsius[:] *= background
    canvas.most[:] = background


def _rows(seen: Fragments, rows: slice | NDArray[np.intp]) -> Fragments:
    return Fragments(
        pixel=seen.pixel[rows],
        share=seen.share[rows],
        attributes=seen.attributes[rows],
        inner=seen.inner[rows],
        view=seen.view[rows],
        rows={},
    )


def _pixels(some: Fragments) -> Pixels:
    normal, material = some.attributes[:, :3], np.ascontiguousarray(some.attributes[:, 3:5])
    return Pixels(normal, some.view, material, some.attributes[:, 5], some.attributes[:, 6])


def _paint(
    canvas: _Canvas,
    solid: Mesh,
    index: int,
    surface: Fragments,
    people: People,
    ambients: Sequence[float],
    light: Lighting | None,
    sky: float,
) -> None:
    """Add one surface's fragments to the images."""
    number, whole, label = solid.groups[index]
    person, pose = people[number]
    for part, rows in labels.split(whole, person, surface.attributes[:, 3:5], surface.inner):
        some = _rows(surface, rows)
        if not len(some.pixel):
            continue
        pixels = _pixels(some)
        if light:
            canvas.rgb[some.pixel] += some.share[:, None] * shading.shade(part, person, pixels, light)
        for row, celsius in enumerate(apparent.temperatures(part, person, pose, pixels, ambients, sky)):
            canvas.celsius[row, some.pixel] += some.share * celsius
        segmentation, region = labels.classify(part, label, person, pixels.material, pixels.tint)
        first = some.share > canvas.most[some.pixel]
        at = some.pixel[first]
        canvas.most[at] = some.share[first]
        canvas.owner[at] = number + 1
        canvas.segmentation[at] = segmentation if isinstance(segmentation, int) else segmentation[first]
        canvas.region[at] = region if isinstance(region, int) else region[first]


def _put_lenses(
    canvas: _Canvas,
    glass: Mesh,
    seen: Fragments,
    people: People,
    ambients: Sequence[float],
    light: Lighting | None,
    sky: float,
) -> NDArray[np.bool_]:
    """Lay spectacle lenses over the images and return (N,) where they are."""
    lens = np.zeros(len(canvas.rgb), np.bool_)
    for index, rows in seen.rows.items():
        some = _rows(seen, rows)
        pixels, share = _pixels(some), some.share[:, None]
        person, pose = people[glass.groups[index][0]]
        if light:
            canvas.rgb[some.pixel] *= 1 - np.float32(person.eyewear.dark if person.eyewear else 0.1) * share
            canvas.rgb[some.pixel] += share * shading.reflection(pixels, light)
        for row, celsius in enumerate(apparent.temperatures(Part.LENS, person, pose, pixels, ambients, sky)):
            canvas.celsius[row, some.pixel] += some.share * (celsius - canvas.celsius[row, some.pixel])
        lens[some.pixel[some.share >= 0.5]] = True
    return lens


def _exposure(canvas: _Canvas, rng: Generator) -> np.float32:
    """Return the gain of a camera that meters on skin, and makes up for dark skin only in part."""
    target = rng.uniform(0.20, 0.34)
    skin = canvas.rgb[(canvas.segmentation == PixelClass.SKIN) | (canvas.segmentation == PixelClass.NOSE)]
    level = float(skin.mean()) if len(skin) else float(canvas.rgb.mean())
    return np.float32((target / max(level, 1e-3)) ** 0.7)


def _develop(rgb: NDArray[np.float32], gain: np.float32, rng: Generator) -> NDArray[np.uint8]:
    """Return 8-bit sRGB-like values of linear light, with the camera's noise."""
    noise = np.float32(rng.uniform(0.001, 0.007)) * rng.standard_normal(rgb.shape, np.float32)
    encoded = np.clip(rgb * gain, 0, 1) ** np.float32(1 / 2.2) + noise
    picture: NDArray[np.uint8] = np.rint(np.clip(encoded, 0, 1) * 255).astype(np.uint8)
    return picture


def _landmarks(
    camera: Camera, people: People, points: list[NDArray[np.float64]], depth: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the landmarks' pixels (P, 70, 2) and whether nothing is more than a few mm in front of them."""
    if not people:
        return np.zeros((0, 70, 2), np.float32), np.zeros((0, 70), np.bool_)
    z = np.stack(points)[..., 2]
    xy = camera.project(np.stack(points))
    column, row = np.rint(camera.samples(xy)).astype(np.int64).transpose(2, 0, 1)
    height, width = depth.shape
    visible = (column >= 0) & (column < width) & (row >= 0) & (row < height) & (z > 0)
    farthest = np.zeros(z.shape)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            near = depth[np.clip(row + dy, 0, height - 1), np.clip(column + dx, 0, width - 1)]
            farthest = np.maximum(farthest, 1 / np.maximum(near, 1e-9))
    visible &= z - (2.0 + 0.7 * z / camera.focal) < farthest
    for index, (_, pose) in enumerate(people):
        visible[index, 68:] &= np.array(pose.blink) < 0.75
    return xy.astype(np.float32), visible


def _outline(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return np.full(4, np.nan, np.float32)
    return np.array([columns[0] - 0.5, rows[0] - 0.5, columns[-1] + 0.5, rows[-1] + 0.5], np.float32)
