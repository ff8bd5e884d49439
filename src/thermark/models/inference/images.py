"""All contestants on all data sets: what is predicted already, from the same things, is not predicted again.

A file of predictions is known by its key (prediction_keys.py). Keys lie beside the files, in KEYS, with sums.
"""

import shutil
import sys
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from thermark.core import bundle, files
from thermark.core.config import parse
from thermark.core.errors import DataError
from thermark.core.predictions import Predictions
from thermark.core.runs import skipped
from thermark.models import mean_shape, predict_all
from thermark.models.inference import run as frames
from thermark.models.inference.keys import Keys, Learned, Places, Setting, keys, mean_settings, run_folder
from thermark.models.inference.run import PROVIDERS

KEYS = "keys.json"
PROMPTED = ("learned", "mean_shape")  # families that see packed crops; all others see whole frames


def predict_everyone(contestants: Mapping[str, Mapping[str, Any]], setting: Setting, out: Path) -> None:
    """Bring `out`/<contestant>/[seed<k>/]<dataset>[@<variant>].npz up to date, one contestant whole or not at all.

    Folders of contestants that are not listed go. Who cannot run is `skipped`, who breaks is `failed`, with a
    reason in place of predictions; who failed is tried again each time. Raises what a contestant raises, after all
    others are done: ConfigError for an unknown family or setting, DataError for damaged weights and data.
    """
    out.mkdir(parents=True, exist_ok=True)
    for folder in out.iterdir():
        if folder.name not in contestants:
            shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
    with ThreadPoolExecutor(setting.config.together) as pool:
        done = [pool.submit(_one, name, section, setting, out) for name, section in contestants.items()]
    errors = [error for each in done if (error := each.exception())]
    if errors:
        raise errors[0]


def _one(name: str, section: Mapping[str, Any], setting: Setting, out: Path) -> None:
    wanted = keys(name, section, setting)
    held = _held(out / name, wanted)
    if held.keys() == wanted.keys() == _there(out / name):
        return
    absent = {each: reason for each in setting.datasets if (reason := skipped(setting.places.faces / each))}
    here = setting.datasets.keys() - absent
    every = {Path(path).name for path in wanted if _dataset(path) in here}
    missing = {Path(path).name for path in wanted.keys() - held.keys()} & every
    with files.fresh_directory(out / name) as folder:
        _predict(name, section, missing, setting, folder)
        if missing < every and _failed(folder):
            # Whoever breaks anywhere has failed everywhere, whichever sets were there before.
            for old in folder.iterdir():
                shutil.rmtree(old) if old.is_dir() else old.unlink()
            held = {}
            _predict(name, section, every, setting, folder)
        for path in sorted(path for path in wanted.keys() - held.keys() if _dataset(path) in absent):
            _none(name, folder / path, absent[_dataset(path)], setting)
        for path in held:
            (folder / path).parent.mkdir(exist_ok=True)
            shutil.copyfile(out / name / path, folder / path)
        if not (folder / PROVIDERS).exists() and (out / name / PROVIDERS).is_file() and held:
            shutil.copyfile(out / name / PROVIDERS, folder / PROVIDERS)
        made = {path: {"key": key, "sha256": files.sha256(folder / path)} for path, key in wanted.items()}
        files.write_json(folder / KEYS, made)
    print(f"{name}: {_told(out / name, wanted)}", file=sys.stderr)


def _held(folder: Path, wanted: Keys) -> Keys:
    """Return the files that are there, whole, from the same things, and that are no failure."""
    try:
        known = files.read_json(folder / KEYS)
        return {
            path: key
            for path, key in wanted.items()
            if path in known
            and known[path]["key"] == key
            and files.sha256(folder / path) == known[path]["sha256"]
            and Predictions.open(folder / path).status != "failed"
        }
    except (OSError, ValueError, KeyError, TypeError, DataError):
        return {}


def _there(folder: Path) -> set[str]:
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
        return None
    places = setting.places
    if section["family"] in PROMPTED:
        return _on_crops(name, section, missing, setting, folder)
    held = bundle.read(places.bundle(str(section["weights"])))
    model = run_folder(str(section["run"]), setting) if "run" in section and held.status == "ok" else None
    where = frames.Places(held.folder, model, places.faces, places.frames, places.framed)
    scratch = folder / "new"
    frames.predict_all(
        name, section, setting.config, setting.datasets, where, scratch, missing, moves=setting.moves
    )
    return _up(scratch, folder)


def _on_crops(
    name: str, section: Mapping[str, Any], missing: Collection[str], setting: Setting, folder: Path
) -> None:
    """Run a contestant that sees packed crops, in this process."""
    places, moves = setting.places, setting.moves
    if why := untaught(name, section, places):
        for file in sorted(missing):
            _none(name, folder / file, why, setting)
        return None
    datasets = {each: setting.datasets[each] for each in sorted(set(map(_dataset, missing)))}
    if section["family"] == "mean_shape":
        predictor = mean_shape.load(mean_settings(section, name), places.faces)
        return predict_all(predictor, name, datasets, places.faces, places.reports, folder, moves, missing)
    # Imported here: it brings PyTorch, for which whoever has nothing to predict need not wait.
    from thermark.models import learned

    model = places.models / str(section["run"])
    scratch = folder / "new"
    flip = parse(dict(section), Learned, f"contestants.{name}").flip
    learned.predict_run(model, name, datasets, places.faces, places.reports, scratch, moves, flip, missing)
    return _up(scratch, folder)


def untaught(name: str, section: Mapping[str, Any], places: Places) -> str:
    """Return why somebody who sees packed crops has learned nothing, or nothing."""
    if section["family"] == "mean_shape":
        return skipped(places.faces / mean_settings(section, name).train) or ""
    why = skipped(places.models / str(section["run"]))
    return f"{section['run']} was not trained: {why}" if why else ""


def _none(name: str, path: Path, reason: str, setting: Setting) -> None:
    """Write, in place of predictions, why there are none."""
    data = files.read_json(setting.places.reports / f"{_dataset(str(path))}.json")["fingerprint"]
    path.parent.mkdir(exist_ok=True)
    Predictions.none(name, data, "skipped", reason).save(path)


def _up(scratch: Path, folder: Path) -> None:
    """Move what lies in a scratch folder up into the folder that holds it."""
    for path in scratch.iterdir():
        path.replace(folder / path.name)
    scratch.rmdir()


def _told(folder: Path, wanted: Keys) -> str:
    """Return in one line what came of a contestant."""
    said = [Predictions.open(folder / path) for path in wanted]
    idle = sorted({one.reason for one in said if one.status != "ok"})
    ran = sum(one.status == "ok" for one in said)
    found = sum(int(np.isfinite(one.xy).all(axis=-1).any(axis=-1).sum()) for one in said if one.status == "ok")
    return "; ".join([f"{found} answers in {ran} files"] * bool(ran) + idle)
