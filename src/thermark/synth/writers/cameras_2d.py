"""Rendered cameras, hung anywhere, and labelled as by somebody who sees nothing but the picture.

As `cameras`, with other defaults: cameras above and below the face (render/viewpoint.py), the far side of the jaw
on the visible edge (render/contour.py), and no colour twins. A layout of its own: one pipeline can have both.
"""

from pathlib import Path
from typing import Literal

from thermark.synth.render.variety import Variety
from thermark.synth.writers import cameras


class Mounted(Variety):
    """As `Variety`, with cameras above and below the face unless a set switches them off."""

    mounts: bool = True


class Config(cameras.Config):
    """As `cameras.Config`, with its own defaults."""

    contour: Literal["3d", "2d"] = "2d"
    visible: bool = False
    variety: Mounted = Mounted()


def write(out: Path, config: Config, workers: int | None = None) -> None:
    """Write the layout under `out`, as `cameras.write` does."""
    cameras.write(out, config, workers)
