"""Pseudo-labels: predictions of a head on crops, written as a face set that runs learn from like any other."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from thermark.core import files, geometry, runs
from thermark.core.config import Section
from thermark.core.errors import DataError
from thermark.core.faces import Crops, Faces, open_set
from thermark.core.frames import Frames
from thermark.core.point_errors import mean_of_finite, median_of_finite
from thermark.core.runs import LABELLER, MADE_OF
from thermark.fewshot import crops as crop_sets
from thermark.fewshot import features, model, run
from thermark.fewshot.crops import CropSet
from thermark.train.codecs.heatmap import to_crop

Points = NDArray[np.float64]
Rows = NDArray[np.int64]


class Config(Section):
    """A pseudo-labelled face set's section of params.yaml.

    Each seed of the run `head` predicts the points in the `crops` of the face set `faces`, of which it sees
    the features of `backbone`, those of its own seed where there are several; a prediction with a score below
    `min_score` is none, and with `inside` one beyond the labelled person, whose box is given, not detected. With
    `source: true` the head is not used: the labels are those of the published split alone, which makes the
    control without a teacher.
    """

    head: str
    backbone: str
    crops: str
    faces: str
    source: Literal["head", "true"] = "head"
    min_score: float = 0.0
    inside: bool = True


def build(
    config: Config, models: Path, crops_folder: Path, features_folder: Path, faces: Path, out: Path, report: Path
) -> None:
    """Write `out`, a prepared face set, whole or not at all, and the JSON `report` of how good its labels are.

    Of a head it is one for each seed, `out`/seed<k>: a student learns from the head of its own seed, and all
    chains stay apart. Its train split are the crops' part `train` with the labels of `config`, its val split their
    part `val` with the true ones; of their part `test` it has nothing. `models` holds runs, `crops_folder`
    the crops, `features_folder` the features of all crop sets, `faces` the prepared face set. The report has
    the distance, in px of the frame, of predictions from the true labels: of all crops, and of the `unseen` ones
    that are no part of the published split, over all seeds. Where the head could not be trained, or a seed has no
    prediction left, both hold the reason alone. Raises DataError for files
    that are absent or of something else, and for a published split without a label.
    """
    uses_head = config.source == "head"
    if uses_head and (reason := runs.skipped(models / config.head)):
        return skipped(reason, config, out, report)
    crops = crop_sets.read(crops_folder)
    table, packed = open_set(faces)
    _same_faces(config, crops, table)
    rows = np.flatnonzero(np.isin(crops.parts, ["train", "val"]))
    true = np.asarray(geometry.apply(crops.to_frame, crops.xy), np.float64)
    labels = (
        _of_head(config, models, features_folder, crops, table, true)
        if uses_head
        else {Path(): _of_source(crops, true)}
    )
    pool = _pool(crops)
    if any(not np.isfinite(xy[pool]).all(axis=-1).any() for xy in labels.values()):
        if not uses_head:
            raise DataError(f"the published split of {config.crops} has no label", "name other crops")
        where = " within the labelled persons" if config.inside else ""
        reason = f"{config.head} leaves no label above a score of {config.min_score:g}{where}"
        return skipped(reason, config, out, report)
    with files.fresh_directory(out) as folder:
        for seed, xy in labels.items():
            seed_dir = folder / seed
            seed_dir.mkdir(exist_ok=True)
            write(seed_dir, faces, table, packed, crops, rows, xy[rows])
            files.write_json(seed_dir / MADE_OF, {"faces": config.faces})
            if uses_head:
                files.write_json(seed_dir / LABELLER, {"head": config.head})
    unseen = pool[~crops.published[pool]]
    about = {"seeds": len(labels)} if uses_head else {}
    about |= _accounts(labels, true, pool) | {"unseen": _accounts(labels, true, unseen)}
    files.write_json(report, {"status": "ok", "reason": ""} | config.model_dump() | about)


def _pool(crops: CropSet) -> Rows:
    """Return the crops that are labelled: those to train on."""
    return np.flatnonzero(crops.parts == "train")


def _of_source(crops: CropSet, true: Points) -> Points:
    """Return the labels `true` (n, K, 2) without those to train on that the published split has not."""
    hidden = (crops.parts == "train") & ~crops.published
    return np.where(hidden[:, None, None], np.nan, true)


def _of_head(
    config: Config, models: Path, features_folder: Path, crops: CropSet, table: Faces, true: Points
) -> dict[Path, Points]:
    """Return, by the folder of each seed of the head, labels (n, K, 2) in frame px: its own of the pool."""
    pool = _pool(crops)
    labels = {}
    for folder in runs.seed_folders(models / config.head):
        labels_of_seed = geometry.apply(
            crops.to_frame[pool], predicted_labels(config, folder, features_folder, crops, pool)
        )
        beyond = ~inside(labels_of_seed, table.boxes[crops.rows[pool]])
        xy = true.copy()
        xy[pool] = np.where((beyond & config.inside)[..., None], np.nan, labels_of_seed)
        labels[Path(folder.name)] = xy
    if not labels:
        raise DataError(f"the head {config.head} has no seed", "run `dvc repro`, which trains it")
    return labels


def _accounts(labels: Mapping[Path, Points], true: Points, rows: Rows) -> dict[str, Any]:
    """Return the account of some rows over all seeds."""
    return account(
        np.concatenate([xy[rows] for xy in labels.values()]), np.concatenate([true[rows]] * len(labels))
    )


def skipped(reason: str, config: Config, out: Path, report: Path) -> None:
    """Leave the reason in place of a face set, for the runs that would learn from it."""
    runs.skip(out, reason)
    files.write_json(report, {"status": "skipped", "reason": reason} | config.model_dump())
    print(f"{out.name} teaches nothing: {reason}")


def predicted_labels(config: Config, folder: Path, features_folder: Path, crops: CropSet, rows: Rows) -> Points:
    """Return a head's points (n, K, 2) in px of the crops `rows`, NaN where it has none.

    Raises DataError for a head or for features of something else.
    """
    head, about = model.read(folder)
    stored = features.read(runs.matching(features_folder, about.seed) / config.crops)
    if stored.card.crops != crops.fingerprint:
        raise DataError(
            f"the features of {config.backbone} are of other crops", "run `dvc repro` to compute them again"
        )
    if stored.card.sha256 != about.backbone_sha256 or stored.card.backbone != about.backbone:
        raise DataError(
            f"{config.head} was trained on another backbone than {config.backbone}", "name that of the head"
        )
    if (about.vocabulary, about.side, about.geometry) != (crops.vocabulary, crops.side, crops.geometry):
        raise DataError(f"{config.head} was trained on other crops than {config.crops}", "name those of the head")
    xy, score = run.predicted(head, stored, rows, [about.decode], about.sigma)[about.decode]
    sure = torch.where((score >= config.min_score)[..., None], xy, torch.nan)
    return to_crop(sure.double().numpy(), crops.side, about.size)


def inside(xy: NDArray[np.floating], boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which points (n, K, 2) lie in the boxes (n, 4) of their rows, in the same pixels."""
    near, far = boxes[:, None, :2], boxes[:, None, 2:]
    return np.asarray(((xy >= near) & (xy <= far)).all(axis=-1))


