"""All contestants on all data sets: what is predicted already, from the same things, is not predicted again.

A prediction file is known by its key (keys.py). Keys lie beside the files, in KEYS, with sums.
"""

import shutil
import sys
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from thermark.core import files
from thermark.core.errors import DataError
from thermark.core.predictions import Predictions
from thermark.core.runs import skipped
from thermark.models.inference import contestant, crops
from thermark.models.inference.contestant import PROVIDERS
from thermark.models.inference.contract import CropModel
from thermark.models.inference.families import CROP_FAMILIES
from thermark.models.inference.keys import Keys, keys
from thermark.models.inference.setting import PredictionPaths, Setting

KEYS = "keys.json"


def predict_everyone(contestants: Mapping[str, Mapping[str, Any]], setting: Setting, out: Path) -> None:
    """Bring `out`/<contestant>/[seed<k>/]<dataset>[@<variant>].npz up to date, one contestant whole or not at all.

    Folders of contestants that are not listed go. One that cannot run is `skipped`, one that breaks is `failed`,
    with a reason in place of predictions; a failed one is tried again each time. Raises what a contestant raises,
    after all others are done: ConfigError for an unknown family or setting, DataError for damaged files.
    """
    out.mkdir(parents=True, exist_ok=True)
    for folder in out.iterdir():
        if folder.name not in contestants:
            shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
    with ThreadPoolExecutor(setting.config.together) as pool:
        tasks = [pool.submit(_update, name, section, setting, out) for name, section in contestants.items()]
    errors = [error for task in tasks if (error := task.exception())]
    if errors:
        raise errors[0]


def _update(name: str, section: Mapping[str, Any], setting: Setting, out: Path) -> None:
    expected = keys(name, section, setting)
    valid = _valid(out / name, expected)
    if valid.keys() == expected.keys() == _present(out / name):
        return
    absent = {name: reason for name in setting.datasets if (reason := skipped(setting.paths.faces / name))}
    every = {Path(path).name for path in expected if _dataset(path) in setting.datasets.keys() - absent}
    missing = {Path(path).name for path in expected.keys() - valid.keys()} & every
    with files.fresh_directory(out / name) as folder:
        _predict(name, section, missing, setting, folder)
        if missing < every and _failed(folder):
            # One that breaks anywhere has failed everywhere, whichever sets were predicted before.
            for old in folder.iterdir():
                shutil.rmtree(old) if old.is_dir() else old.unlink()
            valid = {}
            _predict(name, section, every, setting, folder)
        for path in sorted(path for path in expected.keys() - valid.keys() if _dataset(path) in absent):
            _write_none(name, folder / path, absent[_dataset(path)], setting)
        for path in valid:
            (folder / path).parent.mkdir(exist_ok=True)
            shutil.copyfile(out / name / path, folder / path)
        if not (folder / PROVIDERS).exists() and (out / name / PROVIDERS).is_file() and valid:
            shutil.copyfile(out / name / PROVIDERS, folder / PROVIDERS)
        entries = {path: {"key": key, "sha256": files.sha256(folder / path)} for path, key in expected.items()}
        files.write_json(folder / KEYS, entries)
    print(f"{name}: {_summary(out / name, expected)}", file=sys.stderr)


def _valid(folder: Path, expected: Keys) -> Keys:
    """Return the files that are present, whole, from the same things, and that are no failure."""
    try:
        stored = files.read_json(folder / KEYS)
        return {
            path: key
            for path, key in expected.items()
            if path in stored
            and stored[path]["key"] == key
            and files.sha256(folder / path) == stored[path]["sha256"]
            and Predictions.open(folder / path).status != "failed"
        }
    except (OSError, ValueError, KeyError, TypeError, DataError):
        return {}


def _present(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.npz")}


def _dataset(path: str) -> str:
    return Path(path).stem.split("@")[0]


def _failed(folder: Path) -> bool:
    return any(Predictions.open(path).status == "failed" for path in folder.rglob("*.npz"))


def _predict(
    name: str, section: Mapping[str, Any], missing: Collection[str], setting: Setting, folder: Path
) -> None:
    """Write the predictions that are `missing`, by the names of their files, into a folder."""
    if not missing:
        return
    if section["family"] not in CROP_FAMILIES:
        contestant.predict_all(name, section, setting, folder, missing)
    elif reason := untrained(section, setting.paths):
        for file in sorted(missing):
            _write_none(name, folder / file, reason, setting)
    else:
        datasets = sorted(set(map(_dataset, missing)))
        for assets, out in contestant.seeds(section, setting, folder):
            # Not in a process of its own: importing PyTorch again costs more than such a model takes.
            model = contestant.load_model(name, section, assets).get()
            assert isinstance(model, CropModel)
            out.mkdir(exist_ok=True)
            crops.predict_all(model, name, setting, datasets, out, missing)


def untrained(section: Mapping[str, Any], paths: PredictionPaths) -> str:
    """Return why a model on packed crops was not trained, or nothing."""
    if section["family"] == "mean_shape":
        return skipped(paths.faces / str(section["train"])) or ""
    reason = skipped(paths.models / str(section["run"]))
    return f"{section['run']} was not trained: {reason}" if reason else ""


def _write_none(name: str, path: Path, reason: str, setting: Setting) -> None:
    """Write, in place of predictions, why there are none."""
    data = files.read_json(setting.paths.reports / f"{_dataset(str(path))}.json")["fingerprint"]
    path.parent.mkdir(exist_ok=True)
    Predictions.none(name, data, "skipped", reason).save(path)


def _summary(folder: Path, expected: Keys) -> str:
    """Return in one line what a contestant predicted."""
    predictions = [Predictions.open(folder / path) for path in expected]
    reasons = sorted({one.reason for one in predictions if one.status != "ok"})
    ok = [one for one in predictions if one.status == "ok"]
    faces = sum(int(np.isfinite(one.xy).all(axis=-1).any(axis=-1).sum()) for one in ok)
    return "; ".join([f"{faces} answers in {len(ok)} files"] * bool(ok) + reasons)
