"""From frames on disk to a few memory-mapped files of crops, read once and in parallel."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.core import files
from thermark.core.errors import DataError
from thermark.core.frames import Frames
from thermark.core.origin import origin
from thermark.core.parallel import ordered
from thermark.core.progress import track
from thermark.loading import reading, sanity, splits
from thermark.loading import report as reports
from thermark.loading.loaded import Loaded, Source, require_complete
from thermark.loading.reading import CropConfig, Job, Read

__all__ = ["CropConfig", "pack"]


def pack(
    dataset: ModuleType,
    raw: Path,
    config: Any,
    crop: CropConfig,
    out: Path,
    report: Path,
    split_table: Path,
    workers: int | None = None,
) -> None:
    """Load a data set and write its faces to `out`, its data report and its split table.

    `out` gets pixels.npy, crops.npz, faces.npz, frames.npz and card.json. Bytes do not depend on `workers`, the
    number of processes (default: all cores). Unreadable frames are left out and listed. Raises DataError when
    they exceed `config.max_bad_fraction`, when anything is missing under `config.strict`, when a split is left
    empty, or when somebody or something is in two splits.
    """
    loaded = _in_frame_order(dataset.load(raw, config))
    if config.strict:
        require_complete(loaded.findings, raw.name)
    work = partial(reading.read, dataset=dataset.__name__, config=config, crop=crop)
    with files.fresh_directory(out) as folder:
        jobs = _jobs(raw, loaded)
        reads = track(ordered(work, jobs, workers), len(jobs), f"prepare {config.raw}", "frames")
        kept, pixel_hash = _write_pixels(folder / "pixels.npy", reads, len(loaded.faces))
        loaded, kept = _readable(loaded, kept, config)
        splits.check(loaded.faces, {str(n): r.digest for n, r in zip(loaded.frames.ids, kept, strict=True)})
        sanity.check(loaded.faces, loaded.frames, dataset.SCHEMES, loaded.findings)
        temperature = _temperature(np.concatenate([read.medians for read in kept]), config)
        loaded.frames.save(folder / "frames.npz")
        loaded.faces.save(folder / "faces.npz")
        to_source = np.concatenate([read.to_source for read in kept])
        padding = np.array(crop.padding, np.float64)
        files.write_arrays(folder / "crops.npz", {"to_source": to_source, "padding": padding})
        files.write_json(folder / "card.json", asdict(dataset.CARD))
        content = reports.content(loaded, dataset.CARD, temperature, crop.model_dump(), origin(raw))
        content["raw"] = config.raw
        content["fingerprint"] = _fingerprint(folder, pixel_hash)
    files.write_json(report, content)
    reports.write_splits(split_table, loaded.faces)


def _in_frame_order(loaded: Loaded) -> Loaded:
    """Sort faces by frame, so that each frame is read once and its crops are written in one go."""
    return replace(loaded, faces=loaded.faces.take(np.argsort(_places(loaded), kind="stable")))


def _places(loaded: Loaded) -> NDArray[np.int64]:
    """Return the frame's row of each face."""
    position = {str(name): index for index, name in enumerate(loaded.frames.ids)}
    return np.array([position[str(frame)] for frame in loaded.faces.frames], np.int64)


def _jobs(raw: Path, loaded: Loaded) -> list[Job]:
    """Return one job a frame; frames without faces are read too, for their size."""
    faces = loaded.faces
    starts = np.searchsorted(_places(loaded), np.arange(len(loaded.frames) + 1))
    return [
        Job(raw / str(path), faces.prompts[start:end], faces.boxes[start:end])
        for path, start, end in zip(loaded.frames.paths, starts[:-1], starts[1:], strict=True)
    ]


def _write_pixels(path: Path, reads: Iterable[Read], expected: int) -> tuple[list[Read], str]:
    """Stream all crops into one npy file; return the reads without their pixels, and the sha256 of all pixels.

    How many crops there are is known at the end, when unreadable frames have been left out: the header is written
    again. Numpy pads it so that its length does not change with the first axis.
    """
    digest, kept, shape = hashlib.sha256(), [], (expected,)
    with path.open("wb") as file:
        for read in reads:
            if not kept:
                shape = (0, *read.pixels.shape[1:])
                _write_header(file, (expected, *shape[1:]))
            data = read.pixels.tobytes()
            digest.update(data)
            file.write(data)
            shape = (shape[0] + len(read.pixels), *shape[1:])
            kept.append(replace(read, pixels=read.pixels[:0]))
        file.seek(0)
        _write_header(file, shape)
    return kept, digest.hexdigest()


def _write_header(file: Any, shape: tuple[int, ...]) -> None:
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


def _readable(loaded: Loaded, reads: list[Read], config: Source) -> tuple[Loaded, list[Read]]:
    """Drop the frames that could not be read, and their faces; fill in the sizes of the others."""
    findings, frames, faces = loaded.findings, loaded.frames, loaded.faces
    bad = np.array([bool(read.error) for read in reads])
    findings.add("unreadable", *(read.error for read in reads if read.error))
    findings.add("constant_image", *_named(frames, (read.constant for read in reads)))
    findings.add("not_finite_pixels", *_named(frames, (not read.finite for read in reads)))
    if bad.mean() > config.max_bad_fraction:
        raise DataError(
            f"{bad.sum()} of {len(bad)} frames cannot be read, first: {findings.lists['unreadable'][0]}",
            "fetch the data again, or raise max_bad_fraction",
        )
    kept = [read for read in reads if not read.error]
    chosen = faces.take(~bad[_places(loaded)])
    splits.require(chosen.splits, sorted(set(map(str, faces.splits))))
    sizes = np.array([read.size for read in kept], np.int32).reshape(-1, 2)
    left = Frames(frames.ids[~bad], frames.subjects[~bad], frames.paths[~bad], sizes, frames.modality)
    return Loaded(left, chosen, findings), kept


def _named(frames: Frames, concerned: Iterable[bool]) -> Iterator[str]:
    return (str(name) for name, is_concerned in zip(frames.ids, concerned, strict=True) if is_concerned)


def _temperature(medians: NDArray[np.float64], config: Source) -> dict[str, float]:
    """Return the median of the faces' median temperatures; raises DataError outside of `config.plausible`."""
    if np.isnan(medians).all():
        return {}
    median = float(np.nanmedian(medians))
    low, high = getattr(config, "plausible", (-np.inf, np.inf))
    if not low <= median <= high:
        raise DataError(
            f"the median face has {median:.1f} deg C, not {low:g} to {high:g}",
            "correct scale and offset of the data set in params.yaml",
        )
    return {"median_face_celsius": median}


def _fingerprint(folder: Path, pixel_hash: str) -> str:
    """Return the sha256 of the pixels and of every array of the tables."""
    digest = hashlib.sha256(pixel_hash.encode())
    for name in ("crops.npz", "faces.npz", "frames.npz"):
        for key, array in sorted(files.read_arrays(folder / name).items()):
            digest.update(f"{name}/{key} {array.dtype.str} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
