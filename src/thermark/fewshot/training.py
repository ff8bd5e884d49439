"""Training of a tiny head on features that were computed before.

Source: nipunbatra/blog, posts/nostril-finetune/scripts/train_head_thermeval.py.
"""

from math import inf
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from torch import nn

from thermark.core import seeds
from thermark.core.config import Section
from thermark.core.errors import ConfigError, DataError, in_one_line
from thermark.core.runs import Untrained
from thermark.fewshot import samples
from thermark.fewshot.samples import MANY, FeatureSamples, FeatureSource, Rows
from thermark.fewshot.tiny_head import TinyHead
from thermark.train import loop, precision, schedule
from thermark.train.checkpoint import Memory, State
from thermark.train.codecs.heatmap import Heatmap
from thermark.train.loop import Settings, Trained
from thermark.train.losses import Targets, mse
from thermark.train.precision import Machine
from thermark.train.schedule import Rate


class Config(Section):
    """How a head is trained; the defaults are the published ones.

    `batch` crops a step; an epoch has so many `steps`, by default one pass over all crops; the rate `lr` of AdamW
    falls as a cosine from epoch to epoch, towards 0; `sigma` of the Gaussians in px of the heat map. `precision`:
    auto takes bf16 where the hardware has it.
    """

    epochs: PositiveInt = 120
    batch: int = Field(default=8, ge=2)
    steps: PositiveInt | None = None
    lr: PositiveFloat = 3e-3
    weight_decay: NonNegativeFloat = 1e-4
    sigma: PositiveFloat = 2.0
    precision: Literal["auto", "fp32", "bf16"] = "auto"


def fit(
    features: FeatureSource,
    xy: NDArray[np.float64],
    train: Rows,
    val: Rows,
    side: int,
    config: Config,
    seed: int,
    start: State | None = None,
    device: torch.device | None = None,
) -> Trained:
    """Return the weights of the epoch with the lowest mean error on `val`, decoded by argmax, with its progress.

    `xy` (M, K, 2) are labels of all rows in pixels of crops of `side` px, NaN = unlabelled: a map without a label
    has no loss, and a row of them is left out; the progress has its errors in these px. Weights begin at `start`,
    by default at random; they and the order of crops depend on `seed` and on which rows there are, on nothing
    else. `device` is by default a GPU where there is one. Raises ConfigError for a row in both sets, DataError
    for a set without labels, for a `start` of another shape; Untrained for a loss that is not finite and when no
    epoch could be validated.
    """
    device = device or precision.chosen("auto")
    exact = precision.resolved(Machine(precision=config.precision), device)
    train_set, val_set = _both(features, xy, train, val, side, exact, device)
    head = precision.placed(begun(train_set, seed, start), device)
    codec = Heatmap(config.sigma)

    def terms(model: nn.Module, rows: Rows, epoch: int) -> loop.Terms:
        with precision.autocast(exact, device):
            maps = model(train_set.batch(rows))
        return {"loss": mse.loss(maps, Targets(train_set.xy[rows], train_set.known[rows]), codec)}

    optimizer = torch.optim.AdamW(head.parameters(), config.lr, weight_decay=config.weight_decay, fused=True)
    steps = len(samples.batches(len(train_set), config.batch, seed, 0, config.steps))
    settings = Settings(
        epochs=config.epochs, patience=config.epochs, ema=None, clip=None, gradient_steps=0, seeds=(seed,)
    )
    rate = Rate(peak=config.lr, warmup=0, flat=0, floor=0)
    try:
        return loop.fit(
            head,
            terms,
            lambda epoch: samples.batches(len(train_set), config.batch, seed, epoch, config.steps),
            lambda mean: validated(mean, val_set, side, exact),
            settings,
            steps,
            Memory(),
            "the head",
            optimizer=optimizer,
            # As published, the rate falls from epoch to epoch.
            rate=lambda step: schedule.learning_rate(rate, step // steps, config.epochs),
            quiet=True,
        )
    except Untrained as error:
        raise Untrained(error.cause, "lower `lr`, or check the features") from error


def begun(train_set: FeatureSamples, seed: int, start: State | None) -> TinyHead:
    """Return a head for such samples with the weights `start`, or random ones that belong to the seed."""
    # Without touching the generator of the caller.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.integer("head", seed))
        head = TinyHead(train_set.features.shape[-1], train_set.xy.shape[1])
    if start is not None:
        try:
            head.load_state_dict(start)
        except RuntimeError as error:
            cause = f"the head to start from does not fit: {in_one_line(error)}"
            raise DataError(cause, "start from one like it") from error
    return head


@torch.inference_mode()
def validated(head: nn.Module, val_set: FeatureSamples, side: int, exact: Literal["fp32", "bf16"]) -> float:
    """Return the mean error in crop px over all labelled points, infinite when one is missed."""
    errors = []
    for first in range(0, len(val_set), MANY):
        rows = slice(first, first + MANY)
        with precision.autocast(exact, val_set.features.device):
            maps = head(val_set.batch(rows))
        xy, _ = Heatmap(sigma=1.0).decode(maps)
        gap = (xy - val_set.xy[rows]).norm(dim=-1) * (side / maps.shape[-1])
        errors.append(gap.nan_to_num(nan=inf)[val_set.known[rows] > 0])
    return float(torch.cat(errors).mean())


def _both(
    features: FeatureSource,
    xy: NDArray[np.float64],
    train: Rows,
    val: Rows,
    side: int,
    exact: Literal["fp32", "bf16"],
    device: torch.device,
) -> tuple[FeatureSamples, FeatureSamples]:
    """Read the labelled rows to train and to validate on."""
    if len(shared := np.intersect1d(train, val)):
        raise ConfigError(f"crop {shared[0]} is in the training and in the validation set", "keep them apart")
    dtype = torch.bfloat16 if exact == "bf16" else torch.float32
    train_set, val_set = (
        samples.loaded(features, xy, samples.labelled(xy, rows, purpose), side, dtype, device)
        for rows, purpose in ((train, "train"), (val, "validate"))
    )
    return train_set, val_set
