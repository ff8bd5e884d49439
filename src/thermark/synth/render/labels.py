"""Part, segmentation class and body region of each visible piece of surface."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.synth.render import paint
from thermark.synth.render.paint import PixelClass, Region
from thermark.synth.render.patch import Part
from thermark.synth.render.person import Person
from thermark.synth.render.torso import LIMBS

Material = NDArray[np.float32]


def split(
    part: Part, person: Person, material: Material, inner: NDArray[np.bool_]
) -> list[tuple[Part, NDArray[np.intp]]]:
    """Return (part, rows) of one surface's fragments (N,).

    Clothing is bare skin above the neckline and beyond the sleeves; the face's skin from behind is the mouth.
    """
    if part == Part.SKIN and inner.any():
        return [(Part.SKIN, np.flatnonzero(~inner)), (Part.MOUTH, np.flatnonzero(inner))]
    if part == Part.CLOTHING:
        side, down = np.abs(material[:, 0]), material[:, 1]
        collar = 208 + 50 * person.neckline - (0.18 - 0.1 * person.neckline) * side
        sleeve = 430 if person.neckline > 0.5 else 700
        bare = np.where(side > LIMBS, down > sleeve, (down < collar) & (side < 105))
        return [(Part.CLOTHING, np.flatnonzero(~bare)), (Part.BARE, np.flatnonzero(bare))]
    return [(part, np.arange(len(material)))]


def classify(
    part: Part, label: int, person: Person, material: Material, tint: NDArray[np.float32]
) -> tuple[NDArray[Any] | int, NDArray[Any] | int]:
    """Return the segmentation classes and region codes (N,), or one for all, of fragments of one part.

    `label` is the surface's own class, `row` (N,) the tint, which on skin is the row of the head's control
    net.
    """
    if part in (Part.CLOTHING, Part.BARE):
        x, y = material.T
        chest = (np.abs(x) < 122) & (y > 252) & (y < 430) & (tint < 0.5)
        classes = np.where(np.abs(x) > LIMBS, PixelClass.SKIN, PixelClass.NECK) if part == Part.BARE else label
        return classes, np.where(chest, Region.CHEST, Region.NONE)
    if part == Part.MOUTH:
        return PixelClass.MOUTH_INTERIOR, Region.NONE
    if part != Part.SKIN:
        return label, Region.NONE
    classes = paint.look_up(paint.classes(), material, nearest=True)
    classes[classes == PixelClass.BACKGROUND] = PixelClass.SKIN
    if person.beard:
        density = paint.look_up(paint.beard_density(), material)
        classes[(density * person.beard > 0.45) & (classes == PixelClass.SKIN)] = PixelClass.BEARD
    classes[(tint > 11.3) & (classes != PixelClass.BEARD)] = PixelClass.NECK
    return classes, paint.look_up(paint.regions(), material, nearest=True)
