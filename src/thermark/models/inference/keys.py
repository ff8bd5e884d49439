"""What predictions are made from: settings that contestants share, and the key of each file of predictions.

A key is a hash of all that a file depends on: the contestant's section, its code and tables, weights, the data.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from pydantic import PositiveInt

from thermark.core import arithmetic, bundle, files
from thermark.core.config import Section, nearest, parse
from thermark.core.errors import ConfigError, DataError
from thermark.core.perturbations import Perturbations
from thermark.core.predictions import file_name
from thermark.core.runs import seed_folder, seed_folders, seed_numbers, skipped
from thermark.core.scored_splits import Split
from thermark.models import mean_shape
from thermark.models.inference import run as frames

Keys = dict[str, str]
OPTIONAL = {"dlib": "dlib-bin"}  # family -> its package, which is not among the pinned ones of env.json


class Config(frames.Config):
    """How patient the pipeline is with contestants, of which so many run `together`, in processes of their own."""

    together: PositiveInt = 2


class Learned(Section):
    """A run of ours on packed crops: its section of params.yaml; `flip`: see predictors/learned.py."""

    family: str
    run: str
    flip: Literal["aligned", "published", "none"] = "aligned"


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

    `moves`: on which data sets boxes are moved, or pictures shifted, and how.
    """

    config: Config
    datasets: Mapping[str, Split]
    places: Places
    code: Mapping[str, Any]
    versions: Mapping[str, Any]
    moves: Perturbations = field(default_factory=dict)


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
    shared += [arithmetic.mode(), _optional(family)]
    if family == "mean_shape":
        learned_from = files.read_json(setting.places.reports / f"{mean_settings(section, name).train}.json")[
            "fingerprint"
        ]
        return _prompted([*shared, learned_from], setting)
    if family == "learned":
        model = run_folder(parse(dict(section), Learned, f"contestants.{name}").run, setting)
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


def _optional(family: str) -> str | None:
    """Return the version of a package that only this family needs and nobody has to install, or None."""
    try:
        return version(OPTIONAL[family])
    except (KeyError, PackageNotFoundError):
        return None


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
            where = f"frames.{dataset}.variants.{twice[0]}"
            raise ConfigError(f"{where} has the name of moved boxes or shifted pictures", "rename it")
        found |= _moved(dataset, [*shared, data, split], setting)
    return found


def _moved(dataset: str, shared: list[Any], setting: Setting) -> Keys:
    """Return the key of each variant of a data set in which boxes are moved or pictures shifted."""
    moves = setting.moves.get(dataset, {})
    return {file_name(dataset, name): _hash([*shared, name, asdict(move)]) for name, move in moves.items()}


def _weights(section: Mapping[str, Any], setting: Setting) -> tuple[list[Any], Path | None]:
    """Return what is known of the weights of somebody who sees whole frames, and the folder of a run of ours."""
    held = bundle.read(setting.places.bundle(str(section["weights"])))
    names = {str(card.get("vocabulary")) for card in held.cards.values()}
    sums = {name: card.get("sha256") or files.sha256(held.folder / name) for name, card in held.cards.items()}
    told = [held.status, held.reason, sums, {name: dict(card) for name, card in held.cards.items()}]
    told.append({name: setting.code["landmarks"].get(name) for name in sorted(names)})
    model = run_folder(str(section["run"]), setting) if "run" in section and held.status == "ok" else None
    if model is not None and skipped(model):
        told.append(_sums(model))
    return told, model


def run_folder(run: str, setting: Setting) -> Path:
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


def mean_settings(section: Mapping[str, Any], name: str) -> mean_shape.Config:
    """Return the settings of a mean shape; raises ConfigError for anything else in its section."""
    own = {key: each for key, each in section.items() if key != "family"}
    return parse(own, mean_shape.Config, f"contestants.{name}")
