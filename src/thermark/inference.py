"""All contestants on all data sets: what is predicted already, from the same things, is not predicted again.

A file of predictions is known by a key, a hash of all that it depends on: the contestant's section, its code and
tables, its weights, the data. Keys lie beside the files, in KEYS, with the sums of the files.
"""

import json
import shutil
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import PositiveInt

from thermark.core import arithmetic, bundle, files
from thermark.core.config import Section, nearest, parse
from thermark.core.errors import ConfigError, DataError
from thermark.core.moved import Moves
from thermark.core.pictures import BASE
from thermark.core.predictions import Predictions, file_name
from thermark.core.runs import seed_folder, seed_folders, seed_numbers, skipped
from thermark.core.scored import Split
from thermark.predictors import mean_shape, predict_all
from thermark.zeroshot import run as frames
from thermark.zeroshot.run import PROVIDERS

KEYS = "keys.json"
PROMPTED = ("learned", "mean_shape")  # families that see packed crops; all others see whole frames
Keys = dict[str, str]


class Config(frames.Config):
    """How patient the pipeline is with contestants, of which so many run `together`, in processes of their own."""

    together: PositiveInt = 2


class Learned(Section):
    """A run of ours on packed crops: its section of params.yaml."""

    family: str
    run: str


@dataclass(frozen=True)
class Places:
    """Where contestants find things: `weights`/<bundle>/ or `exported`/<bundle>/, `models`/<run>/, and the data.

    `faces`/<dataset>/, `reports`/<dataset>.json, `frames`/<dataset>/<variant>/, `framed`/<dataset>.json.
    """

    weights: Path
    exported: Path
    models: Path
    faces: Path
    reports: Path
    frames: Path
    framed: Path

    def bundle(self, name: str) -> Path:
        """Return the folder of a bundle: runs of ours in ONNX stand in the place of weights from elsewhere."""
        own = self.exported / name
        return own if own.is_dir() else self.weights / name


@dataclass(frozen=True)
class Setting:
    """What all contestants share: which faces count, where things are, hashes of code, versions of packages.

    `moves`: on which data sets boxes are moved, and how.
    """

    config: Config
    datasets: Mapping[str, Split]
    places: Places
    code: Mapping[str, Any]
    versions: Mapping[str, Any]
    moves: Moves = field(default_factory=dict)


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
    missing = {_dataset(path) for path in wanted.keys() - held.keys()} & here
    with files.fresh_directory(out / name) as folder:
        _predict(name, section, missing, setting, folder)
        if missing < here and _failed(folder):
            # Whoever breaks anywhere has failed everywhere, whichever sets were there before.
            for old in folder.iterdir():
                shutil.rmtree(old) if old.is_dir() else old.unlink()
            held = {}
            _predict(name, section, set(here), setting, folder)
        for path in sorted(path for path in wanted.keys() - held.keys() if _dataset(path) in absent):
            dataset = _dataset(path)
            data = files.read_json(setting.places.reports / f"{dataset}.json")["fingerprint"]
            (folder / path).parent.mkdir(exist_ok=True)
            Predictions.none(name, data, "skipped", absent[dataset]).save(folder / path)
        for path in held:
            (folder / path).parent.mkdir(exist_ok=True)
            shutil.copyfile(out / name / path, folder / path)
        if not (folder / PROVIDERS).exists() and (out / name / PROVIDERS).is_file() and held:
            shutil.copyfile(out / name / PROVIDERS, folder / PROVIDERS)
        made = {path: {"key": key, "sha256": files.sha256(folder / path)} for path, key in wanted.items()}
        files.write_json(folder / KEYS, made)
    print(f"{name}: {_told(out / name, wanted)}", file=sys.stderr)


def keys(name: str, section: Mapping[str, Any], setting: Setting) -> Keys:
    """Return the file of each prediction of a contestant and the hash of all that it depends on.

    Raises ConfigError for an unknown family.
    """
    family = str(section.get("family"))
    if family not in setting.code["predict"]:
        raise ConfigError(
            f"contestants.{name}.family is {family}", nearest(family, sorted(setting.code["predict"]))
        )
    shared = [name, dict(section), setting.code["predict"][family], dict(setting.versions)]
    shared += [arithmetic.mode()]
    if family == "mean_shape":
        learned_from = files.read_json(setting.places.reports / f"{_mean(section, name).train}.json")[
            "fingerprint"
        ]
        return _prompted([*shared, learned_from], setting)
    if family == "learned":
        model = _model(parse(dict(section), Learned, f"contestants.{name}").run, setting)
        if skipped(model):
            return _prompted([*shared, _sums(model)], setting)
        folders = seed_folders(model)
        if not folders:
            raise DataError(f"the run {model.name} has no seed", "run `dvc repro`, which trains it")
        tables = setting.code["landmarks"]
        return {
            f"{seed.name}/{file}": key
            for seed in folders
            for file, key in _prompted([*shared, _sums(seed), tables], setting).items()
        }
    told, trained = _weights(section, setting)
    plain = _framed([*shared, *told], setting)
    seeds = seed_numbers(trained or setting.places.bundle(str(section["weights"])))
    sums = {f"seed{seed}/": _sums(seed_folder(trained, seed)) if trained else {} for seed in seeds} or {"": {}}
    return {f"{place}{file}": _hash([key, sum_]) for place, sum_ in sums.items() for file, key in plain.items()}


