"""The training loop, the same for every recipe and for the tiny heads."""

import copy
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf, isfinite, nan
from typing import Annotated, Any, TypeVar

import torch
from pydantic import AfterValidator, Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor, nn
from torch.optim import Optimizer

from thermark.core.progress import track
from thermark.core.runs import Untrained
from thermark.core.seeds import distinct
from thermark.train import processes, schedule
from thermark.train.checkpoint import Progress, Row, State, Store
from thermark.train.precision import Machine
from thermark.train.schedule import Ema, Rate

Batch = TypeVar("Batch")
Terms = dict[str, Tensor]

NORM = "grad_norm"


class Settings(Machine):
    """Settings of training that every recipe's section may hold.

    `batch` images a step; `clip` bounds the norm of the gradient; training ends after `epochs`, or after
    `patience` epochs without a lower validation error, counted at the earliest from where the rate begins to
    fall: one that stops before has not had the schedule of others. A network is trained with each of the `seeds`,
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
    """The best weights, and how training went.

    The history of `progress` has the mean of each loss term and, as `grad_norm`, of the gradient's norm before
    clipping.
    """

    weights: State
    progress: Progress


@processes.connected()
def fit(
    model: nn.Module,
    terms: Callable[[Any, Batch, int], Terms],
    batches: Callable[[int], Iterable[Batch]],
    validate: Callable[[nn.Module], float],
    settings: Settings,
    steps: int,
    store: Store,
    label: str,
    *,
    optimizer: Optimizer | None = None,
    rate: Callable[[int], float] | None = None,
    quiet: bool = False,
) -> Trained:
    """Train `model` in place and return the averaged weights of the epoch with the lowest validation error.

    `terms(model, batch, epoch)` gives the weighted loss terms, which are summed; `batches(epoch)` the `steps`
    batches of an epoch, from 0; `validate(averaged model)` an error, NaN when there is none. `optimizer` and the
    learning `rate` of each step are by default those of `settings`. Goes on from `store` where a killed run
    stopped, with the same result. Of several processes each is given its part of every batch, all end with the
    same weights, and the first validates and, unless `quiet`, prints. Raises Untrained when a term or the gradient
    is not finite, leaving the last good state, and when no epoch could be validated.
    """
    total = settings.epochs * steps
    quiet = quiet or processes.rank() > 0
    rate = rate or (lambda step: schedule.learning_rate(settings.rate, step, total))
    optimizer = optimizer or adamw(model, settings)
    mean = copy.deepcopy(model).eval().requires_grad_(False)
    progress = store.resume(model, mean, optimizer)
    forward = processes.parallel(_Loss(model, terms))
    left = range(progress.epoch, settings.epochs)
    if progress.epoch and not quiet:
        log(f"{label}: goes on after epoch {progress.epoch}")

    for epoch in left if quiet else track(left, len(left), label, "epochs"):
        if epoch - max(progress.best_epoch, int(settings.epochs * settings.rate.flat)) >= settings.patience:
            break
        model.train()
        sums: dict[str, float] = {}
        for batch in batches(epoch):
            values = descended(model, optimizer, forward(batch, epoch), settings.clip)
            if progress.step == 0 and not quiet:
                log(f"{label}: step 1: {worded(values)}")
            check(values, epoch, progress.step)
            update(optimizer, rate(progress.step))
            schedule.average(mean, model, schedule.share(settings.ema, progress.step) if settings.ema else 1.0)
            sums = {name: sums.get(name, 0.0) + value / steps for name, value in values.items()}
            if progress.step < settings.gradient_steps:
                progress.norms.append(values[NORM])
            progress.step += 1
        error = processes.first(validate(mean) if processes.rank() == 0 else nan)
        record(progress, {"epoch": epoch + 1, "lr": optimizer.param_groups[0]["lr"]} | sums, error)
        store.save(progress, model, mean, optimizer)

    if not progress.best_epoch:
        raise Untrained(f"no epoch of {label} gave a finite validation error", "lower the learning rate")
    return Trained(best(store), progress)


def best(store: Store) -> State:
    """Return the best weights, which no process clears before all have read them."""
    processes.wait()
    weights = store.best()
    processes.wait()
    return weights


class _Loss(nn.Module):
    """The loss terms as the forward pass of one module, which is where DistributedDataParallel looks."""

    def __init__(self, model: nn.Module, terms: Callable[[Any, Any, int], Terms]):
        super().__init__()
        self.model, self.terms = model, terms

    def forward(self, batch: Any, epoch: int) -> Terms:
        return self.terms(self.model, batch, epoch)


def adamw(model: nn.Module, settings: Settings) -> Optimizer:
    """Return the optimizer of a run."""
    groups = schedule.groups(model, settings.weight_decay)
    return torch.optim.AdamW(groups, settings.rate.peak, fused=True)


def update(optimizer: Optimizer, rate: float) -> None:
    """Take a step at a learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()


def descended(model: nn.Module, optimizer: Optimizer, losses: Terms, clip: float | None) -> dict[str, float]:
    """Leave the clipped gradient of the sum of the terms in `model`; return the terms, and its norm before that.

    Over several processes, both are those of the mean. All values are fetched at once, for a GPU waits each time.
    """
    optimizer.zero_grad(set_to_none=True)
    values = torch.stack(list(losses.values()))
    values.sum().backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), clip or inf)
    listed = torch.cat([processes.mean(values.detach()), norm.reshape(1)]).tolist()
    return dict(zip([*losses, NORM], listed, strict=True))


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


def log(line: str) -> None:
    """Print a line to stderr."""
    print(line, file=sys.stderr, flush=True)


def record(progress: Progress, row: Row, error: float) -> None:
    """Append an epoch's row, and mark the epoch when its validation error is the lowest (NaN never is)."""
    progress.history.append(row | {"val_nme": error})
    progress.epoch += 1
    if error < progress.best:
        progress.best, progress.best_epoch = error, progress.epoch
