"""ThermEval-D as it unpacks: 192 x 256 frames, temperatures, and two COCO files that disagree on conventions."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from thermark.core import files, seeds
from thermark.core.config import Section
from thermark.core.origin import mark_rendered
from thermark.core.parallel import ordered
from thermark.core.progress import track
from thermark.synth.render.person import Person, Pose, sample_person, sample_pose
from thermark.synth.render.scene import Camera, Scene, render_scene
from thermark.synth.render.sensor import observe
from thermark.synth.writers import Shot, grey, write_image

CATEGORIES = ("Person", "Chest", "Forehead", "Nose")  # the published ids are the places
OFFICE, SESSION, STEP, SESSIONS, SECOND = 240, 45, 15, 18, 511
METRES = (0.61, 1.83, 3.05)  # 2, 6 and 10 ft
CAST = 8  # people who are in and out of the office


class Config(Section):
    """How many frames: `office`, and `repeats` at each of three distances in each of 18 sessions; the camera (px).

    `smallest`: pixels that a chest, forehead or nose must show to be annotated.
    """

    seed: int = 0
    office: int = Field(default=42, ge=0)
    repeats: int = Field(default=2, gt=0)
    width: int = Field(default=192, gt=0)
    height: int = Field(default=256, gt=0)
    focal: float = Field(default=240.0, gt=0)
    supersample: int = Field(default=2, gt=0)
    smallest: int = Field(default=4, gt=0)


def write(out: Path, config: Config, workers: int | None = None) -> None:
    """Write `images/`, `Temp_Matrix/` and `Annotations/` under `out`; bytes do not depend on `workers`."""
    with files.fresh_directory(out) as root:
        shots = [Shot(number, root) for number in numbers(config)]
        work = ordered(partial(_write, config=config), shots, workers)
        annotations = list(track(work, len(shots), "render thermeval", "frames"))
        instances = {shot.number: boxes for shot, boxes in zip(shots, annotations, strict=True)}
        first = {number: boxes for number, boxes in instances.items() if number < SECOND}
        second = {number: boxes for number, boxes in instances.items() if number >= SECOND}
        order = seeds.rng(config.seed, "thermeval", "order").permutation(sorted(second)).tolist()
        _write_coco(root, 1, {number: number for number in first}, first, ".png")
        _write_coco(root, 2, {number: place for place, number in enumerate(order, 1)}, second, ".jpg")
        mark_rendered(root, config)


def numbers(config: Config) -> list[int]:
    """Return the numbers of the frames: a part of 1-240, and the first of each fifteen from 241."""
    office = np.unique(np.linspace(1, OFFICE, config.office).round().astype(int)).tolist() if config.office else []
    groups = range(OFFICE + 1, OFFICE + 1 + SESSIONS * SESSION, STEP)
    return [*office, *(start + step for start in groups for step in range(min(config.repeats, STEP)))]


def _write(shot: Shot, config: Config) -> list[dict[str, Any]]:
    """Write one frame; return its annotations without ids."""
    rng = seeds.rng(config.seed, "thermeval", shot.number)
    people = _office(rng, config) if shot.number <= OFFICE else [_sitter(shot.number, rng, config)]
    camera = Camera(config.width, config.height, config.focal, config.supersample)
    scene = render_scene(people, camera, (float(rng.uniform(21, 27)),), rng)
    celsius = observe(scene.celsius[0], rng)
    write_image(shot.root / f"images/Thermal_{shot.number}.png", grey(celsius))
    write_image(shot.root / f"Temp_Matrix/Thermal_{shot.number}.tiff", celsius.astype(np.float32))
    return annotate(scene, len(people), config.smallest)


def _person(config: Config, *keys: str | int) -> Person:
    return sample_person(seeds.rng(config.seed, "thermeval", "person", *keys))


def _office(rng: np.random.Generator, config: Config) -> list[tuple[Person, Pose]]:
    """Return one to three of the cast, side by side, at one to three metres."""
    count = int(rng.choice([1, 2, 3], p=[0.4, 0.4, 0.2]))
    cast = rng.choice(CAST, count, replace=False)
    places = (np.arange(count) - (count - 1) / 2) * rng.uniform(0.42, 0.55)
    people = []
    for member, x in zip(cast, places, strict=True):
        depth = rng.uniform(0.9, 1.5) + 0.55 * (count - 1)
        yaw = float(np.clip(rng.normal(0, 25), -70, 70))
        position = (float(x + rng.normal(0, 0.03)), float(rng.uniform(-0.3, 0.05)), float(depth))
        people.append((_person(config, "office", int(member)), sample_pose(rng, position, yaw=yaw)))
    return people


def _sitter(number: int, rng: np.random.Generator, config: Config) -> tuple[Person, Pose]:
    """Return the person of a session, at the distance that the frame's number stands for."""
    session, place = divmod(number - OFFICE - 1, SESSION)
    depth = METRES[place // STEP]
    position = (float(rng.normal(0, 0.04 * depth)), float(rng.uniform(-0.12, 0.02) * depth), depth)
    yaw = float(np.clip(rng.normal(0, 18), -70, 70))
    return _person(config, "session", session), sample_pose(rng, position, yaw=yaw)


def annotate(scene: Scene, count: int, smallest: int) -> list[dict[str, Any]]:
    """Return a box and outlines for each visible person and each of their regions."""
    annotations = []
    for person in range(count):
        visible = scene.owner == person + 1
        for category in range(len(CATEGORIES)):
            mask = visible & (scene.region == category) if category else visible
            if mask.sum() >= max(smallest, 1):
                annotations.append({"category_id": category, "iscrowd": 0} | _outline(mask))
    return annotations


def _outline(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """Return area, box and polygons of a mask; the box x, y, w, h bounds its pixels."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    ys, xs = np.nonzero(mask)
    box = [int(xs.min()), int(ys.min()), int(np.ptp(xs)) + 1, int(np.ptp(ys)) + 1]
    polygons = [contour.reshape(-1).tolist() for contour in contours if len(contour) >= 3]
    return {"area": int(mask.sum()), "bbox": box, "segmentation": polygons}


def _write_coco(
    root: Path, part: int, ids: dict[int, int], instances: dict[int, list[dict[str, Any]]], suffix: str
) -> None:
    """Write one COCO file; `ids` maps a frame's number to its image id."""
    annotations = [
        {"id": 0, "image_id": ids[number]} | entry for number in instances for entry in instances[number]
    ]
    for place, annotation in enumerate(annotations, start=1):
        annotation["id"] = place
    content = {
        "images": [
            {"id": ids[number], "file_name": f"Thermal_{number}{suffix}"}
            for number in sorted(instances, key=ids.__getitem__)
        ],
        "categories": [{"id": place, "name": name} for place, name in enumerate(CATEGORIES)],
        "annotations": annotations,
    }
    files.write_text(root / f"Annotations/annotations_{part}.json", json.dumps(content))
