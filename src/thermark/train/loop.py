"""The training loop, the same for every recipe."""

import copy
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import inf, isfinite, nan
from typing import Annotated, TypeVar

import torch
from pydantic import AfterValidator, Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor, nn

from thermark.core.progress import track
from thermark.core.runs import Untrained
from thermark.core.seeds import distinct
from thermark.train import processes, schedule
from thermark.train.checkpoint import Checkpoint, Progress, Row, State
from thermark.train.precision import Machine
from thermark.train.schedule import Ema, Rate

Batch = TypeVar("Batch")
Terms = dict[str, Tensor]

NORM = "grad_norm"


class Settings(Machine):
    """What every recipe's section may say about training.

    `batch` images a step; `clip` bounds the norm of the gradient; training ends after `epochs`, or after
    `patience` epochs without a lower validation error, counted at the earliest from where the rate begins to
    fall: who stops before has not had the schedule of the others. A network is trained with each of the `seeds`,
    and the gradient's norm is kept of each of the first `gradient_steps` steps. The defaults suit a thousand faces
    on two CPU cores: from random weights, more and smaller steps learn faster than the published 4e-3 at 512
    images.
    """

    epochs: PositiveInt = 20
    batch: PositiveInt = 16
    rate: Rate = Rate()
    weight_decay: NonNegativeFloat = 0.05
    ema: Ema | None = Ema()
    clip: PositiveFloat | None = 35.0
    patience: PositiveInt = 10
    gradient_steps: NonNegativeInt = 1000
    seeds: Annotated[tuple[NonNegativeInt, ...], AfterValidator(distinct)] = Field((0,), min_length=1)


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
    on from `checkpoint` where a killed run stopped, with the same result, and says so on stderr. Of several
    processes each is given its part of every batch, all end with the same weights, and the first validates. Raises
    Untrained when a term or the gradient is not finite, leaving the last good checkpoint, and when no epoch could
    be validated.
    """
    mean = copy.deepcopy(model).eval().requires_grad_(False)
    model = processes.synchronised(model)
    optimizer = torch.optim.AdamW(schedule.groups(model, settings.weight_decay), settings.rate.peak, fused=True)
    progress = checkpoint.resume(model, mean, optimizer)
    if progress.epoch:
        say(f"{label}: goes on after epoch {progress.epoch}")
    total = settings.epochs * steps

    for epoch in epochs(progress.epoch, settings.epochs, label):
        if epoch - max(progress.best_epoch, int(settings.epochs * settings.rate.flat)) >= settings.patience:
            break
        model.train()
        sums: dict[str, float] = {}
        rate = 0.0
        for batch in batches(epoch):
            rate = schedule.learning_rate(settings.rate, progress.step, total)
            values = descended(model, optimizer, terms(model, batch, epoch), settings.clip)
            if progress.step == 0:
                say(f"{label}: step 1: {worded(values)}")
            check(values, epoch, progress.step)
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            schedule.average(mean, model, schedule.share(settings.ema, progress.step) if settings.ema else 1.0)
            sums = {name: sums.get(name, 0.0) + value / steps for name, value in values.items()}
            if progress.step < settings.gradient_steps:
                progress.norms.append(values[NORM])
            progress.step += 1
        error = processes.first(validate(mean) if processes.rank() == 0 else nan)
        record(progress, {"epoch": epoch + 1, "lr": rate} | sums, error)
        checkpoint.save(progress, model, mean, optimizer)

    if not progress.best_epoch:
        raise Untrained(f"no epoch of {label} gave a finite validation error", "lower the learning rate")
    processes.wait()
    weights = checkpoint.best()
    # Whoever clears the checkpoint must not do so before all have read it.
    processes.wait()
    return Trained(weights, progress)


def descended(
    model: nn.Module, optimizer: torch.optim.Optimizer, losses: Terms, clip: float | None
) -> dict[str, float]:
    """Leave the clipped gradient of the sum of the terms in `model`; return the terms, and its norm before that.

    Over several processes, both are those of the mean. All values are fetched at once, for a GPU waits each time.
    """
    optimizer.zero_grad(set_to_none=True)
    each = torch.stack(list(losses.values()))
    each.sum().backward()
    processes.mean_gradients(model.parameters())
    norm = nn.utils.clip_grad_norm_(model.parameters(), clip or inf)
    values = torch.cat([processes.mean(each.detach()), norm.reshape(1)]).tolist()
    return dict(zip([*losses, NORM], values, strict=True))


def check(values: dict[str, float], epoch: int, step: int) -> None:
    """Raise Untrained naming the loss terms that are not finite, or else the gradient, when it is not."""
    broken = [name for name, value in values.items() if not isfinite(value)]
    terms = [name for name in broken if name != NORM]
    if broken:
        what = f"the loss term {', '.join(terms)}" if terms else "the gradient"
        raise Untrained(
            f"{what} is not finite in epoch {epoch + 1}, step {step + 1}",
            "lower the learning rate or `clip`; the checkpoint of the epoch before is kept",
        )


def worded(values: dict[str, float]) -> str:
    """Return the terms and the gradient's norm in words, so that a wrong reduction is seen."""
    terms = [f"{name} {value:.3e}" for name, value in values.items() if name != NORM]
    return ", ".join([*terms, f"gradient {values[NORM]:.3g}"])


def epochs(done: int, wanted: int, label: str) -> Iterable[int]:
    """Return the epochs that are left, with a progress bar in the process that prints."""
    left = range(done, wanted)
    return left if processes.rank() else track(left, len(left), label, "epochs")


def say(line: str) -> None:
    """Print a line to stderr, once for all processes."""
    if processes.rank() == 0:
        print(line, file=sys.stderr, flush=True)


def record(progress: Progress, row: Row, error: float) -> None:
    """Append an epoch's row, and mark the epoch when its validation error is the lowest (NaN never is)."""
    progress.history.append(row | {"val_nme": error})
    progress.epoch += 1
    if error < progress.best:
        progress.best, progress.best_epoch = error, progress.epoch
