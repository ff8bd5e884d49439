"""Pictures as many made-up thermal cameras deliver them, with their colour twins and COCO's annotations.

Layout: `thermal/{id}.png` 8-bit grey; `visible/{id}.jpg` RGB of the same geometry, unless left out;
`annotations.json`. An image has `visible` (its twin), `camera` and `place` beside COCO's fields. An annotation is
a face: `keypoints`, 70 x (x, y, v) with integers at pixel centres, where v is 2 for a point that is seen, 1 for
one that is hidden or outside of the picture, 0 for one further outside than half the picture's size (then x and y
are 0); `bbox`, the tight box of the 68 points clipped to the picture, from the outline of its first pixel, as COCO
has boxes; `iscrowd` 1 for a face of which too little is seen to be found or missed; `person`; `attributes`.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import Field, model_validator

from thermark.core import files, seeds
from thermark.core.config import Section
from thermark.core.geometry import bounding_box
from thermark.core.origin import mark_rendered
from thermark.core.parallel import ordered
from thermark.core.progress import track
from thermark.synth.render import contour, staging, variety
from thermark.synth.render.imaging import CameraModel, Imaging, draw_camera, picture
from thermark.synth.render.optics import sensor_size
from thermark.synth.render.person import Person, Pose
from thermark.synth.render.scene import Camera, Scene, render_scene
from thermark.synth.render.surroundings import Surroundings
from thermark.synth.render.variety import Variety
from thermark.synth.writers import Shot, write_image

FILE = "annotations.json"
POINTS, FACE = 70, 68  # all points, and those of the face without the pupils
LEAST_AREA, LEAST_POINTS = 0.25, 0.1  # of a face's box and of its points that must be in the picture and seen
MOST = 10  # people of an image: an annotation's id is its image's times this, and its place from 1


class Config(Section):
    """How many pictures of which size (px), how large faces are, how many, and what varies.

    `smallest` px to `largest` of the picture's height, log-uniform: the height of a face, by the tight box of its
    points; on the sensor it is at least `elements` high, so that fewer sensors see the small ones. `people`: odds
    of 0, 1, 2 and 3 people. `cut`: share of faces that are partly outside. `visible`: whether twins are written.
    `contour`: the jaw where it is on the head, hidden or not (3d), or its far side on the visible edge of the face
    (2d), as annotators of pictures see it (render/contour.py); `v` is that of the point on the head in both.
    """

    seed: int = 0
    count: int = Field(default=2000, gt=0)
    width: int = Field(default=320, gt=0)
    height: int = Field(default=240, gt=0)
    supersample: int = Field(default=2, gt=0)
    smallest: float = Field(default=20.0, gt=0)
    largest: float = Field(default=0.95, gt=0)
    elements: float = Field(default=10.0, gt=0)
    people: tuple[float, float, float, float] = (0.06, 0.78, 0.12, 0.04)
    cut: float = Field(default=0.1, ge=0, le=1)
    contour: Literal["3d", "2d"] = "3d"
    visible: bool = True
    variety: Variety = Variety()
    imaging: Imaging = Imaging()

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if min(self.people) < 0 or abs(sum(self.people) - 1) > 1e-9:
            raise ValueError("people must be odds that add up to 1")
        if self.smallest >= self.largest * self.height:
            raise ValueError("smallest must be below largest of the height")
        return self


@dataclass(frozen=True)
class Drawn:
    """What stands before which camera: `device` delivers what `camera` projects."""

    people: tuple[tuple[Person, Pose], ...]
    place: Surroundings
    ambient: float
    camera: Camera
    device: CameraModel
    tall: NDArray[np.float64]


def write(out: Path, config: Config, workers: int | None = None) -> None:
    """Write the layout under `out`; the bytes do not depend on `workers`, and memory not on `count`."""
    with files.fresh_directory(out) as root:
        (root / "thermal").mkdir()
        if config.visible:
            (root / "visible").mkdir()
        shots = [Shot(number, root) for number in range(config.count)]
        work = ordered(partial(_write, config=config), shots, workers)
        _write_coco(root / FILE, track(work, len(shots), "render cameras", "frames"))
        mark_rendered(root, config)


def draw(number: int, config: Config) -> Drawn:
    """Draw what picture `number` shows; each part has a generator of its own, so that others stay without it."""
    rng = partial(seeds.rng, config.seed, "cameras", number)
    whole, device = (draw_camera(rng("camera"), limits) for limits in (Imaging(), config.imaging))
    place = variety.surroundings(rng("place"), config.variety)
    lots = rng("people")
    ambient = place.ambient if place.ambient is not None else _ambient(lots)
    count = int(lots.choice(4, p=config.people))
    # Of the sensor that `resolution` may have left out: people stand where they stand with it.
    coarse = config.width / sensor_size(config.width, config.height, whole.columns)[0]
    most = config.largest * config.height
    least = min(max(config.smallest, config.elements * coarse), most)
    tall = staging.heights(lots, count, least, most)
    focal = staging.focal(lots, config.width, float(tall.max(initial=least)))
    camera = Camera(config.width, config.height, focal, config.supersample)
    middles = staging.centres(lots, tall, config.width, config.height, config.cut)
    people = tuple(
        _person(rng("person", index), config.variety, middle, height, camera)
        for index, (middle, height) in enumerate(zip(middles, tall, strict=True))
    )
    return Drawn(people, place, ambient, camera, device, tall)


def _ambient(rng: Generator) -> float:
    """Draw the air's deg C where the place has none: mostly rooms, sometimes cold or hot."""
    low, high = ((17, 29), (-5, 17), (29, 40))[int(rng.choice(3, p=(0.7, 0.2, 0.1)))]
    return float(rng.uniform(low, high))


