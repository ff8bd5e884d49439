"""One contestant: its model, and its predictions on frames of every data set, or the reason why there are none."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.core import bundle, files, packed_images
from thermark.core.config import nearest, parse
from thermark.core.errors import ConfigError
from thermark.core.faces import Faces, open_table
from thermark.core.jitter import Jitter, ShiftedImages, shift_faces, shift_images
from thermark.core.packed_images import BASE, PackedImages
from thermark.core.perturbations import BoxPerturbation, perturb_boxes
from thermark.core.predictions import Predictions, Status, file_name
from thermark.core.runs import matching, seed_folder, seed_numbers
from thermark.core.scored_splits import Split
from thermark.models.inference.contract import NO_WEIGHTS, Assets, LazyModel, Unavailable, providers
from thermark.models.inference.setting import Setting, own_paths
from thermark.models.inference.sweep import Broken, sweep
from thermark.models.inference.watchdog import Beat, Ended, run_watched

PROVIDERS = "providers.json"
NO_PROMPTS = "it is not told the prompts, which are what moves"
Variants = Mapping[str, tuple[str, list[str]]]  # data set -> its fingerprint, and the variants to predict


def predict_all(
    name: str, section: Mapping[str, Any], setting: Setting, folder: Path, missing: Collection[str] | None = None
) -> None:
    """Write <dataset>.npz and <dataset>@<variant>.npz into the existing `folder`.

    Of these files those that are `missing`, by default all; of a contestant with a run of several seeds into
    `folder`/seed<k>/ for each, as of weights with several seeds. Variants are those of the frames and the `moves`
    of boxes and images; a model that is not given the prompts is `skipped` where boxes move.

    Beside them PROVIDERS states what onnxruntime really ran on, if it was used: it may fall back to the CPU.

    `section` is the contestant's, of which `only` lists data sets, where not all are meant. A contestant
    that cannot run, for want of weights or a package, is `skipped`; one that hangs, dies or fails on too many
    images is `failed`, on every data set. Raises DataError for damaged weights and unprepared data, SetupError for
    a device that was asked for and is absent.
    """
    weights = _bundle(own_paths(section, setting)[0])
    variants = _variants(setting, missing)
    wanted, plain = _split(section, setting.datasets)
    status: Status = "skipped"
    reason = weights.reason
    if weights.status == "ok":
        try:
            if present := {dataset: variants[dataset] for dataset in wanted if dataset in variants}:
                run_watched(_predict, setting.config.silence, name, plain, setting, present, folder)
            status, reason = "skipped", f"its settings say `only: [{', '.join(wanted)}]`"
            variants = {dataset: change for dataset, change in variants.items() if dataset not in wanted}
        except ContestantAbsent as error:
            reason = str(error)
        except Ended as error:
            status, reason = "failed", str(error)
    for _, out in seeds(section, setting, folder):
        for dataset, (data, names) in variants.items():
            for variant in names:
                Predictions.none(name, data, status, reason).save(out / file_name(dataset, variant))


def _variants(setting: Setting, missing: Collection[str] | None) -> Variants:
    variants = {}
    for name in setting.datasets:
        report = files.read_json(setting.paths.framed / f"{name}.json")
        names = [*report["variants"], *setting.moves.get(name, {})]
        if kept := [variant for variant in names if missing is None or file_name(name, variant) in missing]:
            variants[name] = (str(report["data"]), kept)
    return variants


def seeds(section: Mapping[str, Any], setting: Setting, folder: Path) -> list[tuple[Assets, Path]]:
    """Return, for each seed or once, what the model is loaded from, and where its predictions go in `folder`.

    Seeds are those of the run, and without one those of the bundle: runs of ours in ONNX have some.
    """
    weights, run = own_paths(section, setting)
    with_seeds, faces = run or weights, setting.paths.faces
    numbers = [] if with_seeds is None else seed_numbers(with_seeds)
    if not numbers:
        return [(Assets(_bundle(weights), run, faces), folder)]
    return [
        (
            Assets(
                _bundle(None if weights is None else matching(weights, seed)),
                None if run is None else seed_folder(run, seed),
                faces,
            ),
            seed_folder(folder, seed),
        )
        for seed in numbers
    ]


def _bundle(folder: Path | None) -> bundle.Bundle:
    return NO_WEIGHTS if folder is None else bundle.read(folder)


def _split(settings: Mapping[str, Any], datasets: Mapping[str, Split]) -> tuple[dict[str, Split], dict[str, Any]]:
    """Return the data sets that a section names (`only`, all by default), and the rest of the section."""
    section = dict(settings)
    only = section.pop("only", list(datasets))
    for name in only:
        if name not in datasets:
            raise ConfigError(f"`only` names {name}, which is not scored", nearest(name, list(datasets)))
    return {name: split for name, split in datasets.items() if name in only}, section


class ContestantAbsent(Ended):
    """Something that the contestant needs is not on this machine."""


def load_model(
    name: str, settings: Mapping[str, Any], assets: Assets, device: str = "auto", threads: int | None = None
) -> LazyModel:
    """Return the model that a section without `only` describes, to be loaded when it is wanted.

    `family` names a module of models/, which is imported here and not before: that may take seconds. `threads`
    overrules the section's, where it has any. Raises ContestantAbsent for want of a package that the module
    imports, ConfigError for a wrong section; loading it raises Unavailable and what the module's `load` raises.
    """
    try:
        module = import_module(f"thermark.models.{settings['family']}")
    except ModuleNotFoundError as error:
        raise ContestantAbsent(f"the package {error.name} is not installed") from error
    section = dict(settings)
    if threads is not None and "threads" in module.Config.model_fields:
        section["threads"] = threads
    return LazyModel(partial(module.load, parse(section, module.Config, f"contestants.{name}"), assets, device))


def _predict(
    beat: Beat, name: str, section: Mapping[str, Any], setting: Setting, variants: Variants, folder: Path
) -> None:
    try:
        for assets, out in seeds(section, setting, folder):
            model = load_model(name, section, assets)
            if ran_on := providers(model.get()):
                files.write_json(folder / PROVIDERS, ran_on)
            _predict_variants(model, beat, name, setting, variants, out)
    except Unavailable as error:
        raise ContestantAbsent(str(error)) from error
    except Broken as error:
        raise Ended(str(error)) from error


def _predict_variants(
    model: LazyModel, beat: Beat, contestant: str, setting: Setting, variants: Variants, out: Path
) -> None:
    """Predict all data sets and variants into `out`."""
    for name, (data, names) in variants.items():
        table, split = open_table(setting.paths.faces / name), setting.datasets[name]
        for variant in names:
            move = setting.moves.get(name, {}).get(variant)
            if isinstance(move, BoxPerturbation) and model.get().given != "prompt":
                predictions = Predictions.none(contestant, data, "skipped", NO_PROMPTS)
            else:
                images = packed_images.read(setting.paths.frames / name / (BASE if move else variant))
                selected = _select(table, images, split if move or variant == BASE else "all", move)
                predictions = sweep(model, contestant, *selected, data, setting.config.max_failed, beat)
            predictions.save(out / file_name(name, variant))


def _select(
    table: Faces, images: PackedImages, split: Split, move: BoxPerturbation | Jitter | None
) -> tuple[PackedImages | ShiftedImages, Faces, NDArray[np.int64]]:
    """Return images and faces, boxes moved or images shifted where that is wanted, and the rows to predict."""
    scored = (table.splits == "test") | (split == "all")
    if isinstance(move, Jitter):
        shifted = shift_faces(table, scored, move)
        return shift_images(images, table, shifted), shifted.faces, np.arange(len(shifted.faces))
    faces = table if move is None else replace(table, prompts=perturb_boxes(table.prompts, table.ids, move))
    return images, faces, np.flatnonzero(scored)
