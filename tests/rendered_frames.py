"""Frames of several rendered heads with COCO labels, in the layout of a rendered set, small and quick to make."""

import json
from pathlib import Path

import cv2
import numpy as np

from thermark.core import seeds
from thermark.synth.render.person import sample_person, sample_pose
from thermark.synth.render.scene import Camera, Scene, render_scene
from thermark.synth.render.sensor import observe


def write(root: Path, count: int, size: tuple[int, int] = (96, 80), seed: int = 0, first: int = 0) -> None:
    """Write `count` frames of `size` (width, height) px under a root: thermal/<id>.png and annotations.json."""
    (root / "thermal").mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    for number in range(first, first + count):
        image, faces, polarity = frame(number, size, seed)
        name = f"{number:05d}"
        cv2.imwrite(str(root / f"thermal/{name}.png"), image)
        about = {"width": size[0], "height": size[1], "camera": {"polarity": polarity}}
        images.append({"id": number, "file_name": f"thermal/{name}.png"} | about)
        for keypoints, box in faces:
            entry = {"id": len(annotations), "image_id": number, "category_id": 1, "iscrowd": 0}
            annotations.append(entry | {"keypoints": keypoints, "num_keypoints": 70, "bbox": box})
    categories = [{"id": 1, "name": "face", "keypoints": [str(point) for point in range(70)]}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (root / "annotations.json").write_text(json.dumps(content), encoding="utf-8")


def frame(number: int, size: tuple[int, int], seed: int) -> tuple[np.ndarray, list, str]:
    """Return a grey picture of none to three people, key points and box of each, and the polarity."""
    rng = seeds.rng(seed, "stand-in", number)
    width, height = size
    focal = width * float(rng.uniform(0.8, 1.4))
    people = []
    for place in rng.permutation(3)[: int(rng.choice([0, 1, 2, 3], p=[0.1, 0.5, 0.25, 0.15]))]:
        depth = float(np.exp(rng.uniform(np.log(0.35), np.log(2.2))))
        middle = (place - 1) / 3 + rng.uniform(-0.12, 0.12)
        position = (middle * width / focal * depth, float(rng.uniform(-0.3, 0.25) * height / focal * depth), depth)
        yaw = float(np.clip(rng.normal(0, 25), -70, 70))
        people.append(
            (sample_person(seeds.rng(seed, "person", number, int(place))), sample_pose(rng, position, yaw=yaw))
        )
    scene = render_scene(people, Camera(width, height, focal, 2), (float(rng.uniform(15, 30)),), rng)
    image, dark = grey(scene, rng)
    faces = [labelled(scene, person, size) for person in range(len(people))]
    return image, [face for face in faces if face is not None], "black_hot" if dark else "white_hot"


def grey(scene: Scene, rng: np.random.Generator) -> tuple[np.ndarray, bool]:
    """Return the picture (H, W) uint8 and whether warm is dark in it."""
    celsius = observe(scene.celsius[0], rng)
    low, high = np.percentile(celsius, (rng.uniform(0, 3), rng.uniform(97, 100)))
    levels = np.clip((celsius - low) / max(high - low, 1.0), 0, 1)
    dark = bool(rng.random() < 0.3)
    return np.rint(255 * (1 - levels if dark else levels)).astype(np.uint8), dark


def labelled(scene: Scene, person: int, size: tuple[int, int]) -> tuple[list[float], list[float]] | None:
    """Return key points and the box in the picture, from its outline; None for who is not in it."""
    xy, seen = scene.xy[person].astype(float), scene.visible[person]
    low, high = (np.clip(edge + 0.5, 0, size) for edge in (xy[:68].min(axis=0), xy[:68].max(axis=0)))
    if (high - low).min() <= 0.01:
        return None
    keypoints = np.concatenate([xy, np.where(seen, 2, 1)[:, None]], axis=1).round(3)
    return keypoints.ravel().tolist(), np.concatenate([low, high - low]).round(3).tolist()
