"""Boxes that are not quite right, as those of detectors: how far points depend on the box around a face.

Beside them stand pictures that are shifted (jitter.py): both are variants of a data set.
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
class Move:
    """How far a box moves, as a part of its sides, and how much larger or smaller they become."""

    shift: float = 0.0
    scale: float = 0.0


# Data set -> name of a variant -> how its boxes are moved, or its pictures shifted.
Moves = Mapping[str, Mapping[str, Move | Jitter]]

NOWHERE: Moves = {}


class Config(Section):
    """On which `datasets` boxes are moved: by each `shift`, and by each `scale`, parts of a box's side."""

    datasets: list[str] = Field(default_factory=list)
    shift: list[Shift] = Field(default_factory=lambda: [0.1, 0.2])
    scale: list[Scale] = Field(default_factory=lambda: [0.1, 0.2])

    def moves(self, scored: Collection[str]) -> Mapping[str, Mapping[str, Move]]:
        """Return data set -> variant (`shift10` is a shift by 10 %) -> move.

        Raises ConfigError for a data set that is not among the `scored`.
        """
        jitter.require_scored("moved_boxes", self.datasets, scored)
        each = {f"shift{_percent(shift)}": Move(shift=shift) for shift in self.shift}
        each |= {f"scale{_percent(scale)}": Move(scale=scale) for scale in self.scale}
        return dict.fromkeys(self.datasets, each)


def read(params: Path, boxes: str, pictures: str, scored: Collection[str]) -> Moves:
    """Return what is moved by the section `boxes` of a params file, and shifted by the section `pictures`.

    Raises ConfigError for a data set that is not among the `scored`.
    """
    told = section(params, boxes, Config).moves(scored), section(params, pictures, jitter.Config).moves(scored)
    return {name: {**told[0].get(name, {}), **told[1].get(name, {})} for name in scored}


def moved(boxes: NDArray[np.floating], ids: Sequence[str] | NDArray[np.str_], move: Move) -> NDArray[np.float32]:
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
