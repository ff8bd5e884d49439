"""Perturbed boxes, off as those of detectors are: how far predicted points depend on the box around a face.

Shifted images (jitter.py) are the other kind of perturbation; both are variants of a data set.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from thermark.core import jitter
from thermark.core.config import Section, section
from thermark.core.jitter import Jitter

# Further, and a face would leave its packed crop, which shows 1.75 boxes of which a network sees 1.25.
Shift = Annotated[float, Field(gt=0, le=0.25)]
Scale = Annotated[float, Field(gt=0, le=0.4)]

DIAGONAL = 0.5**0.5
COMPASS = np.array(
    [
        (1, 0),
        (DIAGONAL, DIAGONAL),
        (0, 1),
        (-DIAGONAL, DIAGONAL),
        (-1, 0),
        (-DIAGONAL, -DIAGONAL),
        (0, -1),
        (DIAGONAL, -DIAGONAL),
    ]
)


@dataclass(frozen=True)
class BoxPerturbation:
    """How far a box is shifted, as a part of its sides, and how much larger or smaller they become."""

    shift: float = 0.0
    scale: float = 0.0


# Data set -> name of a variant -> how its boxes are moved, or its pictures shifted.
Perturbations = Mapping[str, Mapping[str, BoxPerturbation | Jitter]]

NO_PERTURBATIONS: Perturbations = {}


class Config(Section):
    """On which `datasets` boxes are moved: by each `shift`, and by each `scale`, parts of a box's side."""

    datasets: list[str] = Field(default_factory=list)
    shift: list[Shift] = Field(default_factory=lambda: [0.1, 0.2])
    scale: list[Scale] = Field(default_factory=lambda: [0.1, 0.2])

    def moves(self, scored: Collection[str]) -> Mapping[str, Mapping[str, BoxPerturbation]]:
        """Return data set -> variant (`shift10` is a shift by 10 %) -> move.

        Raises ConfigError for a data set that is not among the `scored`.
        """
        jitter.require_scored("moved_boxes", self.datasets, scored)
        variants = {f"shift{_percent(shift)}": BoxPerturbation(shift=shift) for shift in self.shift}
        variants |= {f"scale{_percent(scale)}": BoxPerturbation(scale=scale) for scale in self.scale}
        return dict.fromkeys(self.datasets, variants)


def read(params: Path, boxes: str, pictures: str, scored: Collection[str]) -> Perturbations:
    """Return the perturbations of the sections `boxes` (box shifts) and `pictures` (jitter) of a params file.

    Raises ConfigError for a data set that is not among the `scored`.
    """
    of_boxes = section(params, boxes, Config).moves(scored)
    of_images = section(params, pictures, jitter.Config).moves(scored)
    return {name: {**of_boxes.get(name, {}), **of_images.get(name, {})} for name in scored}


def perturb_boxes(
    boxes: NDArray[np.floating], ids: Sequence[str] | NDArray[np.str_], move: BoxPerturbation
) -> NDArray[np.float32]:
    """Return boxes (N, 4), each moved in one of eight directions, or grown or shrunk about its centre.

    The hash of a face's id draws which, so that every contestant gets the same boxes. NaN stays NaN.
    """
    near, far = np.asarray(boxes, np.float64).reshape(-1, 2, 2).swapaxes(0, 1)
    lots = np.array([list(sha256(str(name).encode()).digest()[:2]) for name in ids], np.int64).reshape(-1, 2)
    size = far - near
    centre = (near + far) / 2 + move.shift * size * COMPASS[lots[:, 0] % len(COMPASS)]
    half = size / 2 * (1 + move.scale * np.where(lots[:, 1:] % 2, 1, -1))
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)


def _percent(part: float) -> str:
    return f"{100 * part:g}"
