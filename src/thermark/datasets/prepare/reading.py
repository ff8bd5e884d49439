"""One frame from disk to the crops of its faces: what a worker process does."""

from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from thermark.core import files, geometry
from thermark.core.config import Section
from thermark.core.errors import DataError
from thermark.core.point_errors import median_of_finite
from thermark.core.radiometry import render
from thermark.datasets.checks import near


class CropConfig(Section):
    """How large a crop is (`size` px) and how much it shows (`padding` times the prompt box), and how it is kept.

    `shard`: frames whose crops share a file; no number depends on it. `part`: `i/n`, to make only every n-th
    shard, beginning with the i-th, and no face set: for machines that share the work (see prepare.sharding).
    """

    size: int = Field(default=192, gt=0)
    padding: float = Field(default=1.75, ge=1)
    shard: int = Field(default=4096, gt=0)
    part: str | None = None


@dataclass(frozen=True)
class ReadJob:
    """A frame's file, and the `prompts` and `boxes` (n, 4) of its faces."""

    path: Path
    prompts: NDArray[np.float32]
    boxes: NDArray[np.float32]


@dataclass(frozen=True)
class Read:
    """What reading one frame gave, or in `error` why it could not be read.

    `size` (width, height); `digest` sha256 of the file; `pixels` (n, S, S[, 3]) uint8 and `to_source` (n, 2, 3),
    one row a face of the frame; `medians` (n,) deg C in each labelled box, NaN for pictures; `look`, the
    perceptual hash of the whole frame as toned; `constant`, one grey level only; `finite`, no NaN or infinite
    pixel.
    """

    pixels: NDArray[np.uint8]
    to_source: NDArray[np.float64]
    medians: NDArray[np.float64]
    size: tuple[int, int] = (0, 0)
    digest: str = ""
    look: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(near.WORDS, np.uint64))
    constant: bool = False
    finite: bool = True
    error: str = ""


def read(job: ReadJob, dataset: str, config: Any, crop: CropConfig) -> Read:
    """Read one frame with `dataset`, a module's name (modules do not travel between processes), and cut its faces.

    A face without a prompt gets a black crop and a NaN map. An unreadable frame has an error and no rows.
    """
    module = import_module(dataset)
    blank = _blank(crop.size, module.MODALITY)
    try:
        image = module.read(job.path, config)
        digest = files.sha256(job.path)
    except DataError as error:
        none = np.zeros(0)
        return Read(np.stack([blank])[:0], none.reshape(0, 2, 3), none, error=error.cause)
    grey = render(image, config.tone) if image.dtype.kind == "f" else image
    to_source = (
        np.stack([_map(prompt, crop) for prompt in job.prompts]) if len(job.prompts) else np.zeros((0, 2, 3))
    )
    crops = [geometry.warp(grey, map_, crop.size) if np.isfinite(map_).all() else blank for map_ in to_source]
    return Read(
        pixels=np.stack([blank, *crops])[1:],
        to_source=to_source,
        medians=np.array([_median(image, box) for box in job.boxes], np.float64),
        size=(image.shape[1], image.shape[0]),
        digest=digest,
        look=near.perceptual(grey),
        constant=bool((grey == grey.flat[0]).all()),
        finite=bool(np.isfinite(image).all()),
    )


def _blank(size: int, modality: str) -> NDArray[np.uint8]:
    return np.zeros((size, size, 3) if modality == "rgb" else (size, size), np.uint8)


def _map(prompt: NDArray[np.float32], crop: CropConfig) -> NDArray[np.float64]:
    """Return the (2, 3) map from crop to source, NaN for a prompt that is absent or has no area."""
    if not (np.isfinite(prompt).all() and (prompt[2:] > prompt[:2]).any()):
        return np.full((2, 3), np.nan)
    return geometry.crop_to_source(prompt, crop.size, crop.padding)


def _median(image: NDArray[Any], box: NDArray[np.float32]) -> float:
    """Return the median temperature inside a box, NaN for a picture or a box outside of the frame."""
    if image.dtype.kind != "f" or not np.isfinite(box).all():
        return np.nan
    # The end is one beyond the last pixel before it is clipped: a box left of or above the frame stays empty.
    x1, y1, x2, y2 = np.clip(np.rint(box) + np.array([0, 0, 1, 1], np.float64), 0, 2**31).astype(int)
    return median_of_finite(image[y1:y2, x1:x2])
