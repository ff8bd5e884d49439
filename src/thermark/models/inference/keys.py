"""What predictions are made from: settings that contestants share, and the key of each prediction file.

A key is a hash of all that a file depends on: the contestant's section, its code and tables, weights, the data.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from thermark.core import arithmetic, bundle, files
from thermark.core.config import nearest, parse
from thermark.core.errors import ConfigError, DataError
from thermark.core.predictions import file_name
from thermark.core.runs import seed_folder, seed_folders, seed_numbers, skipped
from thermark.models import mean_shape
from thermark.models.inference.learned_config import LearnedConfig
from thermark.models.inference.setting import Setting, run_folder

Keys = dict[str, str]
OPTIONAL = {"dlib": "dlib-bin"}  # family -> its package, which is not among the pinned ones of env.json


def keys(name: str, section: Mapping[str, Any], setting: Setting) -> Keys:
    """Return each prediction file of a contestant and the hash of all that it depends on.

    Raises ConfigError for an unknown family.
    """
    family = str(section.get("family"))
    if family not in setting.code["predict"]:
        raise ConfigError(
            f"contestants.{name}.family is {family}", nearest(family, sorted(setting.code["predict"]))
        )
    shared = [name, dict(section), setting.code["predict"][family], dict(setting.versions)]
    shared += [arithmetic.mode(), _optional(family)]
    if family == "mean_shape":
        train = parse(dict(section), mean_shape.Config, f"contestants.{name}").train
        fingerprint = files.read_json(setting.paths.reports / f"{train}.json")["fingerprint"]
        return _on_crops([*shared, fingerprint], setting)
    if family == "learned":
        run_path = run_folder(parse(dict(section), LearnedConfig, f"contestants.{name}").run, setting)
        if skipped(run_path):
            return _on_crops([*shared, _sums(run_path)], setting)
        folders = seed_folders(run_path)
        if not folders:
            raise DataError(f"the run {run_path.name} has no seed", "run `dvc repro`, which trains it")
        tables = setting.code["landmarks"]
        return {
            f"{seed.name}/{file}": key
            for seed in folders
            for file, key in _on_crops([*shared, _sums(seed), tables], setting).items()
        }
    weights, network = _weights(section, setting)
    plain = _on_frames([*shared, *weights], setting)
    seeds = seed_numbers(network or setting.paths.bundle(str(section["weights"])))
    sums = {f"seed{seed}/": _sums(seed_folder(network, seed)) if network else {} for seed in seeds} or {"": {}}
    return {f"{seed}{file}": _hash([key, sum_]) for seed, sum_ in sums.items() for file, key in plain.items()}


def _optional(family: str) -> str | None:
    """Return the version of a package that only this family needs and that is optional, or None."""
    try:
        return version(OPTIONAL[family])
    except (KeyError, PackageNotFoundError):
        return None


def _on_crops(shared: list[Any], setting: Setting) -> Keys:
    """Return the key of each data set for a model that predicts on packed crops."""
    keys = {}
    for dataset, split in setting.datasets.items():
        data = files.read_json(setting.paths.reports / f"{dataset}.json")["fingerprint"]
        keys[file_name(dataset)] = _hash([*shared, data, split])
        keys |= _moved(dataset, [*shared, data, split], setting)
    return keys


def _on_frames(shared: list[Any], setting: Setting) -> Keys:
    """Return the key of each data set and variant for a model that predicts on whole frames."""
    keys = {}
    for dataset, split in setting.datasets.items():
        data = files.read_json(setting.paths.framed / f"{dataset}.json")
        for variant in data["variants"]:
            keys[file_name(dataset, variant)] = _hash([*shared, data, split, variant])
        if twice := sorted(data["variants"].keys() & setting.moves.get(dataset, {})):
            where = f"frames.{dataset}.variants.{twice[0]}"
            raise ConfigError(f"{where} has the name of moved boxes or shifted pictures", "rename it")
        keys |= _moved(dataset, [*shared, data, split], setting)
    return keys


def _moved(dataset: str, shared: list[Any], setting: Setting) -> Keys:
    """Return the key of each variant of a data set in which boxes are moved or pictures shifted."""
    moves = setting.moves.get(dataset, {})
    return {file_name(dataset, name): _hash([*shared, name, asdict(move)]) for name, move in moves.items()}


def _weights(section: Mapping[str, Any], setting: Setting) -> tuple[list[Any], Path | None]:
    """Return what is known of the weights of a model on whole frames, and the folder of its run of ours if any."""
    weights = bundle.read(setting.paths.bundle(str(section["weights"])))
    names = {str(card.get("vocabulary")) for card in weights.cards.values()}
    sums = {
        name: card.get("sha256") or files.sha256(weights.folder / name) for name, card in weights.cards.items()
    }
    inputs = [weights.status, weights.reason, sums, {name: dict(card) for name, card in weights.cards.items()}]
    inputs.append({name: setting.code["landmarks"].get(name) for name in sorted(names)})
    path = run_folder(str(section["run"]), setting) if "run" in section and weights.status == "ok" else None
    if path is not None and skipped(path):
        inputs.append(_sums(path))
    return inputs, path


def _sums(folder: Path) -> dict[str, str]:
    """Return the sha256 of every file below a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): files.sha256(path) for path in paths}


def _hash(content: list[Any]) -> str:
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:20]
