"""What changes from step to step: the learning rate, and the moving average of the weights."""

from math import cos, exp, pi

import torch
from pydantic import Field, NonNegativeInt, PositiveFloat
from torch import Tensor, nn

from thermark.core.config import Section


class Rate(Section):
    """Linear warm-up to `peak` over `warmup` steps, constant, then from the fraction `flat` of all steps a cosine.

    The first step runs at 1e-5 of the peak, the cosine ends at `floor` of it.
    """

    peak: PositiveFloat = 1e-3
    warmup: NonNegativeInt = 60
    flat: float = Field(0.5, ge=0, le=1)
    floor: float = Field(0.05, ge=0, le=1)


class Ema(Section):
    """Exponential momentum: the weight of step i's weights is (1 - momentum) exp(-(1 + i) / gamma) + momentum."""

    momentum: float = Field(2e-4, gt=0, le=1)
    gamma: PositiveFloat = 2000.0


def learning_rate(rate: Rate, step: int, steps: int) -> float:
    """Return the learning rate of `step` (from 0) out of `steps`."""
    start = int(steps * rate.flat)
    factor = 1.0
    if step >= start:
        wave = (1 + cos(pi * (step - start) / max(steps - start, 1))) / 2
        factor = rate.floor + (1 - rate.floor) * wave
    if step < rate.warmup - 1:
        factor *= 1e-5 + (1 - 1e-5) * step / (rate.warmup - 1)
    return rate.peak * factor


def share(ema: Ema, step: int) -> float:
    """Return the share of the current weights in the average after `step` (from 0); the first step copies them."""
    return 1.0 if step == 0 else (1 - ema.momentum) * exp(-(1 + step) / ema.gamma) + ema.momentum


@torch.no_grad()
def average(mean: nn.Module, model: nn.Module, part: float) -> None:
    """Move the weights and buffers of `mean` towards those of `model` by `part`; counters are copied."""
    pairs = list(zip(mean.state_dict().values(), model.state_dict().values(), strict=True))
    moved = [pair for pair in pairs if pair[0].is_floating_point() and part < 1]
    if moved:
        # One kernel for all instead of one for each of hundreds.
        torch._foreach_lerp_([kept for kept, _ in moved], [current for _, current in moved], part)
    for kept, current in pairs:
        if not kept.is_floating_point() or part >= 1:
            kept.copy_(current)


def groups(model: nn.Module, weight_decay: float) -> list[dict[str, float | list[Tensor]]]:
    """Split the learned parameters into those with weight decay and those without.

    Batch normalisation and every parameter called `bias` go without, nothing else does (as in MMPose: the gains of
    the attention unit do decay).
    """
    decayed: list[Tensor] = []
    free: list[Tensor] = []
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.requires_grad:
                norm = isinstance(module, nn.modules.batchnorm._BatchNorm)
                (free if norm or name == "bias" else decayed).append(parameter)
    return [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]
