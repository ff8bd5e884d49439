"""Before and after on pictures that were held out: a given head as it is, and as it becomes by training.

The predictor that is written in the end is trained like each fold, on all labels instead of four fifths of them;
so what the folds measure is the procedure, on slightly fewer labels than it finally gets.
"""

from collections.abc import Callable, Mapping
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
Predict = Callable[[State, Rows], Floats]


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
class LabelledFeatures:
    """What heads are trained and measured on.

    `features` (N, C, h, w) of the frozen backbone, computed once; `side` of a crop in px; `predict`: weights and
    rows -> points (n, K, 2) in crop px, NaN = missed.
    """

    labelled: LabelledCrops
    features: Tensor
    side: int
    predict: Predict

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


def cross_validate(
    features: LabelledFeatures,
    given: State,
    begin: State | None,
    config: Config,
    count: int,
    seed: int,
    device: torch.device,
) -> CrossValidation:
    """Measure `given` on all rows, and by `count` folds what training from `begin` (None: random weights) makes.

    Raises ConfigError when there are too few groups for so many folds.
    """
    labelled = features.labelled
    before = features.errors(given, np.arange(len(labelled)))
    after, constant = np.full((2, len(labelled)), np.nan)
    epochs = []
    splits = folds(labelled.groups, count, seed)
    for number, fold in enumerate(track(splits, len(splits), "calibrating", "fold")):
        fitted = _fit(features, fold.train, fold.val, config, seed + number, begin, device)
        after[fold.test] = features.errors(fitted.weights, fold.test)
        constant[fold.test] = features.constant_errors(np.concatenate([fold.train, fold.val]), fold.test)
        epochs.append(fitted.progress.best_epoch)
    return CrossValidation(before, after, constant, tuple(epochs))


def final(
    features: LabelledFeatures, begin: State | None, config: Config, count: int, seed: int, device: torch.device
) -> tuple[Trained, Fold]:
    """Train like a fold on all labels: a fifth of the groups pick the epoch; returns them as the fold's `val`."""
    groups = features.labelled.groups
    train, val = divided(groups, np.arange(len(groups)), seed, count)
    fitted = _fit(features, train, val, config, seed + count, begin, device)
    return fitted, Fold(train, val, np.zeros(0, np.int64))


def _fit(
    features: LabelledFeatures,
    train: Rows,
    val: Rows,
    config: Config,
    seed: int,
    begin: State | None,
    device: torch.device,
) -> Trained:
    maps = InMemory(features.features)
    return training.fit(maps, features.labelled.crop_xy, train, val, features.side, config, seed, begin, device)


@dataclass(frozen=True)
class InMemory:
    """Features in memory, as training takes them."""

    maps: Tensor

    def __getitem__(self, rows: Rows, /) -> Tensor:
        return self.maps[torch.from_numpy(rows)]


@torch.inference_mode()
def predict_points(
    weights: Mapping[str, Tensor], features: Tensor, side: int, method: Method, sigma: float
) -> Floats:
    """Return points (n, K, 2) in crop px of features (n, C, h, w), computed in float32."""
    head = TinyHead(features.shape[1], weights["conv3.weight"].shape[0]).to(features.device)
    head.load_state_dict(dict(weights))
    maps = head.eval()(features.float())
    xy, _ = Heatmap(sigma, method, head.size).decode(maps)
    return np.asarray(to_crop(xy.cpu().double().numpy(), side, head.size), np.float64)
