"""Maps painted on the mean face in its own millimetres: classes, colour features and temperature features."""

from enum import IntEnum
from functools import cache
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from thermark.core import seeds
from thermark.synth.render import curves

Array = NDArray[np.floating]

LEFT, TOP, PITCH = -82.0, -116.0, 0.25  # mm: where the maps begin and how large a texel is
_WIDTH, _HEIGHT = 657, 1000


class PixelClass(IntEnum):
    """FaceSynthetics segmentation classes; right and left are the subject's."""

    BACKGROUND = 0
    SKIN = 1
    NOSE = 2
    RIGHT_EYE = 3
    LEFT_EYE = 4
    RIGHT_BROW = 5
    LEFT_BROW = 6
    RIGHT_EAR = 7
    LEFT_EAR = 8
    MOUTH_INTERIOR = 9
    TOP_LIP = 10
    BOTTOM_LIP = 11
    NECK = 12
    HAIR = 13
    BEARD = 14
    CLOTHING = 15
    GLASSES = 16
    HEADWEAR = 17
    FACEWEAR = 18


class Region(IntEnum):
    """Body regions that ThermEval-D annotates."""

    NONE = 0
    CHEST = 1
    FOREHEAD = 2
    NOSE = 3


def _grid() -> tuple[Array, Array]:
    return np.meshgrid(LEFT + PITCH * np.arange(_WIDTH), TOP + PITCH * np.arange(_HEIGHT))


@cache
def classes() -> NDArray[np.uint8]:
    """Return the class map of a face without beard."""
    x, y = _grid()
    side = np.abs(x)
    out = np.full(x.shape, PixelClass.SKIN, np.uint8)
    nose = side < np.interp(y, (2, 10, 30, 42, 50, 57, 58), (6, 8, 12, 18.5, 19.5, 15, 0))
    out[nose & (y > 4) & (y < 58)] = PixelClass.NOSE
    in_brow = brow_density() > 0.45
    out[in_brow] = np.where(x < 0, PixelClass.RIGHT_BROW, PixelClass.LEFT_BROW)[in_brow]
    mouth = side < 26.6
    out[mouth & (y > curves.upper_lip(x)) & (y < 79.4)] = PixelClass.TOP_LIP
    out[mouth & (y < curves.lower_lip(x)) & (y >= 79.4)] = PixelClass.BOTTOM_LIP
    return out


@cache
def regions() -> NDArray[np.uint8]:
    """Return the region map: forehead and lower nose."""
    x, y = _grid()
    out = np.zeros(x.shape, np.uint8)
    out[(np.abs(x) < 48 - 0.004 * (y + 40) ** 2) & (y > -64) & (y < -20)] = Region.FOREHEAD
    # The lower nose, where breath is seen: published nose boxes are centred little above the nostrils.
    out[(classes() == PixelClass.NOSE) & (y > 30)] = Region.NOSE
    return out


@cache
def brow_density() -> NDArray[np.float32]:
    """Return how densely hair grows in the brows, 0..1."""
    x, y = _grid()
    thick = curves.brow_thickness(x)
    offset = (y - curves.brow(x)) / np.maximum(thick, 0.3)
    density = np.where(thick > 0, np.clip(1.25 - np.abs(offset) ** 2, 0, 1), 0) * np.clip(thick / 2.5, 0, 1)
    soft: NDArray[np.float32] = gaussian_filter(density, (1.5, 3)).astype(np.float32)
    return soft


@cache
def beard_density() -> NDArray[np.float32]:
    """Return how densely a full beard grows, 0..1: moustache, chin, jaw up to the sideburns."""
    x, y = _grid()
    side = np.abs(x)
    line = np.interp(side, (0, 20, 36, 50, 59, 65, 72, 82), (97, 87, 82, 72, 54, 32, 20, 18))
    jaw = np.clip((y - line) / 6, 0, 1)
    upper = (side < 32) * np.clip((y - 60.5 - 0.008 * side**2) / 3, 0, 1) * (y < 80)
    lips = (side < 27.5) & (y > curves.upper_lip(x) - 0.6) & (y < curves.lower_lip(x) + 1.5)
    round_mouth = np.clip((side - 25) / 4, 0, 1) * (y > 66) * (side < 40)
    density = np.clip(np.maximum(np.maximum(jaw, upper), round_mouth * np.clip((y - 64) / 6, 0, 1)), 0, 1)
    soft = gaussian_filter(density * np.clip((150 - y) / 15, 0, 1), 7)
    return np.where(lips, 0, soft).astype(np.float32)


