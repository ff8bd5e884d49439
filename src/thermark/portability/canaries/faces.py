"""A prepared face set for canaries: points that are drawn on noise, in whole numbers that need no arithmetic."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thermark.core import files, geometry, seeds
from thermark.core.faces import Faces

POINTS = 68
SIZE = 80  # px of a packed crop
PADDING = 1.75


def write(folder: Path, count: int) -> None:
    """Write a prepared face set in colour, every sixth face for validation."""
    drawn = seeds.rng(0, "canary", "faces")
    # Whole numbers: nothing that is drawn here depends on an arithmetic.
    xy = drawn.integers(100, 400, (count, POINTS, 2)).astype(np.float32) / 4
    ids = np.array([f"{index:03d}" for index in range(count)])
    boxes = geometry.bounding_box(xy)
    faces = Faces(
        ids=ids,
        frames=ids,
        subjects=ids,
        splits=np.where(np.arange(count) % 6 == 0, "val", "train"),
        vocabularies=np.full(count, "ibug68"),
        boxes=boxes,
        prompts=boxes,
        xy=xy,
        visible=np.ones((count, POINTS), np.bool_),
    )
    folder.mkdir(parents=True)
    faces.save(folder / "faces.npz")
    np.save(folder / "pixels-00000.npy", np.stack([picture(SIZE, index) for index in range(count)]))
    maps = np.stack([geometry.crop_to_source(box, SIZE, PADDING) for box in boxes])
    files.write_arrays(folder / "crops.npz", {"to_source": maps, "padding": np.array(PADDING)})


def picture(size: int, number: int) -> NDArray[np.uint8]:
    """Return an RGB picture (size, size, 3) uint8 of coarse and fine noise."""
    drawn = seeds.rng(0, "canary", "picture", number)
    coarse = drawn.integers(0, 200, (size // 8 + 1, size // 8 + 1, 3), np.uint8)
    blocks = coarse.repeat(8, axis=0).repeat(8, axis=1)[:size, :size]
    image: NDArray[np.uint8] = blocks + drawn.integers(0, 56, (size, size, 3), np.uint8)
    return image
