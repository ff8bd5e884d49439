"""What a calibration writes to disk, and a head with its backbone from there or from a run and a bundle."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from thermark.calibrate.options import UNITS
from thermark.calibrate.pictures import ThermalTone
from thermark.calibrate.table import require_writable
from thermark.core import bundle, files
from thermark.core.bundle import Bundle
from thermark.core.errors import ConfigError, DataError, SetupError, in_one_line
from thermark.core.radiometry import Tone
from thermark.core.runs import matching, seed_folder, seed_folders, seed_number, skipped
from thermark.fewshot import model
from thermark.fewshot.model import HeadModel, PackageAbsent

ACCOUNT, BACKBONE = "calibration.json", "backbone"
CARDS = ("head.json", "model.json")
T = TypeVar("T")


def require_free(out: Path) -> None:
    """Raise ConfigError unless `out` is absent, empty, or an earlier calibration, which may be replaced."""
    current = Path.cwd()
    if out.resolve() in (current, *current.parents):
        raise ConfigError(f"{out} is the folder that you are in", "choose another --out")
    if out.exists() and not (out.is_dir() and ((out / ACCOUNT).is_file() or not any(out.iterdir()))):
        raise ConfigError(f"{out} holds something else than a calibration", "choose another --out")
    require_writable(out)


def loaded(seed: Path, weights: Path | None) -> tuple[HeadModel, Bundle]:
    """Return the head in a seed's folder (`only_seed`) and the bundle below it, by default its calibration's.

    Raises DataError for what is absent or damaged, SetupError for want of a package.
    """
    below = backbone(seed, weights)
    try:
        return model.load(seed, below, "auto"), below
    except PackageAbsent as error:
        raise SetupError(f"the backbone cannot run: {error}", "install requirements.txt") from error


def only_seed(folder: Path) -> Path:
    """Return the folder of a head or network: itself, or the first seed of a run (said when there are more).

    Raises DataError when there is none.
    """
    if any((folder / name).is_file() for name in CARDS):
        return folder
    seeds = seed_folders(folder)
    if not seeds and skipped(folder):
        return seed_folder(folder, 0)  # reading it raises the reason
    if not seeds:
        raise DataError(
            f"{folder} holds no trained head or network", "give the folder of a run, or one of its seed<k>"
        )
    if len(seeds) > 1:
        print(f"{folder}: {seeds[0].name} of {len(seeds)} is used", file=sys.stderr)
    return seeds[0]


def backbone(seed: Path, weights: Path | None) -> Bundle:
    """Return the bundle of a head's backbone, of several seeds that of its own.

    Raises DataError when it is absent or was skipped.
    """
    number = seed_number(seed)
    if weights and number is not None:
        weights = matching(weights, number)
    folders = [weights] if weights else [root / BACKBONE for root in (seed.parent, seed)]
    folder = next((path for path in folders if path.is_dir()), None)
    if folder is None:
        raise DataError(f"there is no backbone in {folders[0]}", "name its bundle with --weights")
    weights_bundle = bundle.read(folder)
    if weights_bundle.status != "ok":
        raise DataError(f"the backbone {folder.name} is not here: {weights_bundle.reason}", "run `make weights`")
    return weights_bundle


def copy(source: Bundle, target: Path) -> None:
    """Write a bundle with all its files as `target`, as further names of the same bytes where that is possible."""
    target.mkdir()
    for name in source.cards:
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source.file(name), place)
        except OSError:
            shutil.copyfile(source.file(name), place)
    bundle.write(target, source.status, source.reason, source.cards)


def heat(seed: Path) -> ThermalTone | None:
    """Return how a calibration made temperatures grey, None where it did not and for other predictors."""
    stored = _from_account(
        seed, lambda account: account["tone"] and (account["tone"], account.get("unit", UNITS[0]))
    )
    try:
        return None if stored is None else ThermalTone(Tone.model_validate(stored[0]), stored[1])
    except ValueError as error:
        raise _damaged(seed, error) from error


def learned(seed: Path) -> dict[str, list[str]]:
    """Return the sha256 of the `pictures` and `labels` files that a calibration's head has learned from.

    Those of the calibrations that it was begun from are among them; for other heads both lists are empty.
    """
    kinds = ("pictures", "labels")
    stored = _from_account(seed, lambda account: {kind: [*map(str, account["learned"][kind])] for kind in kinds})
    return stored or {kind: [] for kind in kinds}


def _from_account(seed: Path, take: Callable[[Any], T]) -> T | None:
    """Return what `take` finds in the account beside a seed's folder, None where there is no account."""
    path = seed.parent / ACCOUNT
    if not path.is_file():
        return None
    try:
        return take(files.read_json(path))
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(seed, error) from error


def _damaged(seed: Path, error: Exception) -> DataError:
    return DataError(f"{seed.parent / ACCOUNT} is damaged: {in_one_line(error)}", "calibrate again")
