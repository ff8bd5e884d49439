"""Crops out of frames: the posts' stretched ones, or squares around a prompt; each frame is read once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from thermark.core import geometry
from thermark.core.errors import DataError
from thermark.core.radiometry import render
from thermark.fewshot import posts

Geometry = Literal["posts", "square"]
Pixels = NDArray[np.uint8]
Maps = NDArray[np.float64]


@dataclass(frozen=True)
class CutJob:
    """One frame of `size` (width, height) and the boxes (n, 4) to cut out of it, crops number `places` (n,).

    `crops`: in place of boxes, the crops of part 2, which float32 boxes do not determine exactly.
    """

    path: Path
    size: tuple[int, int]
    places: NDArray[np.int64]
    boxes: NDArray[np.float32]
    crops: tuple[posts.Crop, ...] = ()


@dataclass(frozen=True)
class Cutting:
    """What else `cut` needs to know."""

    geometry: Geometry
    side: int
    padding: float


def cut(
    image: Pixels, box: NDArray[np.floating], kind: Geometry, side: int, padding: float
) -> tuple[Pixels, Maps] | None:
    """Return the crop (side, side[, 3]) of a frame (H, W[, 3]) around a box (4,), and its map (2, 3) to the frame.

    None where the box is NaN, has no area, or leaves nothing of the frame.
    """
    size = (image.shape[1], image.shape[0])
    if not shows(box, size, padding):
        return None
    if kind == "square":
        to_frame = geometry.crop_to_source(box, side, padding)
        return geometry.warp(image, to_frame, side), to_frame
    crop = posts.crop(box, size)
    return None if crop is None else stretched(image, crop, side)


def stretched(image: Pixels, crop: posts.Crop, side: int) -> tuple[Pixels, Maps]:
    """Return a crop of part 2 as (side, side[, 3]) of a frame (H, W[, 3]), and its map (2, 3) to the frame."""
    x0, y0, x1, y1 = crop.box
    pixels: Pixels = cv2.resize(image[y0:y1, x0:x1], (side, side), interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    step = posts.SIDE / side / np.array([crop.sx, crop.sy])
    return pixels, np.column_stack([np.diag(step), step / 2 + crop.box[:2] - posts.OUTLINE])


def shows(box: NDArray[np.floating], size: tuple[int, int], padding: float) -> bool:
    """Return whether a square of `padding` longer sides of a box (4,) holds any of a frame (width, height)."""
    if not (np.isfinite(box).all() and (box[2:] > box[:2]).any()):
        return False
    near, far = np.asarray(box, np.float64).reshape(2, 2)
    centre, half = (near + far) / 2, padding * (far - near).max() / 2
    return bool((centre + half > -0.5).all() and (centre - half < np.array(size) - 0.5).all())


def crops_of(job: CutJob, loader: str, settings: Any, how: Cutting) -> tuple[Pixels, Maps]:
    """Return the crops (n, side, side[, 3]) of a frame and their maps (n, 2, 3).

    `loader` is the name of a data set's module, as modules do not travel between processes. Raises DataError for a
    frame of another size and for a box without a crop.
    """
    name, size = job.path.name, job.size
    image = import_module(loader).read(job.path, settings)
    if image.shape[1::-1] != size:
        raise DataError(
            f"{name} measures {image.shape[1]} x {image.shape[0]} px, {size[0]} x {size[1]} as prepared",
            "its pixels are not those of the labels: take the source of the face set",
        )
    picture = render(image, settings.tone) if image.dtype.kind == "f" else image
    if how.geometry == "posts":
        whole = [stretched(picture, crop, how.side) for crop in job.crops]
        return np.stack([pixels for pixels, _ in whole]), np.stack([to_frame for _, to_frame in whole])
    crops = []
    for box in job.boxes:
        crop = cut(picture, box, how.geometry, how.side, how.padding)
        if crop is None:
            raise DataError(f"{name} has no crop around {box.tolist()}", "run `dvc repro` to prepare it again")
        crops.append(crop)
    return np.stack([pixels for pixels, _ in crops]), np.stack([to_frame for _, to_frame in crops])


def written(
    path: Path, count: int, jobs: Sequence[CutJob], done: Iterable[tuple[Pixels, Maps]]
) -> tuple[Pixels, Maps]:
    """Put the crops of all jobs in their places in an array on disk; return it, memory-mapped, and all maps.

    Raises DataError when some frames are grey and others in colour.
    """
    pixels: np.memmap[Any, np.dtype[np.uint8]] | None = None
    to_frame = np.empty((count, 2, 3))
    for job, (crops, maps) in zip(jobs, done, strict=True):
        if pixels is None:
            pixels = np.lib.format.open_memmap(path, "w+", np.dtype(np.uint8), (count, *crops.shape[1:]))
        if crops.shape[1:] != pixels.shape[1:]:
            raise DataError(f"of the frames up to {job.path.name} some are grey, others are not", "convert them")
        pixels[job.places], to_frame[job.places] = crops, maps
    assert pixels is not None, "every part has a crop"
    pixels.flush()
    return pixels, to_frame
