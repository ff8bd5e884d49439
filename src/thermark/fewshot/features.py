"""Features of crops from a frozen backbone, computed once and kept on disk."""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from thermark.core import bundle, files
from thermark.core.config import Section, nearest, parse
from thermark.core.errors import ConfigError, DataError, in_one_line
from thermark.core.progress import track
from thermark.core.runs import seed_folders
from thermark.fewshot import crops as crop_sets
from thermark.fewshot.backbone import Backbone, PackageAbsent, load
from thermark.fewshot.crops import CropSet
from thermark.train.precision import Precision

Store = Literal["float16", "bfloat16", "float32"]
Rows = NDArray[np.int64]

ARRAY, CARD, STATUS = "features.npy", "features.json", "status.json"
TORCH: dict[Store, torch.dtype] = {
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float32": torch.float32,
}
# NumPy has no bfloat16: its bits are stored.
STORED: dict[Store, np.dtype[Any]] = {
    "float16": np.dtype("<f2"),
    "bfloat16": np.dtype("<u2"),
    "float32": np.dtype("<f4"),
}


class FeaturesCard(Section):
    """What an array of features is and comes from.

    `shape` (M, C, h, w), a row for each of the M crops with the fingerprint `crops`; `backbone`: its settings,
    `sha256` of its weights, the `precision` it computed with and the face sets that it was `trained_on`.
    """

    dtype: Store
    shape: tuple[int, int, int, int]
    backbone: dict[str, Any]
    sha256: str
    precision: Precision
    trained_on: tuple[str, ...]
    crops: str


@dataclass(frozen=True)
class Features:
    """Features on disk: `stored` (M, C, h, w), a memory map; bfloat16 as its bits, uint16."""

    stored: NDArray[Any]
    card: FeaturesCard

    def __len__(self) -> int:
        return len(self.stored)

    def __getitem__(self, rows: Rows) -> Tensor:
        """Return the maps (n, C, h, w) of `rows` (n,), in memory, on the CPU, of type `dtype`."""
        picked = np.array(self.stored[rows], order="C")
        if self.card.dtype == "bfloat16":
            return torch.from_numpy(picked.view(np.int16)).view(torch.bfloat16)
        return torch.from_numpy(picked)

    @property
    def dtype(self) -> torch.dtype:
        """The type of the maps."""
        return TORCH[self.card.dtype]

    @property
    def channels(self) -> int:
        """The number of channels of a map."""
        return self.card.shape[1]

    @property
    def grid(self) -> tuple[int, int]:
        """The height and width of a map in cells."""
        return self.card.shape[2:]


def read(folder: Path) -> Features:
    """Return the features in a folder; raises DataError when they are absent or do not fit their card."""
    again = "run `dvc repro` to compute them again"
    try:
        card = parse(files.read_json(folder / CARD), FeaturesCard, f"{folder.name}/{CARD}")
        stored = np.lib.format.open_memmap(folder / ARRAY, mode="r")
    except (OSError, ValueError, TypeError, ConfigError) as error:
        raise DataError(f"{folder} holds no whole features: {in_one_line(error)}", again) from error
    fits = (stored.shape, stored.dtype) == (card.shape, STORED[card.dtype]) and stored.flags.c_contiguous
    if not fits or (folder / ARRAY).stat().st_size != stored.offset + stored.nbytes:
        raise DataError(f"{folder}/{ARRAY} is not the array that {CARD} describes", again)
    return Features(stored, card)


class Unfit(DataError):
    """Maps that cannot be stored; a run of ours that trained badly may make them, too."""


def rounded(maps: Tensor, store: Store) -> Tensor:
    """Return finite float32 maps as they are stored, on the CPU.

    Raises Unfit for numbers that are not finite, or too large for the type.
    """
    if not maps.isfinite().all():
        raise Unfit("the backbone answers with numbers that are not finite", "set its `dtype: float32`")
    largest = float(maps.abs().max()) if maps.numel() else 0.0
    if largest > torch.finfo(TORCH[store]).max:
        raise Unfit(f"a feature of {largest:.6g} is too large for {store}", "set `store: bfloat16`")
    return maps.to(TORCH[store]).cpu()