def account(predictions: Points, true: Points) -> dict[str, Any]:
    """Return how many points (n, K, 2) have a label, and its mean and median distance from the true ones."""
    valid = np.isfinite(predictions).all(axis=-1)
    errors = np.hypot(*np.moveaxis(predictions - true, -1, 0))
    mean, median = mean_of_finite(errors), median_of_finite(errors)
    return {
        "points": int(valid.size),
        "labels": int(valid.sum()),
        "native_mean": None if np.isnan(mean) else mean,
        "native_median": None if np.isnan(median) else median,
    }


def write(folder: Path, faces: Path, table: Faces, packed: Crops, crops: CropSet, rows: Rows, xy: Points) -> None:
    """Write the faces of the crops `rows` with labels `xy` (n, K, 2), in frame px, as a prepared face set."""
    chosen = crops.rows[rows]
    labelled = replace(
        table.take(chosen),
        splits=crops.parts[rows],
        vocabularies=np.full(len(rows), crops.vocabulary),
        xy=xy.astype(np.float32),
        visible=np.asarray(np.isfinite(xy).all(axis=-1)),
    )
    labelled.save(folder / "faces.npz")
    np.save(folder / "pixels.npy", packed.pixels[chosen], allow_pickle=False)
    arrays = {"to_source": packed.to_source[chosen], "padding": np.array(packed.padding)}
    files.write_arrays(folder / "crops.npz", arrays)
    frames = Frames.open(faces / "frames.npz")
    kept = np.isin(frames.ids, labelled.frames)
    columns = {name: getattr(frames, name)[kept] for name in ("ids", "subjects", "paths", "sizes")}
    replace(frames, **columns).save(folder / "frames.npz")
    shutil.copyfile(faces / "card.json", folder / "card.json")


def _same_faces(config: Config, crops: CropSet, table: Faces) -> None:
    """Raise DataError unless rows of the crops are rows of the table."""
    fits = crops.faces == config.faces and crops.rows.max() < len(table)
    if not fits or (table.frames[crops.rows] != crops.frames).any():
        raise DataError(
            f"the crops {config.crops} were cut from {crops.faces}, not from these {config.faces}",
            "name the face set of the crops, or run `dvc repro` to cut them again",
        )
