"""The training loop, the same for every recipe."""

import copy
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf, isfinite
from typing import TypeVar

import torch
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor, nn

from thermark.core.errors import DataError
from thermark.core.progress import track
from thermark.learn import schedule
from thermark.learn.checkpoint import Checkpoint, Progress, Row, State
from thermark.learn.precision import Machine
from thermark.learn.schedule import Ema, Rate

Batch = TypeVar("Batch")
Terms = dict[str, Tensor]


class Settings(Machine):
    """What every recipe's section may say about training.

    `batch` images a step; `clip` bounds the norm of the gradient; training ends after `epochs`, or after
    `patience` epochs without a lower validation error. The defaults suit a thousand faces on two CPU cores: from
    random weights, more and smaller steps learn faster than the published 4e-3 at 512 images.
    """

    epochs: PositiveInt = 20
    batch: PositiveInt = 16
    rate: Rate = Rate()
    weight_decay: NonNegativeFloat = 0.05
    ema: Ema | None = Ema()
    clip: PositiveFloat | None = 35.0
    patience: PositiveInt = 10
    seed: NonNegativeInt = 0


@dataclass(frozen=True)
class Trained:
    """The best weights, and how training went."""

    weights: State
    progress: Progress


def fit(
    model: nn.Module,
    terms: Callable[[nn.Module, Batch, int], Terms],
    batches: Callable[[int], Iterator[Batch]],
    validate: Callable[[nn.Module], float],
    settings: Settings,
    steps: int,
    checkpoint: Checkpoint,
    label: str,
) -> Trained:
    """Train `model` in place and return the averaged weights of the epoch with the lowest validation error.

    `terms(model, batch, epoch)` gives the weighted loss terms, which are summed; `batches(epoch)` gives the
    `steps` batches of an epoch; `validate(averaged model)` gives an error, NaN when there is none. Epochs count
    from 0. The history has the mean of each term and, as `grad_norm`, of the gradient's norm before clipping. Goes
    on from `checkpoint` where a killed run stopped, with the same result, and says so on stderr. Raises DataError
    when a term is not finite, leaving the last good checkpoint, and when no epoch could be validated.
    """
    mean = copy.deepcopy(model).eval().requires_grad_(False)
    optimizer = torch.optim.AdamW(schedule.groups(model, settings.weight_decay), settings.rate.peak, fused=True)
    progress = checkpoint.resume(model, mean, optimizer)
    if progress.epoch:
        print(f"{label}: goes on after epoch {progress.epoch}", file=sys.stderr, flush=True)
    total = settings.epochs * steps

    for epoch in track(range(progress.epoch, settings.epochs), settings.epochs - progress.epoch, label, "epochs"):
        if epoch - progress.best_epoch >= settings.patience:
            break
        model.train()
        sums: dict[str, float] = {}
        rate, norm = 0.0, torch.zeros(())
        for batch in batches(epoch):
            rate = schedule.learning_rate(settings.rate, progress.step, total)
            for group in optimizer.param_groups:
                group["lr"] = rate
            losses = terms(model, batch, epoch)
            for name, value in measured(losses, epoch, progress.step).items():
                sums[name] = sums.get(name, 0.0) + value / steps
            optimizer.zero_grad(set_to_none=True)
            torch.stack(list(losses.values())).sum().backward()
            # Summed where it is: fetching every norm would make a GPU wait.
            norm = norm + nn.utils.clip_grad_norm_(model.parameters(), settings.clip or inf) / steps
            optimizer.step()
            part = schedule.share(settings.ema, progress.step) if settings.ema else 1.0
            schedule.average(mean, model, part)
            progress.step += 1
        row = {"epoch": epoch + 1, "lr": rate} | sums | {"grad_norm": float(norm)}
        record(progress, row, validate(mean))
        checkpoint.save(progress, model, mean, optimizer)

    if not progress.best_epoch:
        raise DataError(f"no epoch of {label} gave a finite validation error", "lower the learning rate")
    return Trained(checkpoint.best(), progress)


def measured(losses: Terms, epoch: int, step: int) -> dict[str, float]:
    """Return the values of the loss terms; raises DataError naming those that are not finite."""
    values = {name: float(value.detach()) for name, value in losses.items()}
    broken = [name for name, value in values.items() if not isfinite(value)]
    if broken:
        raise DataError(
            f"the loss term {', '.join(broken)} is not finite in epoch {epoch + 1}, step {step + 1}",
            "lower the learning rate or `clip`; the checkpoint of the epoch before is kept",
        )
    return values


def record(progress: Progress, row: Row, error: float) -> None:
    """Append an epoch's row, and mark the epoch when its validation error is the lowest (NaN never is)."""
    progress.history.append(row | {"val_nme": error})
    progress.epoch += 1
    if error < progress.best:
        progress.best, progress.best_epoch = error, progress.epoch