def _person(
    rng: Generator, allowed: Variety, middle: NDArray[np.float64], tall: float, camera: Camera
) -> tuple[Person, Pose]:
    person = variety.person(rng, allowed)
    depth = camera.focal * staging.HEIGHT / tall
    return person, staging.stand(variety.pose(rng, allowed, (0.0, 0.0, depth)), middle, tall, camera)


def _write(shot: Shot, config: Config) -> tuple[str, list[str]]:
    """Write one picture and its twin; return its entry and those of its faces, as JSON."""
    rng = partial(seeds.rng, config.seed, "cameras", shot.number)
    drawn = draw(shot.number, config)
    scene = render_scene(
        drawn.people, drawn.camera, (drawn.ambient,), rng("scene"), drawn.place, colour=config.visible
    )
    grey = picture(scene.celsius[0], drawn.device, rng("picture"))
    write_image(shot.root / f"thermal/{shot.name}.png", grey)
    if config.visible:
        write_image(shot.root / f"visible/{shot.name}.jpg", scene.rgb)
    faces = [_face(shot, index, drawn, scene, config.contour) for index in range(len(drawn.people))]
    return _json(_image(shot, drawn, config)), [_json(face) for face in faces if face is not None]


def _image(shot: Shot, drawn: Drawn, config: Config) -> dict[str, Any]:
    device = drawn.device
    twin = {"visible": f"visible/{shot.name}.jpg"} if config.visible else {}
    camera = {
        "columns": sensor_size(config.width, config.height, device.columns)[0],
        "gain": device.gain.kind,
        "netd": round(device.faults.netd, 4),
        "palette": device.palette,
        "polarity": _polarity(device),
        "quality": device.quality,
    }
    entry = {"id": shot.number, "file_name": f"thermal/{shot.name}.png", "camera": camera}
    size = {"width": config.width, "height": config.height}
    return entry | size | twin | {"place": {"kind": drawn.place.kind, "ambient": round(drawn.ambient, 1)}}


