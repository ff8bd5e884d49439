"""Batches of augmented faces from prepared face sets, assembled ahead of the training step."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from thermark import landmarks
from thermark.core import files, geometry, seeds, shards
from thermark.core.errors import ConfigError, DataError
from thermark.core.faces import Crops, Faces, open_set, open_table
from thermark.core.geometry import Array
from thermark.core.shards import Shards
from thermark.train import augment, thermal
from thermark.train.augment import Augment, ViewGeometry

Key = TypeVar("Key")
Built = TypeVar("Built")


@dataclass(frozen=True)
class Samples:
    """Labelled faces of one split of one or several face sets, as a network would see them.

    `size`: pixels of its square input, which shows `padding` times the prompt; `crops`: the packed pixels of each
    set; `to_crop`: for each set, the (2, 3) map from network input to packed crop; `origins` (N, 2) int64: set and
    row of each sample; `xy` (N, K, 2) float64 in input pixels, 0 where unlabelled; `weight` (N, K) float32, 1
    where labelled; `flip` (K,) the permutation of points under a horizontal flip; `cropped`: (side, times the
    prompt) of the packed crops, None where sets differ.
    """

    size: int
    padding: float
    crops: tuple[Shards, ...]
    to_crop: tuple[Array, ...]
    origins: NDArray[np.int64]
    xy: NDArray[np.float64]
    weight: NDArray[np.float32]
    flip: NDArray[np.int64]
    cropped: tuple[int, float] | None = None

    def __len__(self) -> int:
        return len(self.origins)

    @property
    def colour(self) -> bool:
        """Whether any of the sets has three channels, so that batches have."""
        return any(pixels.ndim == 4 for pixels in self.crops)

    @property
    def modality(self) -> Literal["rgb", "thermal"]:
        """What the images are."""
        return "rgb" if self.colour else "thermal"


@dataclass(frozen=True)
class Batch:
    """`images` (B, S, S) or (B, S, S, 3) uint8; `xy` (B, K, 2) float32 input pixels; `weight` (B, K) float32."""

    images: NDArray[np.uint8]
    xy: NDArray[np.float32]
    weight: NDArray[np.float32]


def gather(root: Path, names: Sequence[str], split: str, vocabulary: str, size: int, padding: float) -> Samples:
    """Collect the prompted and labelled faces of `split` from the face sets `root/<name>`.

    Labels are translated into `vocabulary`; the network sees `padding` times the prompt at `size` pixels. Raises
    DataError for a set that is absent and for a split without faces, ConfigError for labels without a bridge.
    """
    crops, maps, origins, points, packs = [], [], [], [], set()
    for index, name in enumerate(names):
        faces, packed = open_set(root / name)
        to_crop = geometry.input_to_crop(size, padding, packed.pixels.shape[1], packed.padding)
        xy = translated(faces, vocabulary)
        rows = usable(faces, packed, xy, split)
        on_crop = geometry.apply(geometry.invert(packed.to_source[rows]), xy[rows])
        points.append(geometry.apply(geometry.invert(to_crop), on_crop))
        origins.append(np.stack([np.full_like(rows, index), rows], axis=1))
        crops.append(packed.pixels)
        packs.add((int(packed.pixels.shape[1]), float(packed.padding)))
        maps.append(to_crop)
    xy = np.concatenate(points)
    if not len(xy):
        raise DataError(
            f"no labelled {split} face of {', '.join(names)} can be read as {vocabulary}",
            "check the splits of the data sets, or train on others",
        )
    known = np.asarray(np.isfinite(xy).all(axis=-1), np.bool_)
    return Samples(
        size=size,
        padding=padding,
        crops=tuple(crops),
        to_crop=tuple(maps),
        origins=np.concatenate(origins),
        xy=np.where(known[..., None], xy, 0.0),
        weight=known.astype(np.float32),
        flip=landmarks.load(vocabulary).flip,
        cropped=packs.pop() if len(packs) == 1 else None,
    )


def usable(faces: Faces, packed: Crops, xy: Array, split: str) -> NDArray[np.int64]:
    """Return the prompted faces of `split` that have a label among `xy` (N, K, 2)."""
    prompted = (faces.splits == split) & np.isfinite(packed.to_source).all(axis=(1, 2))
    return np.flatnonzero(prompted & np.isfinite(xy).all(axis=-1).any(axis=-1))


def count(folder: Path, split: str, vocabulary: str) -> int:
    """Return how many faces of a face set `gather` would collect."""
    faces, packed = open_set(folder)
    return len(usable(faces, packed, translated(faces, vocabulary), split))


def check_labels(root: Path, names: Sequence[str], labels: str) -> None:
    """Raise ConfigError when a face set is labelled in another vocabulary than `labels`."""
    for name in names:
        others = sorted(set(map(str, open_table(root / name).vocabularies)) - {labels})
        if others:
            raise ConfigError(f"{name} is labelled in {others[0]}, not in {labels}", f"set `labels: {others[0]}`")


def translated(faces: Faces, vocabulary: str) -> Array:
    """Return the labels (N, K, 2) of faces of any vocabularies in terms of one, in source pixels."""
    xy = np.full((len(faces), len(landmarks.load(vocabulary)), 2), np.nan)
    for name in np.unique(faces.vocabularies):
        rows = faces.vocabularies == name
        labels = faces.xy[rows, : len(landmarks.load(str(name)))].astype(np.float64)
        xy[rows] = landmarks.project(labels, str(name), vocabulary)
    return xy


def view(seed: int, epoch: int, row: int, limits: Augment | None) -> ViewGeometry:
    """Return the view of sample `row` in an epoch: it depends on nothing else, not on the place in the batch."""
    if limits is None:
        return augment.PLAIN
    drawn = augment.draw(seeds.rng(seed, "view", epoch, int(row)), limits)
    if not limits.reframes:
        return drawn
    return augment.reframed(drawn, seeds.rng(seed, "box", epoch, int(row)), limits)


def look(samples: Samples, index: int, under: ViewGeometry) -> tuple[NDArray[np.uint8], NDArray[np.floating]]:
    """Return sample `index` under a view: the image (S, S[, 3]) and its points (K, 2) in input pixels."""
    origin, row = samples.origins[index]
    to_plain = augment.matrix(under, samples.size)
    pixels = np.asarray(samples.crops[origin][row])
    image = geometry.warp(pixels, geometry.compose(samples.to_crop[origin], to_plain), samples.size)
    xy = geometry.apply(geometry.invert(to_plain), samples.xy[index])
    return image, xy[samples.flip] if under.flip else xy


def assemble(
    samples: Samples, rows: NDArray[np.int64], seed: int = 0, epoch: int = 0, limits: Augment | None = None
) -> Batch:
    """Build the batch of `rows`, augmented within `limits`, or plain."""
    images, points, weights = [], [], []
    for row in rows:
        seen = view(seed, epoch, row, limits)
        image, xy = look(samples, row, seen)
        if limits is not None:
            if image.ndim == 3:
                image = augment.jitter(image, seeds.rng(seed, "colour", epoch, int(row)), limits)
            other = image.ndim == 2 and limits.thermal.active
            if other:
                image = _other_camera(image, seed, epoch, int(row), limits.thermal)
            image = augment.distort(image, seeds.rng(seed, "light", epoch, int(row)), limits)
            image = augment.punch(image, seen)
            if other:
                image = thermal.compressed(image, seeds.rng(seed, "file", epoch, int(row)), limits.thermal)
        if samples.colour and image.ndim == 2:
            image = np.repeat(image[..., None], 3, axis=-1)
        images.append(image)
        points.append(xy)
        weight = samples.weight[row]
        weights.append(weight[samples.flip] if seen.flip else weight)
    return Batch(np.stack(images), np.stack(points).astype(np.float32), np.stack(weights))


def _other_camera(
    image: NDArray[np.uint8], seed: int, epoch: int, row: int, how: thermal.Thermal
) -> NDArray[np.uint8]:
    covers, sensor, gain = (seeds.rng(seed, name, epoch, row) for name in ("covers", "sensor", "tone"))
    return thermal.camera(image, covers, sensor, gain, how)


def order(count: int, batch: int, seed: int, epoch: int) -> list[NDArray[np.int64]]:
    """Return the rows of each training batch of an epoch, shuffled; an incomplete last batch is dropped.

    Raises ConfigError when not even one batch is complete.
    """
    if count < batch:
        raise ConfigError(
            f"a batch of {batch} needs more than the {count} training faces", f"set `batch: {count}`"
        )
    shuffled = seeds.rng(seed, "order", epoch).permutation(count)
    return [shuffled[start * batch : (start + 1) * batch] for start in range(count // batch)]


def in_order(count: int, batch: int) -> list[NDArray[np.int64]]:
    """Return the rows of each validation batch, in order and complete."""
    return [np.arange(start, min(start + batch, count)) for start in range(0, count, batch)]


def ahead(build: Callable[[Key], Built], keys: Sequence[Key], workers: int = 1) -> Iterator[Built]:
    """Yield `build(key)` for each key in order, built by background threads some items ahead."""
    depth = workers + 2
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="batches") as pool:
        waiting: deque[Future[Built]] = deque(pool.submit(build, key) for key in keys[:depth])
        try:
            for key in keys[depth:]:
                built = waiting.popleft().result()
                waiting.append(pool.submit(build, key))
                yield built
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def fingerprint(root: Path, names: Sequence[str]) -> str:
    """Return a hash of all that training reads of the face sets `root/<name>`: tables and every pixel."""
    held = {name: ["faces.npz", "crops.npz", *shards.names(root / name)] for name in names}
    parts = [f"{name}/{file}" for name in names for file in held[name]]
    states = [(root / part).stat() for part in parts]
    lines = [
        f"{part} {_sha256(root / part, state.st_size, state.st_mtime_ns)}"
        for part, state in zip(parts, states, strict=True)
    ]
    return sha256("\n".join(lines).encode()).hexdigest()


@lru_cache
def _sha256(path: Path, size: int, changed: int) -> str:
    """Return the hash of a file, read once for all seeds of a run while its size and time stay."""
    return files.sha256(path)
