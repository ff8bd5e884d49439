"""Every module in learn/objectives is a complete loss of SimCC logits."""

import pkgutil
from importlib import import_module
from inspect import signature

import pytest
import torch

from thermark.train import objectives, simcc
from thermark.train.targets import Targets

NAMES = [module.name for module in pkgutil.iter_modules(objectives.__path__)]
LOSSES = [import_module(f"{objectives.__name__}.{name}").loss for name in NAMES]
each = pytest.mark.parametrize("loss", LOSSES, ids=NAMES)
SIDE, FACES, POINTS = 32, 2, 5


def targets(weight: torch.Tensor | None = None) -> Targets:
    """Points well inside the image, all labelled unless `weight` says otherwise."""
    xy = torch.rand(FACES, POINTS, 2, generator=torch.Generator().manual_seed(0)) * 10 + 11
    return Targets(xy, torch.ones(FACES, POINTS) if weight is None else weight, (SIDE, SIDE))


def logits(seed: int = 1) -> simcc.Pair:
    generator = torch.Generator().manual_seed(seed)
    x, y = torch.randn(2, FACES, POINTS, SIDE * simcc.SPLIT, generator=generator)
    return x.requires_grad_(), y.requires_grad_()


def pointing(xy: torch.Tensor) -> simcc.Pair:
    """Return the logits of a network that is sure of the points `xy`."""
    return simcc.encode(xy, torch.ones(xy.shape[:2]), (SIDE, SIDE))[0]


def test_all_are_found():
    assert "simcc" in NAMES


@each
def test_the_interface(loss):
    assert list(signature(loss).parameters) == ["outputs", "targets"]


@each
def test_it_is_a_finite_scalar_with_a_gradient_for_every_logit_row(loss):
    outputs = logits()
    value = loss(outputs, targets())
    assert value.shape == () and value.isfinite()
    value.backward()
    for axis in outputs:
        assert axis.grad.isfinite().all() and (axis.grad.abs().sum(dim=-1) > 0).all()


@each
@pytest.mark.parametrize("axis", [0, 1])
def test_the_right_answer_is_the_best_and_the_near_one_better_than_the_far_one(loss, axis):
    told = targets()
    shift = torch.zeros(2)
    shift[axis] = 1.0
    values = [float(loss(pointing(told.xy + pixels * shift), told)) for pixels in (0, 2, 5, -5)]
    assert values[0] < values[1] < min(values[2:])


@each
def test_a_point_without_weight_teaches_nothing_wherever_it_lies(loss):
    weight = torch.ones(FACES, POINTS)
    weight[0, 2] = 0
    told = targets(weight)
    outputs = logits()
    value = loss(outputs, told)
    value.backward()
    for axis in outputs:
        sizes = axis.grad.abs().sum(dim=-1)
        assert sizes[0, 2] == 0 and (sizes > 0).sum() == FACES * POINTS - 1
    told.xy[0, 2] = torch.tensor([3.0, 29.0])
    assert loss(logits(), told).item() == value.item()


@each
def test_nothing_labelled_costs_nothing(loss):
    outputs = logits()
    value = loss(outputs, targets(torch.zeros(FACES, POINTS)))
    value.backward()
    assert value.item() == 0 and all(axis.grad.abs().sum() == 0 for axis in outputs)


@each
def test_it_is_float32_under_autocast(loss):
    x, y = (axis.detach().bfloat16() for axis in logits())
    with torch.autocast("cpu", torch.bfloat16):
        value = loss((x, y), targets())
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(loss((x.float(), y.float()), targets()).item(), rel=1e-6)
