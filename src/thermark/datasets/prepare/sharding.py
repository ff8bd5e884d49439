"""The frames of a data set in shards: each is read by itself, on any machine; the last process joins them.

A shard is a folder `<shards>/<key>/<number>` with `pixels.npy` and `table.npz`, whole or absent. The key is a hash
of all that its content depends on: what was interrupted goes on, and what is out of date is not taken for it.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from thermark.core import arithmetic, code, files, shards
from thermark.core.errors import ConfigError, DataError
from thermark.core.parallel import ordered
from thermark.core.progress import track
from thermark.datasets.prepare import reading
from thermark.datasets.prepare.reading import CropConfig, Read, ReadJob
from thermark.datasets.readers.loaded import strings

PIXELS, TABLE = "pixels.npy", "table.npz"
LIBRARIES = ("numpy", "opencv-python-headless", "pillow")
# Settings that decide what is made of the frames once they are read.
AFTERWARDS = {"max_bad_fraction", "max_near_duplicates", "strict"}


@dataclass(frozen=True)
class WorkPart:
    """The `index`-th of `count` equal parts of the work, from 1."""

    index: int
    count: int

    def has(self, shard: int) -> bool:
        """Tell whether a shard, numbered from 0, belongs to this part."""
        return shard % self.count == self.index - 1


@dataclass(frozen=True)
class Seen:
    """What reading F frames gave, beside the pixels of their n faces.

    `sizes` (F, 2) int32; `digests`, `errors` (F,) str; `looks` (F, W) uint64, perceptual hashes; `constant`,
    `finite` (F,) bool; `prints` (F, 32) uint8, sha256 of each frame's crops; `to_source` (n, 2, 3) float64,
    `medians` (n,) float64.
    """

    sizes: NDArray[np.int32]
    digests: NDArray[np.str_]
    errors: NDArray[np.str_]
    looks: NDArray[np.uint64]
    constant: NDArray[np.bool_]
    finite: NDArray[np.bool_]
    prints: NDArray[np.uint8]
    to_source: NDArray[np.float64]
    medians: NDArray[np.float64]


@dataclass(frozen=True)
class ShardPlan:
    """Where the shards of one data set under one setting lie, and the frames [start, end) of each."""

    folder: Path
    spans: tuple[tuple[int, int], ...]

    def at(self, shard: int) -> Path:
        """Return the folder of a shard."""
        return self.folder / f"{shard:05d}"

    def done(self, shard: int) -> bool:
        """Tell whether a shard is there."""
        return all((self.at(shard) / name).is_file() for name in (PIXELS, TABLE))

    def missing(self, part: WorkPart | None = None) -> list[int]:
        """Return the shards, of a part or of all, that are not there."""
        wanted = [shard for shard in range(len(self.spans)) if part is None or part.has(shard)]
        return [shard for shard in wanted if not self.done(shard)]


def parse_part(text: str) -> WorkPart:
    """Return the part that `i/n` names; raises ConfigError for anything else."""
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise ConfigError(f"a part is `i/n` with i from 1 to n, not {text!r}", "for instance --shard 3/16")
    return WorkPart(int(match[1]), int(match[2]))


def plan(
    dataset: ModuleType, config: Any, crop: CropConfig, raw: Path, jobs: Sequence[ReadJob], root: Path
) -> ShardPlan:
    """Return the plan for frames in `jobs`, whose shards lie under `root`; nothing is written."""
    spans = tuple((start, min(start + crop.shard, len(jobs))) for start in range(0, len(jobs), crop.shard))
    return ShardPlan(root / _key(dataset, config, crop, raw, jobs), spans)


def make(
    plan: ShardPlan,
    wanted: Sequence[int],
    dataset: ModuleType,
    config: Any,
    crop: CropConfig,
    jobs: Sequence[ReadJob],
    label: str,
    workers: int | None = None,
) -> None:
    """Read the frames of the shards `wanted` and write these, one after the other, in bounded memory."""
    chosen = [job for shard in wanted for job in jobs[slice(*plan.spans[shard])]]
    work = partial(reading.read, dataset=dataset.__name__, config=config, crop=crop)
    reads = track(ordered(work, chosen, workers), len(chosen), label, "frames")
    for shard in wanted:
        start, end = plan.spans[shard]
        faces = sum(len(job.prompts) for job in jobs[start:end])
        with files.fresh_directory(plan.at(shard)) as folder:
            seen = _write(folder / PIXELS, islice(reads, end - start), faces)
            files.write_arrays(
                folder / TABLE, {column.name: getattr(seen, column.name) for column in fields(Seen)}
            )
    for _ in reads:  # progress ends, and so do the processes
        pass


def gather(plan: ShardPlan) -> Seen:
    """Return the tables of all shards as one; raises DataError when some are missing or damaged."""
    absent = plan.missing()
    if absent:
        first = ", ".join(map(str, absent[:8]))
        raise DataError(
            f"{len(absent)} of {len(plan.spans)} shards are missing in {plan.folder}: {first}",
            "make them with `--shard i/n`, or run without --merge",
        )
    try:
        tables = [_opened(plan.at(shard)) for shard in range(len(plan.spans))]
    except (OSError, ValueError, TypeError, KeyError, BadZipFile) as error:
        raise DataError(f"a shard in {plan.folder} is damaged: {error}", "delete that folder") from error
    return Seen(
        **{
            column.name: np.concatenate([getattr(table, column.name) for table in tables])
            for column in fields(Seen)
        }
    )


def place(plan: ShardPlan, folder: Path) -> None:
    """Bring the pixels of all shards into `folder` as a face set has them, without taking their space twice.

    They stay where they are too, so that nothing is lost by a kill. A shard without faces gives no file, unless
    none has any.
    """
    filled = [shard for shard in range(len(plan.spans)) if _count(plan.at(shard) / PIXELS)] or [0]
    for number, shard in enumerate(filled):
        source, target = plan.at(shard) / PIXELS, folder / shards.name(number)
        try:
            os.link(source, target)
        except OSError:  # another file system, or one without hard links
            shutil.copyfile(source, target)


def clear(plan: ShardPlan) -> None:
    """Forget the shards of a data set, those of other settings too: they have been joined, or are out of date."""
    shutil.rmtree(plan.folder.parent, ignore_errors=True)


def pixel_hash(seen: Seen) -> str:
    """Return the sha256 of all crops in order, however they are cut into shards."""
    return hashlib.sha256(seen.prints.tobytes()).hexdigest()


def _key(dataset: ModuleType, config: Any, crop: CropConfig, raw: Path, jobs: Sequence[ReadJob]) -> str:
    """Return a hash of code, libraries, settings, and of path, size in bytes and boxes of every frame.

    Pictures are not read for it. DVC notices one that changes without changing its size, and runs the stage
    again; where shards are made without DVC, such a change goes unnoticed.
    """
    read_with = {
        "config": config.model_dump(exclude=AFTERWARDS),
        "crop": crop.model_dump(include={"size", "padding", "shard"}),
    }
    made_by = {
        "code": code.key(Path(str(dataset.__file__)), __name__),
        "versions": {name: version(name) for name in LIBRARIES},
        "arithmetic": arithmetic.mode(),
    }
    digest = hashlib.sha256(json.dumps(read_with | made_by, sort_keys=True).encode())
    for job in jobs:
        size = job.path.stat().st_size if job.path.is_file() else -1
        digest.update(f"{job.path.relative_to(raw).as_posix()} {size}\n".encode())
        digest.update(job.prompts.tobytes() + job.boxes.tobytes())
    return digest.hexdigest()[:20]


def _write(path: Path, reads: Iterable[Read], expected: int) -> Seen:
    """Stream crops into one npy file and return the rest of what was read.

    How many crops there are is known at the end, when unreadable frames have been left out: the header is written
    again. Numpy pads it so that its length does not change with the first axis.
    """
    kept: list[tuple[Read, bytes]] = []
    shape: tuple[int, ...] = (expected,)
    with path.open("wb") as file:
        for read in reads:
            if not kept:
                shape = (0, *read.pixels.shape[1:])
                _write_header(file, (expected, *shape[1:]))
            data = read.pixels.tobytes()
            file.write(data)
            shape = (shape[0] + len(read.pixels), *shape[1:])
            kept.append((replace(read, pixels=read.pixels[:0]), hashlib.sha256(data).digest()))
        file.seek(0)
        _write_header(file, shape)
    return _seen([read for read, _ in kept], [digest for _, digest in kept])


def _write_header(file: BinaryIO, shape: tuple[int, ...]) -> None:
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


def _opened(folder: Path) -> Seen:
    """Return the table of a shard; raises ValueError when its pixels are not those of the table."""
    seen = Seen(**files.read_arrays(folder / TABLE))
    if _count(folder / PIXELS) != len(seen.to_source):
        raise ValueError(f"{folder.name} has other pixels than its table says")
    return seen


def _count(path: Path) -> int:
    """Return the number of crops in a shard's file; raises ValueError when it is cut off."""
    with path.open("rb") as file:
        np.lib.format.read_magic(file)
        shape = np.lib.format.read_array_header_1_0(file)[0]
        if path.stat().st_size != file.tell() + np.prod(shape):
            raise ValueError(f"{path} is cut off")
    return int(shape[0])


def _seen(reads: Sequence[Read], prints: Sequence[bytes]) -> Seen:
    return Seen(
        sizes=np.array([read.size for read in reads], np.int32).reshape(-1, 2),
        digests=strings(read.digest for read in reads),
        errors=strings(read.error for read in reads),
        looks=np.stack([read.look for read in reads]),
        constant=np.array([read.constant for read in reads], np.bool_),
        finite=np.array([read.finite for read in reads], np.bool_),
        prints=np.frombuffer(b"".join(prints), np.uint8).reshape(-1, 32),
        to_source=np.concatenate([read.to_source for read in reads]),
        medians=np.concatenate([read.medians for read in reads]),
    )
