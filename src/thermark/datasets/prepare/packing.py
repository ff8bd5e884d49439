"""From frames on disk to memory-mapped shards of crops and a few tables, read once and in parallel."""

import hashlib
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.core import files, runs
from thermark.core.errors import DataError
from thermark.core.frames import Frames
from thermark.core.origin import origin
from thermark.datasets.checks import arrival, near, sanity, splits
from thermark.datasets.checks import report as reports
from thermark.datasets.prepare import sharding
from thermark.datasets.prepare.reading import CropConfig, ReadJob
from thermark.datasets.prepare.sharding import Seen, ShardPlan, WorkPart
from thermark.datasets.readers import boxes
from thermark.datasets.readers.loaded import Loaded, Source, require_complete

__all__ = ["CropConfig", "Sharing", "leave_note", "leave_out", "make_part", "pack"]


@dataclass(frozen=True)
class Sharing:
    """Where unfinished shards are kept: `folder`; `keep` them for others when they have been joined.

    `merge`: join what is there, make nothing.
    """

    folder: Path
    keep: bool = False
    merge: bool = False


def pack(
    dataset: ModuleType,
    raw: Path,
    config: Any,
    crop: CropConfig,
    out: Path,
    report: Path,
    split_table: Path,
    workers: int | None = None,
    sharing: Sharing | None = None,
) -> dict[str, Any]:
    """Load a data set, write its faces to `out`, its data report and its split table, and return the report.

    `out` gets pixels-*.npy, crops.npz, faces.npz, frames.npz and card.json, and annotated.npz of a loader that has
    one. Bytes do not depend on `workers`, the
    number of processes (default: all cores), and pixels do not on shards. What was interrupted goes on from its
    last whole shard. Unreadable frames are left out and listed. Raises DataError when they exceed
    `config.max_bad_fraction`, when anything is missing under `config.strict`, when a split is left empty, when
    somebody or something is in two splits, and when a check on arrival fails.
    """
    files.clear_leftovers(out)
    at = sharing or Sharing(out.with_name(f".{out.name}.shards"))
    loaded, jobs, plan = _planned(dataset, raw, config, crop, at.folder)
    if not at.merge:
        sharding.make(plan, plan.missing(), dataset, config, crop, jobs, f"prepare {config.raw}", workers)
    seen = sharding.gather(plan)
    loaded, seen = _readable(loaded, seen, config)
    content = _report(dataset, loaded, seen, config, crop, raw)
    with files.fresh_directory(out) as folder:
        loaded.frames.save(folder / "frames.npz")
        loaded.faces.save(folder / "faces.npz")
        if loaded.annotated is not None:
            loaded.annotated.within(loaded.frames.ids).save(folder)
        padding = np.array(crop.padding, np.float64)
        files.write_arrays(folder / "crops.npz", {"to_source": seen.to_source, "padding": padding})
        files.write_json(folder / "card.json", asdict(dataset.CARD))
        content["fingerprint"] = _fingerprint(folder, sharding.pixel_hash(seen))
        sharding.place(plan, folder)
    if not at.keep:
        sharding.clear(plan)
    files.write_json(report, content)
    reports.write_splits(split_table, loaded.faces)
    return content


def make_part(
    dataset: ModuleType,
    raw: Path,
    config: Any,
    crop: CropConfig,
    part: WorkPart,
    folder: Path,
    workers: int | None = None,
) -> ShardPlan:
    """Make those shards of a data set that belong to `part` and are not yet in `folder`; return the whole plan."""
    _, jobs, plan = _planned(dataset, raw, config, crop, folder)
    label = f"prepare {config.raw} {part.index}/{part.count}"
    sharding.make(plan, plan.missing(part), dataset, config, crop, jobs, label, workers)
    return plan


def leave_out(dataset: ModuleType, config: Any, reason: str, out: Path, report: Path, split_table: Path) -> None:
    """Write, in place of the faces of a data set that is not here, the reason, and a report with it."""
    runs.skip(out, reason)
    content = {"absent": reason, "card": asdict(dataset.CARD), "modality": dataset.MODALITY, "origin": "real"}
    content |= {"raw": config.raw, "fingerprint": hashlib.sha256(reason.encode()).hexdigest()}
    files.write_json(report, content)
    files.write_text(split_table, "subject,split\n")


def leave_note(part: str, out: Path, report: Path, split_table: Path) -> None:
    """Write what a stage that made a `part` only must leave for DVC: outputs without content."""
    with files.fresh_directory(out) as folder:
        files.write_json(folder / "part.json", {"part": part})
    files.write_json(report, {"part": part})
    files.write_text(split_table, "subject,split\n")


