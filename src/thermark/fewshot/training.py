"""Training of a tiny head on features that are here already: the published loop without its backbone.

Source: nipunbatra/blog, posts/nostril-finetune/scripts/train_head_thermeval.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, inf, isfinite, pi
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor

from thermark.core import seeds
from thermark.core.config import Section
from thermark.core.errors import ConfigError, DataError
from thermark.core.runs import Untrained
from thermark.fewshot import decode, samples
from thermark.fewshot.samples import MANY, Features, Rows, Samples
from thermark.fewshot.tiny_head import TinyHead
from thermark.train import precision
from thermark.train.checkpoint import Row, State, contiguous
from thermark.train.precision import Machine


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


@dataclass(frozen=True)
class Fitted:
    """The weights of the best epoch, float32 on the CPU, and how training went.

    `best_epoch` counts from 1; `val_error` is its mean error in crop px; `history` has `epoch`, `lr`, `loss` and
    `val_error` of each epoch.
    """

    weights: State
    best_epoch: int
    val_error: float
    history: list[Row]


def fit(
    features: Features,
    xy: NDArray[np.float64],
    train: Rows,
    val: Rows,
    side: int,
    config: Config,
    seed: int,
    start: State | None = None,
    device: torch.device | None = None,
) -> Fitted:
    """Return the weights of the epoch with the lowest mean error on `val`, decoded by argmax.

    `xy` (M, K, 2) are labels of all rows in pixels of crops of `side` px, NaN = unlabelled: a map without a label
    has no loss, and a row of them is left out. Weights begin at `start`, by default at random; they and the order
    of crops depend on `seed` and on which rows there are, on nothing else. `device` is by default a GPU where
    there is one. Raises ConfigError for a row in both sets, DataError for a set without labels, for a `start` of
    another shape; Untrained for a loss that is not finite and when no epoch could be validated.
    """
    device = device or precision.chosen("auto")
    exact = precision.resolved(Machine(precision=config.precision), device)
    taught, held = _both(features, xy, train, val, side, exact, device)
    labels, known = samples.gaussians(taught.xy, config.sigma), taught.known
    head = precision.placed(begun(taught, seed, start), device)
    optimizer = torch.optim.AdamW(head.parameters(), config.lr, weight_decay=config.weight_decay, fused=True)
    best = Fitted({}, 0, inf, [])

    for epoch in range(config.epochs):
        head.train()
        optimizer.param_groups[0]["lr"] = rate = config.lr * (1 + cos(pi * epoch / config.epochs)) / 2
        losses = []
        for rows in samples.batches(len(taught), config.batch, seed, epoch, config.steps):
            with precision.autocast(exact, device):
                maps = head(taught.seen(rows))
            loss = mse(maps, labels[rows], known[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            losses.append(loss.detach())
        row = {"epoch": epoch + 1, "lr": rate, "loss": finite(losses, epoch)}
        error = validated(head, held, side, exact)
        best.history.append(row | {"val_error": error})
        if error < best.val_error:
            best = Fitted(contiguous(head.state_dict()), epoch + 1, error, best.history)

    if not best.best_epoch:
        raise Untrained("no epoch of the head gave a finite validation error", "lower `lr`, or check the features")
    return best


def begun(taught: Samples, seed: int, start: State | None) -> TinyHead:
    """Return a head for such samples with the weights `start`, or random ones that belong to the seed."""
    # Without touching the generator of whoever called.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.integer("head", seed))
        head = TinyHead(taught.features.shape[-1], taught.xy.shape[1])
    if start is not None:
        try:
            head.load_state_dict(start)
        except RuntimeError as error:
            cause = " ".join(str(error).split())[:200]
            raise DataError(f"the head to start from does not fit: {cause}", "start from one like it") from error
    return head


def mse(maps: Tensor, labels: Tensor, known: Tensor) -> Tensor:
    """Return the mean squared error of maps (N, K, H, W) over those whose label is `known` (N, K), 0 for none."""
    each = (maps - labels).square().mean(dim=(2, 3))
    return (each * known).sum() / known.sum().clamp(min=1)


def finite(losses: Sequence[Tensor], epoch: int) -> float:
    """Return the mean of an epoch's losses; raises Untrained when one is not finite."""
    # All at once: a GPU waits each time.
    mean = float(torch.stack(list(losses)).mean())
    if not isfinite(mean):
        raise Untrained(
            f"the loss of the head is not finite in epoch {epoch + 1}", "lower `lr`, or check the features"
        )
    return mean


@torch.inference_mode()
def validated(head: torch.nn.Module, held: Samples, side: int, exact: Literal["fp32", "bf16"]) -> float:
    """Return the mean error in crop px over all labelled points, infinite when one is missed."""
    head.eval()
    errors = []
    for first in range(0, len(held), MANY):
        rows = slice(first, first + MANY)
        with precision.autocast(exact, held.features.device):
            maps = head(held.seen(rows))
        xy, _ = decode.decode(maps, "argmax", sigma=1.0)
        gap = (xy - held.xy[rows]).norm(dim=-1) * (side / maps.shape[-1])
        errors.append(gap.nan_to_num(nan=inf)[held.known[rows] > 0])
    return float(torch.cat(errors).mean())


def _both(
    features: Features,
    xy: NDArray[np.float64],
    train: Rows,
    val: Rows,
    side: int,
    exact: Literal["fp32", "bf16"],
    device: torch.device,
) -> tuple[Samples, Samples]:
    """Read the labelled rows to train and to validate on."""
    if len(shared := np.intersect1d(train, val)):
        raise ConfigError(f"crop {shared[0]} is in the training and in the validation set", "keep them apart")
    dtype = torch.bfloat16 if exact == "bf16" else torch.float32
    taught, held = (
        samples.loaded(features, xy, samples.labelled(xy, rows, purpose), side, dtype, device)
        for rows, purpose in ((train, "train"), (val, "validate"))
    )
    return taught, held
