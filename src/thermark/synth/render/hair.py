"""Hair and caps: the scalp pushed outwards, cut at a hairline; and a curtain for long hair."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from thermark.core import seeds
from thermark.synth.render.head import mean_head
from thermark.synth.render.patch import Part, Patch, normals
from thermark.synth.render.person import Person

Array = NDArray[np.floating]

# style -> (thickness on top, at the sides, roughness), mm
_CUTS = {
    "buzz": (2.5, 2.0, 0.2),
    "short": (13.0, 5.5, 1.2),
    "fringe": (15.0, 8.0, 1.5),
    "curly": (27.0, 20.0, 4.5),
    "long": (13.0, 11.0, 1.0),
    "long_fringe": (14.0, 12.0, 1.0),
    "beanie": (9.0, 7.0, 0.4),
}
_AROUND = (0.0, 1.2, 2.2, 2.9, 3.35, 3.8, 4.2, 4.45, 4.65, 5.3, 5.6, 6.1, 7.0)
_HAIRLINE = (-66.0, -67.0, -62.0, -52.0, -32.0, -12.0, 18.0, 20.0, -10.0, -14.0, 20.0, 85.0, 100.0)
_ROWS = 150  # the hair never reaches below the nape


@cache
def _noise(seed: int, rows: int, columns: int, along: float, across: float) -> NDArray[np.float64]:
    raw = seeds.rng(seed, "hair").normal(size=(rows, columns))
    smooth = gaussian_filter(raw, (along, across), mode=("nearest", "wrap"))
    noise: NDArray[np.float64] = smooth / smooth.std()
    return noise


def cap(person: Person, head: NDArray[np.float32]) -> list[Patch]:
    """Return the hair or hat (none for `bald`) on a person's head grid (R, C, 3), in the frame of that head."""
    if person.hair == "bald":
        return []
    mean = mean_head()
    head = head[:_ROWS]
    top, side, rough = _CUTS[person.hair]
    line = _hairline(person)
    height = mean.points[:_ROWS, :, 1]
    inside = line[None, :] - height  # mm above the hairline
    rows, columns = height.shape
    strands = _noise(person.seed % 97, rows, columns, 6.0, 1.0)
    lumps = _noise(person.seed % 89, rows, columns, 5.0, 4.0)
    crown = np.clip((-30 - height) / 50, 0, 1)
    thickness = side + (top - side) * crown + rough * (0.7 * lumps + 0.3 * strands)
    thickness *= np.clip(inside / 14 + 0.25, 0.12, 1) if person.hair != "beanie" else 1
    outward = normals(head, -1.0, ring=True)
    outward[0] = (0, -1, 0)
    points = head + thickness[..., None].astype(np.float32) * outward
    points[0] = points[1].mean(0)  # close the pole
    jagged = 0 if person.hair == "beanie" else 1.6 * strands + 2.0 * lumps
    keep = np.clip(inside + jagged, -20, 20)
    keep[0:2] = 20
    part = Part.HAT if person.hair == "beanie" else Part.HAIR
    material = np.stack([np.broadcast_to(mean.column, height.shape), height / 10], axis=-1)
    shade = 0.5 + 0.5 * np.clip(inside / 25, 0, 1)
    caps = [_patch(part, points, material, keep, shade)]
    return caps + ([_curtain(person, head)] if person.hair.startswith("long") else [])


def _hairline(person: Person) -> Array:
    """Return the height (C,) mm of the hairline around the head."""
    around = np.abs(mean_head().column)
    line = np.interp(around, _AROUND, _HAIRLINE)
    if person.hair == "beanie":
        return np.interp(around, (0, 3, 5, 7), (-38, -34, -6, 10))
    recession = 6.0 * person.hairline * np.exp(-(((around - 2.3) / 1.1) ** 2))
    line = line - np.clip(recession, -6, 14)
    if "fringe" in person.hair:
        line = np.maximum(line, np.interp(around, (0, 2.2, 3.2, 3.6), (-26, -24, -20, -60)))
    if person.hair in ("curly", "long", "long_fringe"):
        line = np.where(around > 3.9, np.maximum(line, 24), line)
    return line


def _curtain(person: Person, head: NDArray[np.float32]) -> Patch:
    """Return long hair: a sheet that hangs from the temples around the back to the shoulders."""
    mean = mean_head()
    columns = np.flatnonzero(np.abs(mean.column) > 3.75)
    # The ring starts and ends at the back of the head, so the sheet runs temple - back - temple.
    half = len(columns) // 2
    order = np.concatenate([columns[half:], columns[:half]])
    around = np.abs(mean.column[order])
    start = int(np.argmin(np.abs(mean.points[:, 0, 1] + 25)))
    ring = head[start, order]
    outward = normals(head[start - 1 : start + 2], -1.0, ring=True)[1, order]
    fall = np.linspace(0, 1, 26)[:, None]
    length = 150 + 60 * (person.hairline % 1.0) + 12 * _noise(person.seed % 83, 1, len(order), 0.01, 2.0)
    flare = (
        12
        + 12 * np.sin(np.pi * np.clip(fall * 0.9, 0, 1))
        + 3 * fall * _noise(person.seed % 79, 26, len(order), 8, 1.0)
    )
    points = ring + flare[..., None] * outward
    points[..., 1] = ring[:, 1] + fall * length
    points[..., 0] *= 1 - 0.10 * fall * fall
    points[..., 2] -= 10 * fall * np.clip((5 - around) / 1.2, 0, 1)  # the front locks fall forward
    edge = 20 * (around - 3.85) + 4 * _noise(person.seed % 73, 26, len(order), 5, 1.0)
    material = np.stack(
        [np.broadcast_to(mean.column[order], edge.shape), ring[:, 1] / 10 + fall * length / 10], axis=-1
    )
    shade = 0.9 - 0.35 * fall + 0 * edge
    return _patch(Part.HAIR, points, material, edge, shade)


def _patch(part: Part, points: Array, material: Array, keep: Array, tint: Array) -> Patch:
    material, keep, tint = material.astype(np.float32), keep.astype(np.float32), tint.astype(np.float32)
    return Patch(part, points.astype(np.float32), material, keep, tint, -1.0)
