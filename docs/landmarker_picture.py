"""Draw what the shipped landmarker finds on rendered frames, for the README: no picture of a person.

`python docs/landmarker_picture.py --out docs/landmarker.png [--weights FOLDER]`
"""

import thermark  # noqa: F401  # isort: skip  (before numpy and cv2, which read its switches once)

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from thermark.core import seeds
from thermark.core.radiometry import Tone, render
from thermark.landmarker import overlay
from thermark.landmarker.landmarker import Landmarker
from thermark.synth.render.person import sample_person, sample_pose
from thermark.synth.render.scene import Camera, render_scene
from thermark.synth.render.sensor import observe

WIDTH, HEIGHT, FOCAL = 240, 180, 260.0
# Of each frame: where its people are in metres (x, y, depth), and how they are turned in degrees.
FRAMES: list[list[tuple[float, float, float, float]]] = [
    [(-0.14, 0.0, 0.75, 20.0), (0.18, 0.03, 0.9, -25.0)],
    [(0.0, 0.0, 0.5, -35.0)],
    [(-0.3, 0.05, 1.1, 10.0), (0.02, -0.02, 0.9, 0.0), (0.33, 0.03, 1.2, -15.0)],
]


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--weights", type=Path)
    options = parser.parse_args()
    find = Landmarker(options.weights, threads=1)
    shown = [overlay.drawn(picture, find(picture)) for picture in map(frame, range(len(FRAMES)))]
    row = np.concatenate(shown, axis=1)
    cv2.imwrite(str(options.out), row[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])


def frame(number: int) -> NDArray[np.uint8]:
    """Return a rendered frame as a thermal camera with automatic gain shows it, grey (H, W)."""
    rng = seeds.rng(2026, "readme", number)
    people = [
        (sample_person(seeds.rng(2026, "readme", number, place)), sample_pose(rng, (x, y, depth), yaw=yaw))
        for place, (x, y, depth, yaw) in enumerate(FRAMES[number])
    ]
    scene = render_scene(people, Camera(WIDTH, HEIGHT, FOCAL, 2), (23.0,), rng)
    return render(observe(scene.celsius[0], rng), Tone(name="percentile"))


if __name__ == "__main__":
    main()
