"""What is worn over the head and round the neck: hoods, caps, headbands, headphones, collars, scarves.

Cloth in air: its outside lies 10-60 % of the way from the air to the skin, by its insulation against that of the
air outside: least where it is thick or hangs free. What comes in from the cold is colder by some K.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from thermark.core import seeds
from thermark.synth.render.head import mean_head
from thermark.synth.render.patch import Part, Patch, normals, patch

Array = NDArray[np.floating]

KINDS = ("hood", "cap", "headband", "headphones", "collar", "scarf")
_ODDS = (0.22, 0.20, 0.08, 0.10, 0.22, 0.18)


@dataclass(frozen=True)
class Covering:
    """`kind` is one of `KINDS`; `size` scales how far it stands off, `reach` 0..1 how much of the face it takes.

    `share` of the way from the air to 34 deg C, `cold`: K below that; `seed`: of folds.
    """

    kind: str
    size: float = 1.0
    reach: float = 0.3
    share: float = 0.3
    cold: float = 0.0
    seed: int = 0


def sample_covering(rng: Generator) -> Covering | None:
    """Draw what one person in four wears; a scarf in four reaches the nose."""
    if rng.random() >= 0.26:
        return None
    return Covering(
        kind=KINDS[int(rng.choice(len(KINDS), p=_ODDS))],
        size=float(rng.uniform(0.8, 1.35)),
        reach=float(rng.beta(1.2, 2.0)),
        share=float(rng.uniform(0.10, 0.60)),
        cold=float(rng.uniform(0.5, 5)) if rng.random() < 0.3 else 0.0,
        seed=int(rng.integers(2**31)),
    )


def on_head(worn: Covering, head: NDArray[np.float32]) -> list[Patch]:
    """Return what moves with the head, in the frame of that head, whose grid is `head` (R, C, 3)."""
    if worn.kind == "hood":
        return [_hood(worn, head)]
    if worn.kind == "cap":
        return [_shell(worn, head, (-36, -34, -14, 4), 7.0), _peak(worn, head)]
    if worn.kind == "headband":
        return [_shell(worn, head, (-30, -28, -8, 10), 5.0, tall=38.0 + 40 * worn.reach)]
    if worn.kind == "headphones":
        return _headphones(worn, head)
    return []


@lru_cache(maxsize=32)
def round_neck(worn: Covering) -> tuple[Patch, ...]:
    """Return collars and scarves, which stay with the torso, in the frame of the mean head."""
    if worn.kind == "scarf":
        top = 138.0 - 92.0 * worn.reach * (worn.reach > 0.45) - 20 * worn.reach
        return (_tube_round(worn, top, 200.0, 62.0, bulge=24.0, open_front=0.0),)
    if worn.kind == "collar":
        slit = 0.5 - 0.4 * worn.reach
        return (_tube_round(worn, 142.0 - 45 * worn.reach, 205.0, 68.0, bulge=8.0, open_front=slit),)
    if worn.kind == "hood":
        return (_tube_round(worn, 140.0, 212.0, 72.0, bulge=20.0, open_front=0.35),)
    return ()


def _folds(worn: Covering, shape: tuple[int, int]) -> Array:
    coarse = seeds.rng(worn.seed, "folds").normal(size=(5, 9))
    rows, columns = np.linspace(0, 4, shape[0]), np.linspace(0, 8, shape[1])
    low = np.stack([np.interp(columns, np.arange(9), line) for line in coarse])
    return np.stack([np.interp(rows, np.arange(5), low[:, i]) for i in range(shape[1])], axis=1)


def _offset(head: NDArray[np.float32], thickness: Array) -> Array:
    outward = normals(head, -1.0, ring=True).astype(np.float64)
    outward[0] = (0, -1, 0)
    points = head + thickness[..., None] * outward
    points[0] = points[1].mean(0)
    return points


def _shell(
    worn: Covering, head: NDArray[np.float32], line: tuple[float, ...], thick: float, tall: float | None = None
) -> Patch:
    """Return a close layer above `line` (heights at the front, temple, ear and back), `tall` mm high at most."""
    mean = mean_head()
    height = mean.points[..., 1]
    edge = np.interp(np.abs(mean.column), (0, 3, 5, 7), line) - 10 * (worn.reach - 0.3)
    inside = np.clip(edge[None, :] - height, -20, 20)
    if tall is not None:
        inside = np.minimum(inside, np.clip(height - edge[None, :] + tall, -20, 20))
    thickness = 15 + thick * worn.size + 1.2 * _folds(worn, height.shape)
    return _worn(Part.WORN, _offset(head, thickness), inside)


def _peak(worn: Covering, head: NDArray[np.float32]) -> Patch:
    """Return the peak of a cap: a curved sheet that starts above the brows and leads forward."""
    across, along = np.meshgrid(np.linspace(-1, 1, 21), np.linspace(0, 1, 9))
    front = head[:, head.shape[1] // 2]
    row = int(np.argmin(np.abs(front[:, 1] - (-52.0 - 10 * (worn.reach - 0.3)))))
    middle = front[row].astype(float)
    wide = 70 + 4 * worn.size
    x = wide * across * (1 - 0.12 * along**2)
    long = (62 * worn.size) * np.sqrt(np.clip(1 - (0.85 * across) ** 2, 0, 1))
    z = middle[2] + 48 * across**2 - 12 - along * long
    y = middle[1] + 16 * across**2 + along * (16 + 20 * worn.reach)
    return _worn(Part.WORN, np.stack([x, y, z], axis=-1), np.full(x.shape, 20.0))


def _hood(worn: Covering, head: NDArray[np.float32]) -> Patch:
    """Return a hood: the head's skin pushed out and draped to the shoulders, open before the face."""
    mean = mean_head()
    height, around = mean.points[..., 1], np.abs(mean.column)[None, :]
    drape = np.interp(height, (-110, -40, 20, 90, 140, 200), (24, 26, 22, 34, 46, 60))
    thickness = drape * worn.size + 4.0 * _folds(worn, height.shape)
    # The opening: from the forehead to the throat, as far aside as the temples or as the brows' ends.
    half = np.interp(height, (-90, -60, -20, 60, 130, 190), (0, 1.9, 3.4, 3.9, 2.6, 0.6)) - 0.9 * worn.reach
    inside = 16 * (around - half)
    inside = np.where(height < -62 + 40 * worn.reach, 20.0, inside)
    points = _offset(head, thickness)
    points[..., 2] -= 14 * worn.reach * np.clip((4.5 - around) / 2, 0, 1)
    return _worn(Part.WORN, points, np.clip(inside, -20, 20))