def _prompted(shared: list[Any], setting: Setting) -> Keys:
    """Return the key of each data set for somebody who sees packed crops."""
    found = {}
    for dataset, split in setting.datasets.items():
        data = files.read_json(setting.places.reports / f"{dataset}.json")["fingerprint"]
        found[file_name(dataset)] = _hash([*shared, data, split])
        found |= _moved(dataset, [*shared, data, split], setting)
    return found


def _framed(shared: list[Any], setting: Setting) -> Keys:
    """Return the key of each data set and variant for somebody who sees whole frames."""
    found = {}
    for dataset, split in setting.datasets.items():
        data = files.read_json(setting.places.framed / f"{dataset}.json")
        for variant in data["variants"]:
            found[file_name(dataset, variant)] = _hash([*shared, data, split, variant])
        if twice := sorted(data["variants"].keys() & setting.moves.get(dataset, {})):
            raise ConfigError(f"frames.{dataset}.variants.{twice[0]} has the name of moved boxes", "rename it")
        found |= _moved(dataset, [*shared, data, split], setting)
    return found


def _moved(dataset: str, shared: list[Any], setting: Setting) -> Keys:
    """Return the key of each variant of a data set in which boxes are moved."""
    moves = setting.moves.get(dataset, {})
    return {file_name(dataset, name): _hash([*shared, name, asdict(move)]) for name, move in moves.items()}


def _weights(section: Mapping[str, Any], setting: Setting) -> tuple[list[Any], Path | None]:
    """Return what is known of the weights of somebody who sees whole frames, and the folder of a run of ours."""
    held = bundle.read(setting.places.bundle(str(section["weights"])))
    names = {str(card.get("vocabulary")) for card in held.cards.values()}
    sums = {name: card.get("sha256") or files.sha256(held.folder / name) for name, card in held.cards.items()}
    told = [held.status, held.reason, sums, {name: dict(card) for name, card in held.cards.items()}]
    told.append({name: setting.code["landmarks"].get(name) for name in sorted(names)})
    model = _model(str(section["run"]), setting) if "run" in section and held.status == "ok" else None
    if model is not None and skipped(model):
        told.append(_sums(model))
    return told, model


def _model(run: str, setting: Setting) -> Path:
    """Return the folder of a run; raises ConfigError when there is none."""
    path = setting.places.models / run
    if not path.is_dir():
        known = sorted(each.name for each in setting.places.models.iterdir() if each.is_dir())
        raise ConfigError(f"there is no run {run}", nearest(run, known))
    return path


def _sums(folder: Path) -> dict[str, str]:
    """Return the sha256 of every file below a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): files.sha256(path) for path in paths}


def _hash(told: list[Any]) -> str:
    return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:20]


def _held(folder: Path, wanted: Keys) -> Keys:
    """Return the files that are there, whole, from the same things, and that are no failure."""
    try:
        known = files.read_json(folder / KEYS)
        return {
            path: key
            for path, key in wanted.items()
            if known[path]["key"] == key
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


def _predict(name: str, section: Mapping[str, Any], missing: set[str], setting: Setting, folder: Path) -> None:
    """Write the predictions of the data sets `missing` into a folder."""
    if not missing:
        return None
    places = setting.places
    if section["family"] in PROMPTED:
        return _on_crops(name, section, {each: setting.datasets[each] for each in missing}, setting, folder)
    held = bundle.read(places.bundle(str(section["weights"])))
    model = _model(str(section["run"]), setting) if "run" in section and held.status == "ok" else None
    where = frames.Places(held.folder, model, places.faces, places.frames, places.framed)
    scratch = folder / "new"
    frames.predict_all(
        name, section, setting.config, setting.datasets, where, scratch, missing, moves=setting.moves
    )
    return _up(scratch, folder)


def _on_crops(
    name: str, section: Mapping[str, Any], datasets: Mapping[str, Split], setting: Setting, folder: Path
) -> None:
    """Run a contestant that sees packed crops, in this process."""
    places, moves = setting.places, setting.moves
    if section["family"] == "mean_shape":
        predictor = mean_shape.load(_mean(section, name), places.faces)
        return predict_all(predictor, name, datasets, places.faces, places.reports, folder, moves)
    # Imported here: it brings PyTorch, for which whoever has nothing to predict need not wait.
    from thermark.predictors import learned

    model = places.models / str(section["run"])
    if why := skipped(model):
        reason = f"{section['run']} was not trained: {why}"
        for dataset in datasets:
            data = files.read_json(places.reports / f"{dataset}.json")["fingerprint"]
            for variant in (BASE, *moves.get(dataset, {})):
                Predictions.none(name, data, "skipped", reason).save(folder / file_name(dataset, variant))
        return None
    scratch = folder / "new"
    learned.predict_run(model, name, datasets, places.faces, places.reports, scratch, moves)
    return _up(scratch, folder)


def _mean(section: Mapping[str, Any], name: str) -> mean_shape.Config:
    own = {key: each for key, each in section.items() if key != "family"}
    return parse(own, mean_shape.Config, f"contestants.{name}")


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
