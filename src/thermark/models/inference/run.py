"""One zero-shot contestant on every data set and variant: predictions, or the reason why there are none."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat

from thermark.core import bundle, files, packed_images
from thermark.core.config import Section, nearest, parse
from thermark.core.errors import ConfigError
from thermark.core.faces import Faces, open_table
from thermark.core.jitter import Jitter, ShiftedImages, shift_faces, shift_images
from thermark.core.packed_images import BASE, PackedImages
from thermark.core.perturbations import NO_PERTURBATIONS, BoxPerturbation, Perturbations, perturb_boxes
from thermark.core.predictions import Predictions, Status, file_name
from thermark.core.runs import matching, seed_folder, seed_numbers
from thermark.core.scored_splits import Split
from thermark.models.inference.contract import Held, Unavailable, providers
from thermark.models.inference.sweep import Broken, sweep
from thermark.models.inference.watchdog import Beat, Ended, watched

PROVIDERS = "providers.json"
UNTOLD = "it is not told the prompts, which are what moves"
Shown = Mapping[str, tuple[str, list[str]]]  # data set -> its fingerprint, and the variants to predict


class Config(Section):
    """How patient the pipeline is with contestants.

    `max_failed`: the fraction of a data set's images on which one may raise an error; `silence`: seconds without a
    finished batch after which it counts as hanging (the first batch includes loading the model).
    """

    max_failed: float = Field(default=0.05, ge=0, le=1)
    silence: PositiveFloat = 900.0


@dataclass(frozen=True)
class Places:
    """Where a contestant finds its weights and the data: `assets` is its bundle, `model` a run or None.

    `faces`/<dataset>/, `frames`/<dataset>/<variant>/, `framed`/<dataset>.json.
    """

    assets: Path
    model: Path | None
    faces: Path
    frames: Path
    framed: Path


def predict_all(
    contestant: str,
    settings: Mapping[str, Any],
    patience: Config,
    datasets: Mapping[str, Split],
    places: Places,
    out: Path,
    missing: Collection[str] | None = None,
    moves: Perturbations = NO_PERTURBATIONS,
) -> None:
    """Write `out`/<dataset>.npz and `out`/<dataset>@<variant>.npz, whole or not at all.

    Of these files those that are `missing`, by default all; of a contestant with a run of several seeds into
    `out`/seed<k>/ for each, as of weights with several seeds. Variants are those of the pictures and the `moves`
    of boxes and pictures; whoever is not told the prompts is `skipped` where boxes move.

    Beside them PROVIDERS says what onnxruntime really ran on, if it was used: it may fall back to the CPU.

    `settings` is the contestant's section, of which `only` lists data sets, where not all are meant, and
    `family` names a module of predictors/ that knows its type: it is imported where the weights are there, for
    that takes seconds. Whoever cannot run, for want of weights or a package, is `skipped`; whoever hangs, dies
    or fails on too many images is `failed`, on every data set. Raises DataError for damaged weights and
    unprepared data, SetupError for a device that was asked for and is absent.
    """
    weights = bundle.read(places.assets)
    shown = _shown(datasets, places.framed, missing, moves)
    wanted, own = _split(settings, datasets)
    there = {name: split for name, split in wanted.items() if name in shown}
    with files.fresh_directory(out) as folder:
        status: Status = "skipped"
        reason = weights.reason
        if weights.status == "ok":
            try:
                if there:
                    told = (contestant, own, patience, there, shown, places, folder, moves)
                    watched(_predict, patience.silence, *told)
                status, reason = "skipped", f"its settings say `only: [{', '.join(wanted)}]`"
                shown = {name: each for name, each in shown.items() if name not in wanted}
            except Absent as error:
                reason = str(error)
            except Ended as error:
                status, reason = "failed", str(error)
        for _, _, place in turns(places, folder):
            for name, (data, variants) in shown.items():
                for variant in variants:
                    said = Predictions.none(contestant, data, status, reason)
                    said.save(place / file_name(name, variant))


def _shown(
    datasets: Collection[str], framed: Path, missing: Collection[str] | None, moves: Perturbations
) -> Shown:
    shown = {}
    for name in datasets:
        about = files.read_json(framed / f"{name}.json")
        variants = [*about["variants"], *moves.get(name, {})]
        if kept := [each for each in variants if missing is None or file_name(name, each) in missing]:
            shown[name] = (str(about["data"]), kept)
    return shown


def turns(places: Places, folder: Path) -> list[tuple[Path, list[Path], Path]]:
    """Return, for each seed or once, the bundle, the folder of a run if any, and where predictions go in `folder`.

    Seeds are those of the run, and without one those of the bundle: runs of ours in ONNX have some.
    """
    model = [] if places.model is None else [places.model]
    seeds = seed_numbers(places.model or places.assets)
    turns = [
        (matching(places.assets, seed), [seed_folder(each, seed) for each in model], seed_folder(folder, seed))
        for seed in seeds
    ]
    return turns or [(places.assets, model, folder)]


def _split(settings: Mapping[str, Any], datasets: Mapping[str, Split]) -> tuple[dict[str, Split], dict[str, Any]]:
    """Return the data sets that a section wants (`only`, all by default), and the rest of the section."""
    own = dict(settings)
    only = own.pop("only", list(datasets))
    for name in only:
        if name not in datasets:
            raise ConfigError(f"`only` names {name}, which is not scored", nearest(name, list(datasets)))
    return {name: split for name, split in datasets.items() if name in only}, own


class Absent(Ended):
    """Something that the contestant needs is not on this machine."""


def contestant_of(
    name: str,
    settings: Mapping[str, Any],
    weights: bundle.Bundle,
    more: Sequence[Path] = (),
    device: str = "auto",
    threads: int | None = None,
) -> Held:
    """Return the contestant that a section without `only` describes, to be loaded when it is wanted.

    `more`: the folder of a run's seed, for whoever has a run. `threads` overrules the section's, where it has any.
    Raises Absent for want of a package that its module imports, ConfigError for a wrong section; loading it raises
    Unavailable and what its module says.
    """
    try:
        module = import_module(f"thermark.models.{settings['family']}")
    except ModuleNotFoundError as error:
        raise Absent(f"the package {error.name} is not installed") from error
    own = dict(settings)
    if threads is not None and "threads" in module.Config.model_fields:
        own["threads"] = threads
    return Held(partial(module.load, parse(own, module.Config, name), weights, device, *more))


def _predict(
    beat: Beat,
    contestant: str,
    settings: Mapping[str, Any],
    patience: Config,
    datasets: Mapping[str, Split],
    shown: Shown,
    places: Places,
    folder: Path,
    moves: Perturbations,
) -> None:
    try:
        for assets, more, place in turns(places, folder):
            held = contestant_of(contestant, settings, bundle.read(assets), more)
            _sweep(held, beat, contestant, patience, datasets, shown, places, folder, place, moves)
    except Unavailable as error:
        raise Absent(str(error)) from error
    except Broken as error:
        raise Ended(str(error)) from error


def _sweep(
    held: Held,
    beat: Beat,
    contestant: str,
    patience: Config,
    datasets: Mapping[str, Split],
    shown: Shown,
    places: Places,
    folder: Path,
    place: Path,
    moves: Perturbations,
) -> None:
    """Predict all data sets and variants into `place`; leave in `folder` what onnxruntime ran on."""
    if ran_on := providers(held.get()):
        files.write_json(folder / PROVIDERS, ran_on)
    for name, split in datasets.items():
        table = open_table(places.faces / name)
        data, variants = shown[name]
        for variant in variants:
            move = moves.get(name, {}).get(variant)
            if isinstance(move, BoxPerturbation) and held.get().given != "prompt":
                said = Predictions.none(contestant, data, "skipped", UNTOLD)
            else:
                seen = packed_images.read(places.frames / name / (BASE if move else variant))
                asked = _asked(table, seen, split if move or variant == BASE else "all", move)
                said = sweep(held, contestant, *asked, data, patience.max_failed, beat)
            said.save(place / file_name(name, variant))


def _asked(
    table: Faces, seen: PackedImages, split: Split, move: BoxPerturbation | Jitter | None
) -> tuple[PackedImages | ShiftedImages, Faces, NDArray[np.int64]]:
    """Return the pictures, the faces, and which of them are asked for, where boxes are moved, pictures shifted."""
    scored = (table.splits == "test") | (split == "all")
    if isinstance(move, Jitter):
        own = shift_faces(table, scored, move)
        return shift_images(seen, table, own), own.faces, np.arange(len(own.faces))
    told = table if move is None else replace(table, prompts=perturb_boxes(table.prompts, table.ids, move))
    return seen, told, np.flatnonzero(scored)
