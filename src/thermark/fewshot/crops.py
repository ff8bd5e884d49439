"""The input of a frozen backbone: square crops of whole frames, with the labels in them.

Published heads were trained on the 8-bit pictures and on person crops that may be stretched; ours may also see
square crops around the prompt. Either way a crop has an affine map to its frame, and errors can be given in px of
both.
"""

import hashlib
import zlib
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Literal
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt, model_validator

from thermark import landmarks
from thermark.core import files, geometry, seeds
from thermark.core.annotations import Annotations
from thermark.core.config import Section, parse
from thermark.core.errors import ConfigError, DataError
from thermark.core.faces import Faces, open_table
from thermark.core.frames import Frames
from thermark.core.parallel import ordered
from thermark.core.progress import track
from thermark.fewshot import posts
from thermark.fewshot.cutting import CutJob, Cutting, Geometry, Pixels, crops_of, shows, written

PARTS = ("train", "val", "test")
ARRAYS = ("rows", "frames", "subjects", "parts", "published", "xy", "to_frame")


class Config(Section):
    """Which pictures are cut, and how.

    `faces`, `loader`, `raw`: as in the data set; `changes`: its settings that differ, such as `source: luma`.
    `labels`: the vocabulary of its labels, `vocabulary`: what they are translated to. `geometry`: `posts`, person
    crops and the split of part 2, or `square`, `padding` times the prompt and the splits of the face set. `side`:
    of a crop, px. `limit`: part -> how many crops of it are taken, the published ones first and others
    by the hash of their ids.
    """

    faces: str
    loader: str
    raw: str
    changes: dict[str, Any] = Field(default_factory=dict)
    labels: str
    vocabulary: str
    geometry: Geometry
    padding: float = Field(default=posts.PADDING, ge=1)
    side: PositiveInt = posts.SIDE
    limit: dict[Literal["train", "val", "test"], PositiveInt] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _posts_have_their_own_padding(self) -> "Config":
        if self.geometry == "posts" and self.padding != posts.PADDING:
            raise ValueError(f"`geometry: posts` pads by {posts.PADDING} and by nothing else")
        return self


@dataclass(frozen=True)
class CropSet:
    """M square crops of `side` px with their labels; crop px count from pixel centres.

    `rows` (M,) int64, the row in the face set `faces`; `frames`, `subjects` (M,) str; `parts` (M,) str: train,
    val or test; `published` (M,) bool, whether it is one of the 40, 15 and 80 of part 2, or of as many chosen by
    hash; `xy` (M, K, 2) float64 px of the crop, NaN unlabelled; `to_frame` (M, 2, 3) float64, crop px to frame
    px; `pixels` (M, side, side[, 3]) uint8 memory map.
    """

    faces: str
    vocabulary: str
    geometry: Geometry
    padding: float
    side: int
    rows: NDArray[np.int64]
    frames: NDArray[np.str_]
    subjects: NDArray[np.str_]
    parts: NDArray[np.str_]
    published: NDArray[np.bool_]
    xy: NDArray[np.float64]
    to_frame: NDArray[np.float64]
    pixels: Pixels
    fingerprint: str

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, name: str, published: bool = False) -> NDArray[np.int64]:
        """Return the crops of a part, or those of them that the published split has."""
        return np.flatnonzero((self.parts == name) & (self.published | (not published)))


def make(
    dataset: ModuleType,
    raw: Path,
    settings: dict[str, Any],
    config: Config,
    faces: Path,
    out: Path,
    report: Path,
    workers: int | None = None,
) -> None:
    """Cut the crops of a prepared face set out of its frames, into `out`, and note in `report` what they are.

    `settings` is the data set's section of params.yaml. Raises DataError for a frame that cannot be read or has
    another size than as prepared, and for a part that is left empty; ConfigError when the labels cannot be read as
    the vocabulary, or when part 2's split is asked of a set without its two annotation files.
    """
    table, frames = open_table(faces), Frames.open(faces / "frames.npz")
    if config.geometry == "posts":
        chosen = _published(table, frames, faces, config)
    else:
        chosen = _prompted(table, frames, config)
    source = parse(settings | config.changes, dataset.Config, f"datasets.{config.faces}")
    jobs = _jobs(table, frames, chosen, dataset.load(raw, source).frames, raw)
    how = Cutting(config.geometry, config.side, config.padding)
    work = partial(crops_of, loader=dataset.__name__, settings=source, how=how)
    with files.fresh_directory(out) as folder:
        done = track(ordered(work, jobs, workers, 16), len(jobs), f"crops {out.name}", "frames")
        pixels, to_frame = written(folder / "pixels.npy", len(chosen.rows), jobs, done)
        arrays = {
            "rows": chosen.rows,
            "frames": table.frames[chosen.rows],
            "subjects": table.subjects[chosen.rows],
            "parts": chosen.parts,
            "published": chosen.published,
            "xy": _labels(table, chosen.rows, to_frame, config),
            "to_frame": to_frame,
        }
        files.write_arrays(folder / "crops.npz", arrays)
        about = config.model_dump(include={"faces", "vocabulary", "geometry", "padding", "side"})
        counts = {part: int((chosen.parts == part).sum()) for part in PARTS}
        about |= counts | {"fingerprint": _fingerprint(pixels, arrays)}
        files.write_json(folder / "crops.json", about)
    files.write_json(report, about)


