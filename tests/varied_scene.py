"""One person in a plain light, to be varied."""

from dataclasses import replace

import numpy as np

from thermark.core import seeds
from thermark.synth.render.person import Person, Pose, sample_person
from thermark.synth.render.scene import Camera, Scene, render_scene

AHEAD = (0.0, 0.0, 0.7)

GEOMETRY = ("region", "owner", "lens", "xy", "visible", "boxes", "segmentation")


def someone(**changes: object) -> Person:
    plain = {"hair": "short", "glasses": None, "beard": 0.0, "stubble": 0.0, "warmth": 0.0, "shape": (0.0,) * 29}
    return replace(sample_person(seeds.rng(4, "someone")), **(plain | changes))


def shot(person: Person, ambient: float = 20.0, size: int = 128, **pose: object) -> Scene:
    placed = Pose(**({"position": (0.0, 0.0, 0.5)} | pose))
    return render_scene([(person, placed)], Camera(size, size, 1.9 * size), (ambient,), seeds.rng(4, "light"))


def near(scene: Scene, points: list[int], radius: int = 1) -> float:
    """Return the mean deg C around landmarks."""
    means = []
    for x, y in np.rint(scene.xy[0, points]).astype(int):
        means.append(scene.celsius[0, y - radius : y + radius + 1, x - radius : x + radius + 1].mean())
    return float(np.mean(means))
