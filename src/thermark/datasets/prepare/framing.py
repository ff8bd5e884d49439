"""Whole frames for contestants that look for faces themselves: read once, toned, packed."""

from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from thermark.core import annotations, files, packed_images
from thermark.core.annotations import Annotations
from thermark.core.config import Section, parse
from thermark.core.errors import ConfigError, DataError
from thermark.core.faces import Faces, open_table
from thermark.core.frames import Frames
from thermark.core.packed_images import BASE, INVERT
from thermark.core.parallel import ordered
from thermark.core.progress import track
from thermark.core.radiometry import render
from thermark.core.runs import skip, skipped
from thermark.core.scored_splits import Split


class Config(Section):
    """The other ways in which the frames of a data set are shown.

    `loader`, `raw`: as in the data set. `variants`: name -> settings of the data set that differ, `tone` or
    `source`, and `invert`, whether the grey levels are turned round.
    """

    loader: str
    raw: str

    variants: dict[str, dict[str, Any]] = Field(default_factory=dict)


def frame(
    dataset: ModuleType,
    raw: Path,
    settings: dict[str, Any],
    config: Config,
    split: Split | None,
    faces: Path,
    report: Path,
    out: Path,
    framed: Path,
    workers: int | None = None,
) -> None:
    """Pack frames into `out`/<variant>/ (see core.packed_images) and note in `framed` what they are.

    `base` shows the frames with a scored face (`split`; none where that is None) under `settings`, the data
    set's section; each variant shows all frames with a face, and those with a label that is no face, under the
    settings that it changes, but one that inverts shows those of `base`. `faces` is the prepared set and `report`
    its data report. Of a set that was left out there is the reason alone. Raises DataError for a frame that a
    variant has no file of, ConfigError for a variant that is called `base`, changes what a face is, or changes
    nothing.
    """
    if reason := skipped(faces):
        skip(out, reason)
        files.write_json(framed, {"data": files.read_json(report)["fingerprint"], "variants": {BASE: {}}})
        return
    table = open_table(faces)
    frames = Frames.open(faces / "frames.npz")
    everybody = np.union1d(_rows(frames, table, "all"), _annotated(frames, faces))
    noted: dict[str, Any] = {"data": files.read_json(report)["fingerprint"], "variants": {}}
    variants: dict[str, dict[str, Any]] = {BASE: {}, **_checked(config)}
    with files.fresh_directory(out) as folder:
        for name, changed in variants.items():
            held = name == BASE or INVERT in changed
            rows = _rows(frames, table, split) if held else everybody
            variant_config = parse(under(settings, changed), dataset.Config, f"frames.{name}")
            (folder / name).mkdir()
            sources = _paths(raw, frames if held else dataset.load(raw, variant_config).frames, frames.ids[rows])
            if "tone" in changed and sources:
                _require_temperatures(dataset, sources[0], variant_config, name)
            read = partial(_read, loader=dataset.__name__, config=variant_config, invert=INVERT in changed)
            images = _sized(ordered(read, sources, workers), frames, rows)
            tracked = track(images, len(rows), f"frames {settings['raw']} {name}", "frames")
            packed_images.write(folder / name, frames.ids[rows], tracked)
            noted["variants"][name] = {
                "frames": len(rows),
                "settings": changed,
                "sha256": files.sha256(folder / name / "pixels.bin"),
            }
    files.write_json(framed, noted)


def under(settings: dict[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
    """Return the data set's settings in a variant: its own where grey levels are only turned round afterwards."""
    return settings if INVERT in changed else settings | changed


def _checked(config: Config) -> dict[str, dict[str, Any]]:
    for name, changed in config.variants.items():
        # What inverts shows nothing else in another way, so that polarity is compared with nothing but itself.
        right = changed == {INVERT: True} or set(changed) <= {"tone", "source"}
        if name == BASE or not right:
            raise ConfigError(
                f"frames: the variant {name} changes {', '.join(changed) or 'nothing'}",
                "a variant changes `tone` and `source`, or says `invert: true` alone, and is not called `base`",
            )
    return config.variants


def _require_temperatures(dataset: ModuleType, path: Path, config: Any, name: str) -> None:
    """Raise ConfigError where a tone mapping has nothing to map: its row would be another's by a second name."""
    if dataset.read(path, config).dtype.kind != "f":
        raise ConfigError(
            f"frames: the variant {name} changes the tone of {path.name}, which holds no temperatures",
            "leave the variant out, or name a `source` that has temperatures",
        )


def _rows(frames: Frames, faces: Faces, split: Split | None) -> NDArray[np.int64]:
    """Return the rows of the frames that hold a face of the split, in order."""
    if split is None:
        return np.zeros(0, np.int64)
    chosen = faces.frames[(faces.splits == "test") | (split == "all")]
    return np.flatnonzero(np.isin(frames.ids, chosen))


def _annotated(frames: Frames, folder: Path) -> NDArray[np.int64]:
    """Return the rows of the frames with a labelled nose: published protocols count it without a person, too."""
    if not (folder / annotations.FILE).is_file():
        return np.zeros(0, np.int64)
    labels = Annotations.open(folder)
    return np.flatnonzero(np.isin(frames.ids, labels.frames[labels.having("nose")]))


def _paths(raw: Path, frames: Frames, ids: NDArray[np.str_]) -> list[Path]:
    """Return the files of the frames `ids`: a variant may keep its pictures elsewhere than the set as prepared."""
    paths = dict(zip(map(str, frames.ids), map(str, frames.paths), strict=True))
    absent = [name for name in map(str, ids) if name not in paths]
    if absent:
        raise DataError(f"{raw.name} has no picture of {absent[0]}", "leave the variant out, or complete the data")
    return [raw / paths[name] for name in map(str, ids)]


def _sized(
    images: Iterator[NDArray[np.uint8]], frames: Frames, rows: NDArray[np.int64]
) -> Iterator[NDArray[np.uint8]]:
    """Yield images; raises DataError for one of another size than its frame, in whose pixels the labels are."""
    for image, row in zip(images, rows, strict=True):
        if image.shape[1::-1] != tuple(frames.sizes[row]):
            width, height = frames.sizes[row]
            raise DataError(
                f"{frames.ids[row]} measures {image.shape[1]} x {image.shape[0]} px in a variant, "
                f"{width} x {height} as prepared",
                "leave the variant out: its pixels are not those of the labels",
            )
        yield image


def _read(path: Path, loader: str, config: Any, invert: bool) -> NDArray[np.uint8]:
    """Return a frame as a network's input; modules do not travel between processes, so the loader goes by name."""
    image = import_module(loader).read(path, config)
    toned: NDArray[np.uint8] = render(image, config.tone) if image.dtype.kind == "f" else image
    return 255 - toned if invert else toned
