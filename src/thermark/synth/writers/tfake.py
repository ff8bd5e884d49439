"""T-FAKE and FaceSynthetics as they unpack: RGB, 70 points and classes, and two 16-bit thermal renderings."""

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from thermark.core import files, seeds, visibility
from thermark.core.config import Section
from thermark.core.origin import mark_rendered
from thermark.core.parallel import ordered
from thermark.core.progress import track
from thermark.synth.render.person import Pose, sample_person, sample_pose
from thermark.synth.render.scene import Camera, render_scene
from thermark.synth.render.sensor import observe
from thermark.synth.writers import Shot, stored, write_image

FOCAL = 2.2  # in image widths: a face at one metre fills a third of the picture, as in FaceSynthetics


class Config(Section):
    """How many ids of which size (px), and the ambient temperatures (deg C) of the two conditions.

    `supersample`: samples a pixel and axis; one is enough where crops are reduced anyway.
    """

    seed: int = 0
    count: int = Field(default=600, gt=0)
    size: int = Field(default=512, gt=0)
    supersample: int = Field(default=1, gt=0)
    warm: tuple[float, float] = (24.0, 30.0)
    cold: tuple[float, float] = (8.0, 18.0)


def write(out: Path, config: Config, workers: int | None = None) -> None:
    """Write `facesynthetics/`, `warm/` and `cold/` under `out`; the bytes do not depend on `workers`."""
    with files.fresh_directory(out) as root:
        for name in ("facesynthetics", "warm", "cold"):
            (root / name).mkdir()
        shots = [Shot(number, root) for number in range(config.count)]
        work = ordered(partial(_write, config=config), shots, workers)
        visible = list(track(work, len(shots), "render tfake", "faces"))
        visibility.write(root, {shot.name: flags for shot, flags in zip(shots, visible, strict=True)})
        mark_rendered(root, config)


def _write(shot: Shot, config: Config) -> NDArray[np.bool_]:
    """Write one id's files; return which of its points (70,) are visible."""
    name, root = shot.name, shot.root
    rng = seeds.rng(config.seed, "tfake", shot.number)
    person = sample_person(rng)
    camera = Camera(config.size, config.size, FOCAL * config.size, config.supersample)
    ambients = (float(rng.uniform(*config.warm)), float(rng.uniform(*config.cold)))
    scene = render_scene([(person, _pose(rng))], camera, ambients, rng)
    write_image(root / f"facesynthetics/{name}.png", scene.rgb)
    write_image(root / f"facesynthetics/{name}_seg.png", scene.segmentation)
    lines = "".join(f"{x:.3f} {y:.3f}\n" for x, y in scene.xy[0])
    (root / f"facesynthetics/{name}_ldmks.txt").write_text(lines, encoding="utf-8", newline="\n")
    for condition, celsius in zip(("warm", "cold"), scene.celsius, strict=True):
        write_image(root / f"{condition}/{name}_thermal.png", stored(observe(celsius, rng)))
    visible: NDArray[np.bool_] = scene.visible[0]
    return visible


def _pose(rng: np.random.Generator) -> Pose:
    """Draw a pose near the middle of the picture, about a metre away."""
    depth = rng.uniform(0.8, 1.35)
    x, y = rng.normal(0, 0.03, 2)
    return sample_pose(rng, position=(float(x), float(y), float(depth)))
