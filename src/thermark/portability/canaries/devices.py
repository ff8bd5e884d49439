"""A canary of made-up thermal cameras: what many of them deliver of one field, and a small set of plain people."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from thermark.core import seeds
from thermark.portability.canaries.pictures import contents
from thermark.synth.render.gain import Gain
from thermark.synth.render.imaging import PERFECT, Imaging, draw_camera, picture
from thermark.synth.render.variety import Variety
from thermark.synth.writers import cameras


def imaging() -> Iterator[np.ndarray]:
    """Yield pictures of 40 drawn cameras and of every gain, and the files of three frames of plain people."""
    field = _field()
    for number in range(40):
        rng = seeds.rng(0, "canary", "camera", number)
        yield picture(field, draw_camera(rng, Imaging()), rng)
    for kind in ("fixed", "minmax", "percentile", "plateau", "clahe"):
        gain = Gain(kind=kind, low_tail=0.01, high_tail=0.02, sharpen=0.8, gamma=0.8)
        yield picture(field, replace(PERFECT, gain=gain, blur=0.7, lag=0.006, columns=80), seeds.rng(0, "canary"))
    with TemporaryDirectory() as scratch:
        root = Path(scratch) / "set"
        plain = Variety(**dict.fromkeys(Variety.model_fields, False))
        cameras.write(root, cameras.Config(seed=1, count=3, width=96, height=72, variety=plain), workers=1)
        yield from contents(root)


def _field() -> np.ndarray:
    """Return blocks of 10..37 deg C in whole hundredths, (120, 160) float32."""
    drawn = seeds.rng(0, "canary", "field")
    blocks = drawn.integers(1000, 3700, (12, 16)).repeat(10, axis=0).repeat(10, axis=1)
    field: np.ndarray = (blocks + drawn.integers(-40, 40, blocks.shape)).astype(np.float32) / np.float32(100)
    return field
