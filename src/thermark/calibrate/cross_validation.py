"""Before and after on pictures that were held out: a given head as it is, and as it becomes by training.

The predictor that is written in the end is trained like each fold, on all labels instead of four fifths of them;
so what the folds measure is the procedure, on slightly fewer labels than it finally gets.
"""

from dataclasses import dataclass
from math import ceil

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from thermark.calibrate.labelled import LabelledCrops
from thermark.core import geometry
from thermark.core.errors import ConfigError
from thermark.core.progress import track
from thermark.core.seeds import rng
from thermark.fewshot import training
from thermark.fewshot.tiny_head import TinyHead
from thermark.fewshot.training import Config
from thermark.metrics.distances import Floats, distances, per_face
from thermark.train.checkpoint import State
from thermark.train.codecs.heatmap import Heatmap, Method, to_crop
from thermark.train.loop import Trained

VALIDATION = 0.2
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Fold:
    """Rows to train on, rows that pick the epoch, rows that neither has seen; no group is in two of them."""

    train: Rows
    val: Rows
    test: Rows


def folds(groups: NDArray[np.str_], count: int, seed: int) -> list[Fold]:
    """Return `count` folds whose tests together are all rows once; raises ConfigError for too few groups."""
    names = np.unique(groups)
    # What is left must both train and pick the epoch.
    fit = [number for number in range(2, len(names) + 1) if len(names) - ceil(len(names) / number) >= 2]
    if count not in fit:
        raise ConfigError(
            f"{len(names)} groups of pictures cannot be divided into {count} folds",
            f"choose --folds from {fit[0]} to {fit[-1]}" if fit else "label at least three groups",
        )
    shuffled = rng(seed, "folds").permutation(names)
    result = []
    for number in range(count):
        held = shuffled[number::count]
        rest = np.flatnonzero(~np.isin(groups, held))
        train, val = divided(groups, rest, seed, number)
        result.append(Fold(train, val, np.flatnonzero(np.isin(groups, held))))
    return result


def divided(groups: NDArray[np.str_], rows: Rows, seed: int, number: int) -> tuple[Rows, Rows]:
    """Divide rows into those that train and those, a fifth of the groups and at least one, that pick the epoch."""
    names = np.unique(groups[rows])
    shuffled = rng(seed, "validation", number).permutation(names)
    chosen = shuffled[: max(1, round(VALIDATION * len(names)))]
    held = np.isin(groups[rows], chosen)
    return rows[~held], rows[held]


@dataclass(frozen=True)
class Trainer:
    """What heads are trained from and measured on, and how.

    `features` (N, C, h, w) of the frozen backbone, computed once; `begin`: the weights to train from, None
    for random ones; `count`: of the folds; `decode`: how predictions are read from heat maps.
    """

    labelled: LabelledCrops
    features: Tensor
    begin: State | None
    config: Config
    count: int
    seed: int
    decode: Method

    def fit(self, fold: Fold, number: int) -> Trained:
        """Train on the rows of a fold, which has a number."""
        side, seed, device = self.labelled.pixels.shape[1], self.seed + number, self.features.device
        xy, train, val = self.labelled.crop_xy, fold.train, fold.val
        return training.fit(self.features, xy, train, val, side, self.config, seed, self.begin, device)

    @torch.inference_mode()
    def predict(self, weights: State, rows: Rows) -> Floats:
        """Return points (n, K, 2) in crop px, computed in float32, NaN = missed."""
        head = TinyHead(self.features.shape[1], len(weights["conv3.weight"])).to(self.features.device)
        head.load_state_dict(weights)
        maps = head.eval()(self.features[torch.from_numpy(rows)].float())
        xy, _ = Heatmap(self.config.sigma, self.decode, head.size).decode(maps)
        return np.asarray(to_crop(xy.cpu().double().numpy(), self.labelled.pixels.shape[1], head.size), np.float64)

    def errors(self, weights: State, rows: Rows) -> Floats:
        """Return the error (n,) in frame px of each row, the mean over its labelled points, infinite = missed."""
        predicted = geometry.apply(self.labelled.to_frame[rows], self.predict(weights, rows))
        return per_face(distances(self.labelled.xy[rows], predicted))

    def constant_errors(self, learned: Rows, rows: Rows) -> Floats:
        """Return the error (n,) in frame px of each row when the answer is the mean place of other labels."""
        labelled = np.isfinite(self.labelled.crop_xy[learned]).all(axis=-1, keepdims=True)
        counts = labelled.sum(axis=0)
        summed = np.where(labelled, self.labelled.crop_xy[learned], 0).sum(axis=0)
        place = np.where(counts, summed / np.maximum(counts, 1), np.nan)
        predicted = geometry.apply(self.labelled.to_frame[rows], np.repeat(place[None], len(rows), axis=0))
        return per_face(distances(self.labelled.xy[rows], predicted))


@dataclass(frozen=True)
class CrossValidation:
    """Errors (N,) in frame px of the head as given and of heads that saw neither the picture nor its group.

    `constant`: of the constant prediction, the mean place in the crop of the labels of those heads.
    """

    before: Floats
    after: Floats
    constant: Floats
    epochs: tuple[int, ...]


def cross_validate(trainer: Trainer, given: State) -> CrossValidation:
    """Measure `given` on all rows, and by folds what training makes.

    Raises ConfigError when there are too few groups for so many folds.
    """
    labelled = trainer.labelled
    before = trainer.errors(given, np.arange(len(labelled)))
    after, constant = np.full((2, len(labelled)), np.nan)
    epochs = []
    splits = folds(labelled.groups, trainer.count, trainer.seed)
    for number, fold in enumerate(track(splits, len(splits), "calibrating", "fold")):
        fitted = trainer.fit(fold, number)
        after[fold.test] = trainer.errors(fitted.weights, fold.test)
        constant[fold.test] = trainer.constant_errors(np.concatenate([fold.train, fold.val]), fold.test)
        epochs.append(fitted.progress.best_epoch)
    return CrossValidation(before, after, constant, tuple(epochs))


def final(trainer: Trainer) -> tuple[Trained, Fold]:
    """Train like a fold on all labels: a fifth of the groups pick the epoch; returns them as the fold's `val`."""
    groups = trainer.labelled.groups
    train, val = divided(groups, np.arange(len(groups)), trainer.seed, trainer.count)
    fold = Fold(train, val, np.zeros(0, np.int64))
    return trainer.fit(fold, trainer.count), fold