def _planned(
    dataset: ModuleType, raw: Path, config: Any, crop: CropConfig, folder: Path
) -> tuple[Loaded, list[ReadJob], ShardPlan]:
    loaded = dataset.load(raw, config)
    loaded = replace(loaded, faces=boxes.converted(loaded.faces, dataset.CARD.boxes, config.box))
    loaded = _in_frame_order(loaded)
    if config.strict:
        require_complete(loaded.findings, raw.name)
    arrival.require(loaded.findings)  # of mixed archives no picture needs to be read
    jobs = _jobs(raw, loaded)
    return loaded, jobs, sharding.plan(dataset, config, crop, raw, jobs, folder)


def _report(
    dataset: ModuleType, loaded: Loaded, seen: Seen, config: Any, crop: CropConfig, raw: Path
) -> dict[str, Any]:
    """Return the data report, once all is checked; raises DataError for what must not be."""
    faces, frames, findings = loaded.faces, loaded.frames, loaded.findings
    sanity.check(faces, frames, dataset.SCHEMES, findings)
    temperature = _temperature(seen.medians)
    findings.check(*arrival.face_temperature(temperature.get("median_face_celsius", np.nan), config))
    content = reports.content(
        loaded, dataset.CARD, temperature, crop.model_dump(include={"size", "padding"}), origin(raw)
    )
    content["raw"] = config.raw
    content["boxes"] = config.box or dataset.CARD.boxes
    try:
        arrival.require(findings)
        splits.check(faces, dict(zip(map(str, frames.ids), map(str, seen.digests), strict=True)))
        near.check(seen.looks, frames.ids, faces, config.max_near_duplicates, raw.name, findings)
    except DataError:
        print("\n".join(arrival.lines(content)), file=sys.stderr)  # nothing else tells what was seen
        raise
    return content | findings.summary()


def _in_frame_order(loaded: Loaded) -> Loaded:
    """Sort faces by frame, so that each frame is read once and its crops are written in one go."""
    places = _places(loaded)
    if (np.diff(places) >= 0).all():
        return loaded  # a copy of 100,000 ids with 478 points would be a gigabyte
    return replace(loaded, faces=loaded.faces.take(np.argsort(places, kind="stable")))


def _places(loaded: Loaded) -> NDArray[np.int64]:
    """Return the frame's row of each face."""
    position = {str(name): index for index, name in enumerate(loaded.frames.ids)}
    return np.array([position[str(frame)] for frame in loaded.faces.frames], np.int64)


def _jobs(raw: Path, loaded: Loaded) -> list[ReadJob]:
    """Return one job a frame; frames without faces are read too, for their size."""
    faces = loaded.faces
    starts = np.searchsorted(_places(loaded), np.arange(len(loaded.frames) + 1))
    return [
        ReadJob(raw / str(path), faces.prompts[start:end], faces.boxes[start:end])
        for path, start, end in zip(loaded.frames.paths, starts[:-1], starts[1:], strict=True)
    ]


def _readable(loaded: Loaded, seen: Seen, config: Source) -> tuple[Loaded, Seen]:
    """Drop the frames that could not be read, and their faces; fill in the sizes of the others."""
    findings, frames, faces = loaded.findings, loaded.frames, loaded.faces
    good = seen.errors == ""
    findings.add("unreadable", *map(str, seen.errors[~good]))
    findings.add("constant_image", *_named(frames, seen.constant & good))
    findings.add("not_finite_pixels", *_named(frames, ~seen.finite & good))
    if np.mean(~good) > config.max_bad_fraction:
        raise DataError(
            f"{(~good).sum()} of {len(good)} frames cannot be read, first: {findings.lists['unreadable'][0]}",
            "fetch the data again, or raise max_bad_fraction",
        )
    chosen = faces if good.all() else faces.take(good[_places(loaded)])
    splits.require(chosen.splits, sorted(set(map(str, faces.splits))))
    left = Frames(frames.ids[good], frames.subjects[good], frames.paths[good], seen.sizes[good], frames.modality)
    # Rows of faces were never made of unreadable frames.
    by_frame = ("sizes", "digests", "errors", "looks", "constant", "finite", "prints")
    loaded = replace(loaded, frames=left, faces=chosen)
    return loaded, replace(seen, **{name: getattr(seen, name)[good] for name in by_frame})


def _named(frames: Frames, concerned: NDArray[np.bool_]) -> Iterable[str]:
    return map(str, frames.ids[concerned])


def _temperature(medians: NDArray[np.float64]) -> dict[str, float]:
    """Return the median of the faces' median temperatures, nothing for pictures."""
    return {} if np.isnan(medians).all() else {"median_face_celsius": float(np.nanmedian(medians))}


def _fingerprint(folder: Path, pixel_hash: str) -> str:
    """Return the sha256 of the pixels and of every array of the tables."""
    digest = hashlib.sha256(pixel_hash.encode())
    for name in ("crops.npz", "faces.npz", "frames.npz"):
        with np.load(folder / name, allow_pickle=False) as stored:  # one array at a time is in memory
            for key in sorted(stored.files):
                array = np.ascontiguousarray(stored[key])
                digest.update(f"{name}/{key} {array.dtype.str} {array.shape}".encode())
                digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