@cache
def colour_features() -> NDArray[np.float32]:
    """Return (H, W, 4) of 0..1: lips, redness, darkness (nostrils, lashes, creases), ambient occlusion."""
    x, y = _grid()
    side = np.abs(x)
    lips = ((side < 26.5) & (y > curves.upper_lip(x)) & (y < curves.lower_lip(x))).astype(float)
    lips = gaussian_filter(lips, 2.5)
    red = 0.8 * curves.bump(side, y, (42, 42), (18, 14)) + 0.9 * curves.bump(side, y, (0, 44), (12, 10))
    red += 0.5 * curves.bump(side, y, (30, 13), (12, 4)) + 0.4 * curves.bump(side, y, (0, 108), (14, 10))
    nostril = np.exp(-((((side - 7.8) / 3.3) ** 2 + ((y - 54.3 + 0.12 * (side - 8)) / 1.9) ** 2) ** 2))
    eye = (side > curves.EYE_INNER - 1) & (side < curves.EYE_OUTER + 2)
    # Stubs take a truth value times what they do not know for a truth value.
    upper = cast(Array, eye * np.exp(-(((y - curves.upper_lid(x) + 0.5) / 0.75) ** 2)))
    lash = upper * np.clip((side - 19) / 8, 0, 1)
    lash += 0.35 * eye * np.exp(-(((y - curves.lower_lid(x) - 0.3) / 0.6) ** 2))
    crease = 0.40 * eye * np.exp(-(((y - curves.upper_lid(x) + 4.6) / 0.8) ** 2))
    seam = 0.5 * (side < 27) * np.exp(-(((y - curves.upper_inner_lip(x)) / 0.9) ** 2))
    seam += 0.5 * (side < 27) * np.exp(-(((y - curves.lower_inner_lip(x)) / 0.7) ** 2))
    fold = (
        0.16
        * np.exp(-(((side - np.interp(y, (50, 80, 90), (21, 31, 33))) / 1.6) ** 2))
        * curves.bump(y, y, (68, 68), (14, 99))
    )
    dark = np.clip(nostril + 0.75 * lash + crease + seam + fold, 0, 1)
    occluded = 0.55 * curves.bump(side, y, (18.5, 4), (7, 9)) + 0.30 * curves.bump(side, y, (33, 0), (17, 8))
    occluded += 0.55 * curves.bump(side, y, (8, 58), (13, 4)) + 0.35 * curves.bump(side, y, (20.5, 48), (2.5, 8))
    occluded += 0.35 * curves.bump(side, y, (0, 93.5), (17, 3.5)) + 0.3 * curves.bump(side, y, (32, 70), (4, 14))
    return np.stack([lips, red, dark, np.clip(occluded, 0, 0.85)], axis=-1).astype(np.float32)


@cache
def heat_features() -> NDArray[np.float32]:
    """Return (H, W, 4): how warm (inner eye, mouth), cool (nose, cheeks), nostril and hairy a texel is."""
    x, y = _grid()
    side = np.abs(x)
    warm = 1.0 * curves.bump(side, y, (19.5, 7.5), (4.5, 5)) + 0.30 * curves.bump(side, y, (33, 6), (14, 8))
    warm += 0.35 * curves.bump(side, y, (0, -40), (42, 24)) + 0.25 * curves.bump(side, y, (60, -8), (9, 16))
    warm += 0.30 * curves.bump(side, y, (0, 79), (24, 8)) + 0.2 * curves.bump(side, y, (21, 60), (5, 16))
    cool = 1.0 * curves.bump(side, y, (0, 42), (15, 13)) + 0.55 * curves.bump(side, y, (44, 40), (17, 18))
    cool += 0.30 * curves.bump(side, y, (0, 108), (18, 12)) + 0.25 * curves.bump(side, y, (10, 48), (12, 8))
    nostril = np.exp(-((((side - 7.8) / 4.0) ** 2 + ((y - 54.6) / 2.6) ** 2) ** 1.5))
    return np.stack([warm, cool, nostril, brow_density()], axis=-1).astype(np.float32)


def mottle(seed: int) -> NDArray[np.float32]:
    """Return (512, 512, 2) standard noise: blotches and pores, tiling, one of four variants."""
    return _mottle(seed % 4)


@cache
def _mottle(variant: int) -> NDArray[np.float32]:
    generator = seeds.rng(variant, "mottle")
    raw = generator.normal(size=(512, 512, 2))
    blotch = gaussian_filter(raw[..., 0], 14, mode="wrap")
    pores = gaussian_filter(raw[..., 1], 1.2, mode="wrap")
    return np.stack([blotch / blotch.std(), pores / pores.std()], axis=-1).astype(np.float32)


def texels(material: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the map coordinates (N, 1) of material coordinates (N, 2) mm."""
    u = (material[:, :1] - np.float32(LEFT)) / np.float32(PITCH)
    v = (material[:, 1:2] - np.float32(TOP)) / np.float32(PITCH)
    return np.ascontiguousarray(u), np.ascontiguousarray(v)


def look_up(
    texture: NDArray[Any], material: NDArray[np.float32], nearest: bool = False, wrap: bool = False
) -> NDArray[Any]:
    """Return the texture's values (N[, C]) at material (N, 2) mm; 0 outside unless it tiles (`wrap`)."""
    u, v = texels(material)
    if wrap:
        u, v = np.mod(u, texture.shape[1] - 1), np.mod(v, texture.shape[0] - 1)
    return sample(texture, u, v, cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR, cv2.BORDER_CONSTANT)


def sample(texture: NDArray[Any], u: NDArray[Any], v: NDArray[Any], mode: int, border: int) -> NDArray[Any]:
    """Return the texture's values (N[, C]) at `u`, `v` (N,) float32 texels, by OpenCV's `mode` and `border`."""
    out = []
    for start in range(0, len(u), 32000):  # remap takes no image side beyond 32767
        part = slice(start, start + 32000)
        out.append(cv2.remap(texture, u[part], v[part], mode, borderMode=border)[:, 0])
    return np.concatenate(out) if out else np.zeros((0, *texture.shape[2:]), texture.dtype)