def _face(shot: Shot, index: int, drawn: Drawn, scene: Scene, jaw: Literal["3d", "2d"]) -> dict[str, Any] | None:
    """Return the annotation of a person's face, or None where nothing of its box is in the picture."""
    xy, seen = scene.xy[index].astype(np.float64), scene.visible[index]
    if jaw == "2d":
        xy[: contour.JAW] = contour.edge(*drawn.people[index], drawn.camera)
    size = np.array([drawn.camera.width, drawn.camera.height])
    low, high = np.asarray(bounding_box(xy[:FACE]), np.float64).reshape(2, 2) + 0.5
    first, last = np.clip(low, 0, size), np.clip(high, 0, size)
    area = float(np.prod(np.maximum(last - first, 0)))
    if area <= 0:
        return None
    hidden = area < LEAST_AREA * np.prod(high - low) or seen[:FACE].mean() < LEAST_POINTS
    keypoints = _keypoints(xy, seen, size)
    box = [round(float(value), 3) for value in (*first, *(last - first))]
    person, pose = drawn.people[index]
    return {
        "id": shot.number * MOST + index + 1,  # COCO's own evaluation takes 0 for no match
        "image_id": shot.number,
        "category_id": 1,
        "iscrowd": int(hidden),
        "bbox": box,
        "area": round(area, 2),
        "keypoints": keypoints,
        "num_keypoints": sum(flag > 0 for flag in keypoints[2::3]),
        "person": f"{shot.name}-{index}",
        "attributes": attributes(person, pose, drawn.device) | {"height": round(float(high[1] - low[1]), 2)},
    }


def _keypoints(xy: NDArray[np.float64], seen: NDArray[np.bool_], size: NDArray[np.int64]) -> list[float]:
    far = np.asarray(((xy < -0.5 * size) | (xy > 1.5 * size)).any(axis=1) | ~np.isfinite(xy).all(axis=1), np.bool_)
    values: list[float] = []
    for (x, y), lost, visible in zip(xy, far, seen, strict=True):
        values += [0.0, 0.0, 0] if lost else [round(float(x), 3), round(float(y), 3), 1 + int(visible)]
    return values


def attributes(person: Person, pose: Pose, device: CameraModel) -> dict[str, Any]:
    """Return what errors may depend on: angles in degrees, how open the mouth is (0..1), what covers the face."""
    return {
        "yaw": round(pose.yaw, 1),
        "pitch": round(pose.pitch, 1),
        "roll": round(pose.roll, 1),
        "jaw": round(pose.jaw, 2),
        "eyewear": _eyewear(person),
        "covering": "none" if person.covering is None else person.covering.kind,
        "occluder": "none" if pose.held is None else pose.held.thing or "hand",
        "polarity": _polarity(device),
        "gain": device.gain.kind,
    }


def _eyewear(person: Person) -> str:
    if person.glasses is None:
        return "none"
    return "sunglasses" if person.eyewear is not None and person.eyewear.dark > 0.5 else "glasses"


def _polarity(device: CameraModel) -> str:
    return "black_hot" if device.inverted else "white_hot"


def _json(entry: dict[str, Any]) -> str:
    return json.dumps(entry, sort_keys=True, allow_nan=False)


def _write_coco(path: Path, entries: Iterable[tuple[str, list[str]]]) -> None:
    """Write COCO's file as the entries come: annotations, the larger part, are never all in memory."""
    points = [f"{index}" for index in range(POINTS)]
    category = {"id": 1, "name": "face", "supercategory": "person", "keypoints": points, "skeleton": []}
    info = {"description": "rendered faces as made-up thermal cameras show them", "vocabulary": "facesynthetics70"}
    images: list[str] = []
    comma = ""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f'{{"info": {_json(info)},\n"categories": [{_json(category)}],\n"annotations": [')
        for image, faces in entries:
            images.append(image)
            for face in faces:
                file.write(f"{comma}\n{face}")
                comma = ","
        file.write("\n],\n" + '"images": [\n' + ",\n".join(images) + "\n]}\n")
