"""Canaries of what makes pictures: the renderer, OpenCV's warps and colours, and figures."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from thermark.core import geometry, seeds
from thermark.portability.canaries import faces
from thermark.report import style
from thermark.synth.render import variety
from thermark.synth.render.scene import Camera, render_scene
from thermark.synth.render.variety import Variety
from thermark.synth.writers import tfake
from thermark.train import augment
from thermark.train.augment import Augment

Arrays = Iterator[np.ndarray]


def rendering() -> Arrays:
    """Yield the files of two rendered ids, one sample a pixel."""
    with TemporaryDirectory() as scratch:
        root = Path(scratch) / "set"
        tfake.write(root, tfake.Config(seed=1, count=2, size=96), workers=1)
        yield from contents(root)


def varied() -> Arrays:
    """Yield the maps of scenes in which everything of `variety` is drawn."""
    everything = Variety()
    for number in range(6):
        rng = seeds.rng(0, "canary", "varied", number)
        people = [(variety.person(rng, everything), variety.pose(rng, everything, (0.0, 0.0, 0.6)))]
        place = variety.surroundings(rng, everything)
        scene = render_scene(people, Camera(96, 96, 180.0), (place.ambient or 20.0,), rng, place)
        yield from (scene.rgb, scene.celsius, scene.segmentation, scene.xy, scene.visible)


def warping() -> Arrays:
    """Yield crops of 8-bit, 16-bit and float pictures, enlarged and reduced, and augmented views."""
    colour = faces.picture(131, 0)
    depths = (
        colour,
        colour[..., 0],
        colour[..., 1].astype(np.uint16) * 257,
        colour[..., 2].astype(np.float32) / 7,
    )
    for side in (37.3, 90.1, 411.7):
        to_source = geometry.crop_to_source(np.array([11.3, 7.9, 11.3 + side, 7.9 + side]), 64, 1.25)
        turned = geometry.compose(to_source, geometry.rotation_about((31.5, 31.5), 17.3, 0.9))
        yield from (geometry.warp(picture, turned, 64) for picture in depths)
    limits = Augment(blur_p=0.5, noise_p=0.5)
    for number in range(8):
        drawn = seeds.rng(0, "canary", "view", number)
        view = augment.draw(drawn, limits)
        seen = geometry.warp(colour, augment.matrix(view, 96), 96)
        yield augment.distort(augment.jitter(seen, drawn, limits), drawn, limits)
    yield cv2.imencode(".png", colour)[1]
    yield cv2.imencode(".jpg", colour)[1]


def figures() -> Arrays:
    """Yield an SVG and a PNG of one figure with curves, letters and a picture."""
    with TemporaryDirectory() as scratch:
        with style.figure(4, 3) as drawn:
            left, right = drawn.subplots(1, 2)
            x = np.linspace(0, 3, 50)
            left.plot(x, np.exp(-x) * np.sin(5 * x), label="a curve")
            left.fill_between(x, x / 9, x / 7, alpha=0.3)
            left.legend()
            right.imshow(faces.picture(40, 1))
            right.set_title("0.1 ± 0.02 px")
            for ending in ("svg", "png"):
                style.save(drawn, Path(scratch) / f"figure.{ending}")
        yield from contents(Path(scratch))


def contents(folder: Path) -> Arrays:
    """Yield the bytes of every file below a folder, in order of their names."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield np.frombuffer(path.read_bytes(), np.uint8)