def _headphones(worn: Covering, head: NDArray[np.float32]) -> list[Patch]:
    """Return a band over the crown and a cup on each ear."""
    wide = float(np.abs(head[..., 0]).max())
    top = float(head[..., 1].min())
    angle = np.linspace(-0.5 * np.pi, 0.5 * np.pi, 19)
    line = np.stack([(wide + 12) * np.sin(angle), 20 + (top - 32) * np.cos(angle), 0 * angle + 98], axis=-1)
    ring = np.linspace(0, 2 * np.pi, 9)
    band = line[:, None] + np.stack([0 * ring + 0.0, 5 * np.cos(ring), 14 * np.sin(ring)], axis=-1)[None]
    pieces = [_worn(Part.WORN, band, np.full(band.shape[:2], 20.0))]
    polar, turn = np.linspace(0, np.pi, 11)[:, None], np.linspace(0, 2 * np.pi, 17)[None]
    for side in (-1, 1):
        x = side * (wide + 14) + 15 * np.cos(polar) + 0 * turn
        y = 22 + 40 * worn.size * np.sin(polar) * np.cos(turn)
        z = 98 + 34 * worn.size * np.sin(polar) * np.sin(turn)
        cup = np.stack([x, y, z], axis=-1)
        pieces.append(_worn(Part.WORN, cup, np.full(cup.shape[:2], 20.0)))
    return pieces


def _tube_round(
    worn: Covering, top: float, bottom: float, radius: float, bulge: float, open_front: float
) -> Patch:
    """Return cloth round the neck from height `top` to `bottom` (mm), with folds and perhaps an open front."""
    angle = np.linspace(-np.pi, np.pi, 49)  # 0 is the front
    fall = np.linspace(0, 1, 15)[:, None]
    folds = _folds(worn, (15, 49))
    folds[:, -1] = folds[:, 0]
    out = radius * worn.size**0.4 * (0.92 + 0.35 * fall**2) + bulge * np.sin(np.pi * fall) + 3.0 * folds
    rise = np.clip((130 - top) / 90, 0, 1)  # what reaches the face must pass before it
    front = np.cos(angle) > 0
    forward = 1 + (0.30 + 0.30 * rise * (1 - fall)) * np.clip(np.cos(angle), 0, 1) * np.where(front, 1.0, 0.0)
    x = out * np.sin(angle) * 1.06
    z = 98 - out * np.cos(angle) * forward
    y = top + (bottom - top) * fall + 14 * (1 - np.cos(angle)) * 0.2 + 3.0 * folds * (fall < 0.1)
    keep = np.where(open_front > 0, 30 * (np.abs(angle) - open_front * (1 - 0.6 * fall)), 20.0) + 0 * out
    return _worn(Part.WORN, np.stack(np.broadcast_arrays(x, y, z), axis=-1), np.clip(keep, -20, 20))


def _worn(part: Part, points: Array, keep: Array) -> Patch:
    """Return a surface of cloth whose material coordinates are some millimetres across and down."""
    surface = patch(part, np.asarray(points), outward=-1.0)
    scale = np.array([np.ptp(points[..., 0]), np.ptp(points[..., 1])], np.float32)
    one = surface.keep
    return Patch(part, surface.points, surface.material * scale, keep.astype(np.float32), one * 0, -1.0)
