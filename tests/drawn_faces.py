"""A prepared face set drawn from ellipses and dots: enough to learn landmarks from, made in a second."""

from pathlib import Path

import cv2
import numpy as np

from thermark.core import files, geometry, seeds
from thermark.datasets.readers.loaded import build_faces

# What a run on such a set must say.
RUN = {
    "recipe": "supervised",
    "objective": "simcc",
    "train": "drawn",
    "labels": "ibug68",
    "vocabulary": "ibug68",
}


def canonical() -> np.ndarray:
    """Return 68 points (68, 2) in the iBUG order, face about 2 wide, x to the right, y down."""
    jaw = np.linspace(np.pi, 0, 17)
    eye = np.linspace(np.pi, -np.pi, 7)[:6]
    mouth, inner = np.linspace(np.pi, -np.pi, 13)[:12], np.linspace(np.pi, -np.pi, 9)[:8]
    arc = np.linspace(0.15, 0.75, 5)

    def oval(angles: np.ndarray, x: float, y: float, a: float, b: float) -> np.ndarray:
        return np.stack([x + a * np.cos(angles), y - b * np.sin(angles)], axis=1)

    return np.concatenate(
        [
            oval(-jaw, 0, 0, 1.0, 1.2),
            np.stack([-arc[::-1], -0.55 - 0.1 * np.sin(5 * arc)], axis=1),
            np.stack([arc, -0.55 - 0.1 * np.sin(5 * arc)], axis=1),
            np.stack([np.zeros(4), np.linspace(-0.3, 0.2, 4)], axis=1),
            np.stack([np.linspace(-0.2, 0.2, 5), np.full(5, 0.3)], axis=1),
            oval(eye, -0.45, -0.3, 0.2, 0.08),
            oval(eye, 0.45, -0.3, 0.2, 0.08),
            oval(mouth, 0, 0.65, 0.35, 0.15),
            oval(inner, 0, 0.65, 0.25, 0.06),
        ]
    )


def crop(rng: np.random.Generator, size: int, padding: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a grey crop (size, size) of a drawn face and its points (68, 2) in crop pixels."""
    shape = canonical() + rng.normal(0, 0.02, (68, 2))
    shape = shape @ np.diag(rng.uniform(0.85, 1.15, 2))
    turned = geometry.apply(geometry.rotation_about((0, 0), rng.uniform(-20, 20)), shape)
    box = geometry.bounding_box(turned)
    xy = geometry.apply(geometry.invert(geometry.crop_to_source(box, size, padding)), turned)
    image = np.full((size, size), int(rng.integers(20, 60)), np.uint8)
    skin = int(rng.integers(110, 170))
    cv2.fillPoly(image, [np.rint(np.concatenate([xy[:17], xy[26:16:-1]])).astype(np.int32)], skin)
    for start, end, level in ((36, 42, 220), (42, 48, 220), (48, 60, 200), (60, 68, 60)):
        cv2.fillPoly(image, [np.rint(xy[start:end]).astype(np.int32)], level)
    for start, end in ((17, 22), (22, 27), (27, 31), (31, 36)):
        cv2.polylines(image, [np.rint(xy[start:end]).astype(np.int32)], False, 60, max(size // 64, 1))
    noisy = image + rng.normal(0, 4, image.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8), xy


def placed(seed: int, index: int, size: int, padding: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a face of a seed: grey crop (size, size), map crop -> source (2, 3) and points there (68, 2)."""
    rng = seeds.rng(seed, "drawn", index)
    image, xy = crop(rng, size, padding)
    scale, offset = rng.uniform(0.5, 3), rng.uniform(0, 100, 2)
    to_source = np.array([[scale, 0, offset[0]], [0, scale, offset[1]]])
    return image, to_source, geometry.apply(to_source, xy)


def split(index: int) -> str:
    """Return the split of a face: one in five is val, one in ten test."""
    return "val" if index % 5 == 0 else "test" if index % 10 == 1 else "train"


def write(
    folder: Path, count: int, size: int = 96, padding: float = 1.75, seed: int = 0, colour: bool = False
) -> None:
    """Write a prepared face set of `count` drawn faces."""
    images, maps, points = zip(*(placed(seed, index, size, padding) for index in range(count)), strict=True)
    pixels = np.stack(images)
    ids = [f"{index:04d}" for index in range(count)]
    splits = [split(index) for index in range(count)]
    pixels = np.repeat(pixels[..., None], 3, axis=-1) if colour else pixels
    save(folder, ids, ids, splits, pixels, np.stack(maps), np.stack(points), padding)


def write_pairs(root: Path, count: int, size: int = 96, padding: float = 1.75, seed: int = 0) -> None:
    """Write the twins root/rgb and root/thermal, related as FaceSynthetics and T-FAKE are.

    Face 0007 is one tinted image in `rgb`, and in `thermal` 0007/warm and, with its contrast reversed, 0007/cold.
    """
    images, maps, points = zip(*(placed(seed, index, size, padding) for index in range(count)), strict=True)
    grey, to_source, xy = np.stack(images), np.stack(maps), np.stack(points)
    ids = [f"{index:04d}" for index in range(count)]
    splits = [split(index) for index in range(count)]
    rgb = np.rint(grey[..., None] * [1.0, 0.7, 0.5]).astype(np.uint8)
    save(root / "rgb", ids, ids, splits, rgb, to_source, xy, padding)
    both = [f"{name}/{ambient}" for ambient in ("warm", "cold") for name in ids]
    thermal = np.concatenate([grey, 255 - grey // 2])
    twice = (np.concatenate([each, each]) for each in (to_source, xy))
    save(root / "thermal", both, ids * 2, splits * 2, thermal, *twice, padding)


def save(
    folder: Path,
    ids: list[str],
    subjects: list[str],
    splits: list[str],
    pixels: np.ndarray,
    to_source: np.ndarray,
    xy: np.ndarray,
    padding: float,
) -> None:
    """Write a prepared face set: pixels (N, S, S[, 3]), maps (N, 2, 3) and points (N, 68, 2) in source pixels."""
    faces = build_faces(np.array(ids), np.array(subjects), np.array(splits), "ibug68", xy.astype(np.float32))
    folder.mkdir(parents=True)
    faces.save(folder / "faces.npz")
    np.save(folder / "pixels.npy", pixels)
    files.write_arrays(folder / "crops.npz", {"to_source": to_source, "padding": np.array(padding)})