def read(folder: Path) -> CropSet:
    """Open what `make` wrote, pixels memory-mapped; raises DataError when it is absent or damaged."""
    try:
        about, arrays = files.read_json(folder / "crops.json"), files.read_arrays(folder / "crops.npz")
        pixels = np.load(folder / "pixels.npy", mmap_mode="r", allow_pickle=False)
        fields: dict[str, Any] = {
            key: about[key] for key in ("faces", "vocabulary", "geometry", "side", "fingerprint")
        }
        columns: dict[str, Any] = {key: arrays[key] for key in ARRAYS}
        if len(pixels) != len(columns["rows"]):
            raise ValueError(f"{len(pixels)} pictures, {len(columns['rows'])} rows")
        return CropSet(**fields, **columns, padding=float(about["padding"]), pixels=pixels)
    except (OSError, KeyError, ValueError, TypeError, EOFError, BadZipFile, zlib.error) as error:
        raise DataError(f"the crops in {folder} are missing or damaged: {error}", "run `dvc repro`") from error


@dataclass(frozen=True)
class _Chosen:
    rows: NDArray[np.int64]
    parts: NDArray[np.str_]
    published: NDArray[np.bool_]
    crops: tuple[posts.Crop, ...] = ()


def _published(table: Faces, frames: Frames, folder: Path, config: Config) -> _Chosen:
    """Part 2's split: its 40, 15 and 80, and beside them the rest of each file, but no image of the 15."""
    if not set(posts.SOURCES) <= set(table.strata.get("source", [])):
        raise ConfigError(f"{config.faces} has no annotations_1 and annotations_2", "use `geometry: square`")
    split = posts.split(table, _sizes(frames), Annotations.open(folder))
    parts = np.full(len(table), "", "U5")
    usable = np.isin(np.arange(len(table)), list(split.crops))
    looked_at = set(table.frames[split.val].tolist())
    first = usable & (table.strata["source"] == posts.SOURCES[0])
    parts[first & ~np.isin(table.frames, list(looked_at))] = "train"
    parts[split.val], parts[split.every] = "val", "test"
    published = np.isin(np.arange(len(table)), np.concatenate([split.train, split.val, split.test]))
    chosen = _limited(table, parts, published, config)
    return replace(chosen, crops=tuple(split.crops[row] for row in chosen.rows.tolist()))


def _prompted(table: Faces, frames: Frames, config: Config) -> _Chosen:
    """The splits of the face set, of all faces that have a prompt in their frame."""
    sizes = _sizes(frames)
    both = zip(table.prompts, map(str, table.frames), strict=True)
    there = np.array([shows(box, sizes[frame], config.padding) for box, frame in both], np.bool_)
    parts = np.where(there, table.splits, "").astype("U5")
    published = np.zeros(len(table), np.bool_)
    for part, count in zip(PARTS, (posts.TRAIN, posts.VAL, posts.TEST), strict=True):
        published[_drawn(table, parts == part)[:count]] = True
    return _limited(table, parts, published, config)


def _sizes(frames: Frames) -> dict[str, tuple[int, int]]:
    return {str(name): (int(w), int(h)) for name, (w, h) in zip(frames.ids, frames.sizes, strict=True)}


def _drawn(table: Faces, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the chosen rows in an order that depends on their ids alone."""
    rows = np.flatnonzero(chosen)
    keys = np.array([seeds.integer("crops", str(table.ids[row])) for row in rows], np.uint64)
    return rows[np.argsort(keys, kind="stable")]


def _limited(table: Faces, parts: NDArray[np.str_], published: NDArray[np.bool_], config: Config) -> _Chosen:
    kept = []
    for part in PARTS:
        rows = _drawn(table, parts == part)
        rows = rows[np.argsort(~published[rows], kind="stable")]  # a limit never takes these while others are left
        kept.append(np.sort(rows[: config.limit.get(part, len(rows))]))  # type: ignore[call-overload]
        if not len(rows):
            raise DataError(f"{config.faces} leaves no crop to {part}", "choose another split, or more data")
    rows = np.concatenate(kept)
    return _Chosen(rows, parts[rows], published[rows])


def _jobs(table: Faces, frames: Frames, chosen: _Chosen, read: Frames, raw: Path) -> list[CutJob]:
    """Return the frames of the chosen rows, each once, in the order in which they are first wanted."""
    paths = dict(zip(map(str, read.ids), map(str, read.paths), strict=True))
    sizes = _sizes(frames)
    places_of: dict[str, list[int]] = {}
    for place, frame in enumerate(table.frames[chosen.rows]):
        places_of.setdefault(str(frame), []).append(place)
    return [
        CutJob(
            path=raw / _known(paths, frame),
            size=sizes[frame],
            places=np.array(places),
            boxes=table.prompts[chosen.rows[places]],
            crops=tuple(chosen.crops[place] for place in places if chosen.crops),
        )
        for frame, places in places_of.items()
    ]


def _known(paths: dict[str, str], frame: str) -> str:
    if frame not in paths:
        raise DataError(
            f"there is no picture of {frame} under these settings", "complete the data, or `changes: {}`"
        )
    return paths[frame]


def _labels(
    table: Faces, rows: NDArray[np.int64], to_frame: NDArray[np.float64], config: Config
) -> NDArray[np.float64]:
    """Return the labels in px of the crops, NaN outside of them."""
    if (found := sorted(set(table.vocabularies[rows]))) != [config.labels]:
        raise ConfigError(f"{config.faces} is labelled in {', '.join(found)}", f"`labels: {found[0]}`")
    labelled = table.xy[rows, : len(landmarks.load(config.labels))].astype(np.float64)
    xy = landmarks.project(labelled, config.labels, config.vocabulary)
    crop = np.asarray(geometry.apply(geometry.invert(to_frame), xy), np.float64)
    inside = ((crop >= -0.5) & (crop < config.side - 0.5)).all(axis=-1)
    crop[~inside] = np.nan
    return crop


def _fingerprint(pixels: Pixels, arrays: dict[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256(np.ascontiguousarray(pixels).data)
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
