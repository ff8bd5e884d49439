"""Whole frames as networks see them, packed into one memory-mapped file; they may differ in size."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thermark.core import files
from thermark.core.errors import DataError

INVERT = "invert"  # the setting of a variant in which warm is dark
BASE = "base"  # frames as they were prepared; every other name is a variant


@dataclass(frozen=True)
class PackedImages:
    """Frames of one data set under one tone mapping.

    `ids` (N,) str; `sizes` (N, 2) int64, (width, height) px; `channels` 1 (grey) or 3 (RGB); `starts` (N,)
    int64, where a frame begins in `pixels`, a flat uint8 memory map.
    """

    ids: NDArray[np.str_]
    sizes: NDArray[np.int64]
    channels: int
    starts: NDArray[np.int64]
    pixels: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.ids)

    def image(self, row: int) -> NDArray[np.uint8]:
        """Return a frame as RGB (H, W, 3) uint8, grey repeated."""
        width, height = map(int, self.sizes[row])
        start = int(self.starts[row])
        flat = self.pixels[start : start + width * height * self.channels]
        image = np.asarray(flat).reshape(height, width, self.channels)
        return np.repeat(image, 3, axis=2) if self.channels == 1 else np.ascontiguousarray(image)


def write(folder: Path, ids: NDArray[np.str_], images: Iterable[NDArray[np.uint8]]) -> None:
    """Stream images, all (H, W) grey or all (H, W, 3) RGB, into the existing `folder`, in the order of `ids`.

    Raises DataError when grey and colour are mixed, or when there are more or fewer images than ids.
    """
    sizes: list[tuple[int, int]] = []
    channels: set[int] = set()
    with (folder / "pixels.bin").open("wb") as file:
        for image in images:
            channels.add(1 if image.ndim == 2 else image.shape[2])
            sizes.append((image.shape[1], image.shape[0]))
            file.write(np.ascontiguousarray(image).tobytes())
    if len(channels) > 1 or len(sizes) != len(ids):
        raise DataError(f"{folder.name}: {len(sizes)} pictures with {channels} channels", "run `dvc repro` again")
    kind = np.array(max(channels, default=1))
    table = {"ids": ids, "sizes": np.array(sizes, np.int64).reshape(-1, 2), "channels": kind}
    files.write_arrays(folder / "pictures.npz", table)


def read(folder: Path) -> PackedImages:
    """Open what `write` wrote; raises DataError when it is absent or its parts disagree."""
    try:
        stored = files.read_arrays(folder / "pictures.npz")
        sizes, channels = stored["sizes"], int(stored["channels"])
        counts = sizes.prod(axis=1) * channels
        pixels = np.memmap(folder / "pixels.bin", np.uint8, "r") if counts.sum() else np.zeros(0, np.uint8)
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"the frames in {folder} are missing or damaged", "run `dvc repro`") from error
    if len(pixels) != counts.sum():
        raise DataError(f"the frames in {folder} are cut off", "run `dvc repro`")
    return PackedImages(stored["ids"], sizes, channels, np.cumsum(counts) - counts, pixels)