def extract(backbone: Backbone, crops: CropSet, folder: Path, store: Store, partial: Path) -> None:
    """Write the features of all crops as `folder`/{features.npy, features.json}, whole or not at all.

    What is finished stays under `partial`, until the caller removes it: after an interruption, work goes on from
    the last whole batch, unless backbone, crops or type are others. Raises Unfit as `rounded` does.
    """
    size = crops.pixels.shape[1]
    card = FeaturesCard(
        dtype=store,
        shape=(len(crops.pixels), backbone.channels, *backbone.grid(size)),
        backbone=dict(backbone.section),
        sha256=backbone.sha256,
        precision=backbone.precision,
        trained_on=backbone.trained_on,
        crops=crops.fingerprint,
    )
    _begin(card, partial)
    with (partial / ARRAY).open("r+b") as file:
        starts = range(_rewind(file, card, backbone.batch), len(crops.pixels), backbone.batch)
        for start in track(starts, len(starts), f"features of {folder.name}", "batches"):
            maps = rounded(backbone(crops.pixels[start : start + backbone.batch]), store)
            file.write(maps.view(torch.uint8).numpy().tobytes())
            file.flush()
    with files.fresh_directory(folder) as whole:
        for name in (ARRAY, CARD):
            _put(partial / name, whole / name)


def features_of(
    name: str,
    settings: Mapping[str, Any],
    sets: Sequence[str],
    crops: Path,
    assets: Path,
    partial: Path,
    out: Path,
    device: str = "auto",
) -> None:
    """Write `out`/[seed<k>/]<crop set>/ for the `sets` under `crops`, and `out`/status.json, whole or not at all.

    A bundle of several seeds gives features of each.

    `settings` is the section of the backbone called `name`: `family` is its module in backbones/ and the rest
    that module's Config, but for `store`, a `Store`, float16 by default, and `only`, a list of crop sets, all
    without it.
    Where the bundle `assets` is skipped, a package is absent or a map cannot be stored, there is nothing but
    status.json with the reason.
    Raises ConfigError for unknown names and settings, and what `load` and `extract` raise.
    """
    options, chosen = _chosen(name, settings, sets)
    store = options.pop("store", "float16")
    if store not in TORCH:
        raise ConfigError(f"{name}.store is {store}", nearest(str(store), list(TORCH)))
    weights = bundle.read(assets)
    reason = weights.reason
    with files.fresh_directory(out) as folder:
        if weights.status == "ok":
            seeds = [Path(path.name) for path in seed_folders(assets)] or [Path()]
            try:
                for seed in seeds:
                    backbone = load(name, options, bundle.read(assets / seed), device)
                    for one in chosen:
                        at = seed / one
                        extract(backbone, crop_sets.read(crops / one), folder / at, store, partial / at)
            except PackageAbsent as error:
                reason = str(error)
            except Unfit as error:
                reason = f"{error.cause}; {error.remedy}"
                for whole in folder.iterdir():
                    shutil.rmtree(whole)
        files.write_json(folder / STATUS, {"status": "skipped" if reason else "ok", "reason": reason})
    shutil.rmtree(partial, ignore_errors=True)


def _chosen(name: str, settings: Mapping[str, Any], sets: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """Return a backbone's section without `source` and `only`, and the crop sets that it names."""
    options = dict(settings)
    options.pop("source", None)  # where the pipeline takes the bundle from
    only = options.pop("only", list(sets))
    for one in only:
        if one not in sets:
            raise ConfigError(f"{name}.only names {one}, which is no crop set", nearest(str(one), list(sets)))
    return options, [one for one in sets if one in only]


def _begin(card: FeaturesCard, partial: Path) -> None:
    """Leave an array in `partial` that may be gone on with: one begun with the same card, or a new one."""
    about = card.model_dump(mode="json")
    try:
        if (partial / ARRAY).is_file() and files.read_json(partial / CARD) == files.rounded(about):
            return
    except (OSError, ValueError):
        pass  # A damaged state is none.
    with files.fresh_directory(partial) as folder:
        with (folder / ARRAY).open("wb") as file:
            _write_header(file, card)
        files.write_json(folder / CARD, about)


def _write_header(file: BinaryIO, card: FeaturesCard) -> None:
    about = {"descr": STORED[card.dtype].str, "fortran_order": False, "shape": card.shape}
    np.lib.format.write_array_header_1_0(file, about)


def _rewind(file: BinaryIO, card: FeaturesCard, batch: int) -> int:
    """Return how many rows of an array that was begun are finished, whole batches, and stand behind them."""
    file.seek(0)
    _write_header(file, card)
    begin, row = file.tell(), STORED[card.dtype].itemsize * int(np.prod(card.shape[1:]))
    rows = max(0, file.seek(0, os.SEEK_END) - begin) // row
    done = card.shape[0] if rows >= card.shape[0] else rows // batch * batch
    file.truncate(begin + done * row)
    file.seek(0, os.SEEK_END)
    return done


def _put(source: Path, target: Path) -> None:
    """Make a file appear at a second place, without a copy where the file system can."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
