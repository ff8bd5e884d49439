"""One head on one backbone: the published split with several seeds, and the error against the number of labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from thermark.core import files
from thermark.core.errors import DataError
from thermark.core.parallel import ordered
from thermark.core.progress import track
from thermark.core.runs import Untrained, matching, seed_folder, skip
from thermark.fewshot import crops as crop_sets
from thermark.fewshot import features as feature_sets
from thermark.fewshot import model, scoring, training
from thermark.fewshot.crops import CropSet
from thermark.fewshot.features import Features
from thermark.fewshot.head_summary import compared, summary, table
from thermark.fewshot.model import HeadCard
from thermark.fewshot.plan import ALL, PUBLISHED, Config, HeadTraining, Rows, TrainedHead, planned
from thermark.fewshot.scoring import Floats, Numbers
from thermark.fewshot.tiny_head import TinyHead
from thermark.train import precision
from thermark.train.codecs.heatmap import METHODS, SIZE, Heatmap, Method, to_crop
from thermark.train.precision import Machine


@dataclass(frozen=True)
class HeadPaths:
    """Where things go: models into `out`/seed<k>/, all numbers into the JSON `details`, those that experiments are
    compared by into the JSON `metrics`, every training of the curve into the CSV `curve`.
    """

    out: Path
    metrics: Path
    details: Path
    curve: Path


def train(config: Config, crops_folder: Path, features_folder: Path, to: HeadPaths) -> None:
    """Train and score everything.

    `crops_folder` holds the crops, `features_folder` what `features@<backbone>` left: of a backbone with seeds,
    each head's is that of its own seed. Without features, and where a training on the published labels
    failed, all outputs hold the reason alone. Raises DataError for absent or damaged files and for features of
    other crops.
    """
    try:
        status, reason = (
            str(files.read_json(features_folder / feature_sets.STATUS)[name]) for name in ("status", "reason")
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{features_folder} holds no features of {config.backbone}", "run `dvc repro`") from error
    if status != "ok":
        return _skipped(reason, config, to)
    crops = crop_sets.read(crops_folder)
    features = {seed: below(features_folder, seed, config) for seed in config.seeds}
    if any(trained.card.crops != crops.fingerprint for trained in features.values()):
        raise DataError(
            f"the features of {config.backbone} are of other crops", "run `dvc repro` to compute them again"
        )
    work = partial(fitted, crops_folder=crops_folder, features_folder=features_folder, config=config)
    # A GPU has room for one; and one thread each, so that numbers do not depend on how many processes there are.
    workers = 1 if torch.cuda.is_available() else None
    jobs = planned(crops, config)
    done = list(track(ordered(work, jobs, workers, chunk=1), len(jobs), f"heads {to.out.name}", "heads"))
    main = (trained for trained in done if trained.job.budget == PUBLISHED)
    if lost := next((trained for trained in main if trained.reason), None):
        return _skipped(f"seed {lost.job.seed}: {lost.reason}", config, to)
    with files.fresh_directory(to.out) as folder:
        for trained in done:
            if trained.job.budget == PUBLISHED:
                seed_dir = seed_folder(folder, trained.job.seed)
                seed_dir.mkdir()
                weights = {name: torch.from_numpy(array) for name, array in trained.weights.items()}
                model.write(seed_dir, described(trained, crops, features[trained.job.seed], config), weights)
    numbers = summary(done, crops, features[config.seeds[0]], config)
    files.write_json(to.details, numbers)
    files.write_json(to.metrics, compared(numbers))
    files.write_text(to.curve, table(done, config.decode))


def below(features_folder: Path, seed: int, config: Config) -> Features:
    """Return the features that a head of this seed learns from."""
    return feature_sets.read(matching(features_folder, seed) / config.crops)


def fitted(job: HeadTraining, crops_folder: Path, features_folder: Path, config: Config) -> TrainedHead:
    """Train and score one head, the same on every call, also on a GPU."""
    device = precision.prepare(Machine(threads=1))
    crops, features = crop_sets.read(crops_folder), below(features_folder, job.seed, config)
    options = {name: getattr(config, name) for name in training.Config.model_fields} | {"steps": job.steps}
    settings = training.Config(**options)
    try:
        trained = training.fit(
            features, crops.xy, job.train, job.val, crops.side, settings, job.seed, device=device
        )
    except Untrained as error:
        return missed(job, crops, error.cause)
    head = TinyHead(features.channels, crops.xy.shape[1])
    head.load_state_dict(trained.weights)
    test = crops.part("test")
    predictions = predicted(head.eval(), features, test, METHODS, config.sigma)
    gaps = {
        method: to_crop(xy.double().numpy(), crops.side, SIZE) - crops.xy[test]
        for method, (xy, _) in predictions.items()
    }
    # As arrays: between processes, tensors go by way of shared memory and a file descriptor each.
    kept = {name: tensor.numpy() for name, tensor in trained.weights.items()} if job.budget == PUBLISHED else {}
    progress = trained.progress
    return TrainedHead(job, kept, progress.best_epoch, progress.best, scored(gaps, crops))


def missed(job: HeadTraining, crops: CropSet, reason: str) -> TrainedHead:
    """Return the record of a training that failed: a miss of every point."""
    nowhere = np.full_like(crops.xy[crops.part("test")], np.nan)
    return TrainedHead(job, {}, 0, inf, scored(dict.fromkeys(METHODS, nowhere), crops), reason)


def scored(gaps: Mapping[Method, Floats], crops: CropSet) -> dict[tuple[str, Method], Numbers]:
    """Return the numbers of each test scope by each decoder, of prediction minus label (n, K, 2) in crop px."""
    test = crops.part("test")
    numbers = {}
    for method, gap in gaps.items():
        for scope, rows in ((ALL, np.arange(len(test))), (PUBLISHED, np.flatnonzero(crops.published[test]))):
            labelled = np.asarray(np.isfinite(crops.xy[test[rows]]).all(axis=-1))
            numbers[scope, method] = scoring.numbers(gap[rows], crops.to_frame[test[rows]], labelled)
    return numbers


@torch.inference_mode()
def predicted(
    head: TinyHead, features: Features, rows: Rows, methods: Sequence[Method], sigma: float, batch: int = 32
) -> dict[Method, tuple[Tensor, Tensor]]:
    """Return, by each method, points (n, K, 2) in px of the map and scores (n, K) of `rows`, all in float32.

    Maps are read batch by batch: those of all crops would fill the memory of a large set.
    """
    parts: dict[Method, list[tuple[Tensor, Tensor]]] = {method: [] for method in methods}
    for start in range(0, len(rows), batch):
        maps = head(features[rows[start : start + batch]].float())
        for method in methods:
            parts[method].append(Heatmap(sigma, method).decode(maps))
    return {
        method: (torch.cat([xy for xy, _ in pairs]), torch.cat([score for _, score in pairs]))
        for method, pairs in parts.items()
    }


def described(trained: TrainedHead, crops: CropSet, stored: Features, config: Config) -> HeadCard:
    """Return the card of a trained head."""
    return HeadCard(
        vocabulary=crops.vocabulary,
        points=crops.xy.shape[1],
        channels=stored.channels,
        size=SIZE,
        side=crops.side,
        geometry=crops.geometry,
        padding=crops.padding,
        decode=config.decode,
        sigma=config.sigma,
        backbone=stored.card.backbone,
        backbone_sha256=stored.card.sha256,
        trained_on=list(dict.fromkeys([crops.faces, *stored.card.trained_on])),
        labels=len(trained.job.train),
        labels_val=len(trained.job.val),
        seed=trained.job.seed,
        best_epoch=trained.best_epoch,
        val_error=trained.val_error,
    )


def _skipped(reason: str, config: Config, to: HeadPaths) -> None:
    skip(to.out, reason)
    about = {"status": "skipped", "reason": reason}
    files.write_json(to.metrics, about)
    files.write_json(to.details, about | {"backbone": config.backbone, "crops": config.crops})
    files.write_text(to.curve, table([], config.decode))
    print(f"{to.out.name} was left out: {reason}")
