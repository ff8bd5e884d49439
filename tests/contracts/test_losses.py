"""Every module in train/losses is a complete loss of the outputs of its codec."""

import pkgutil
from importlib import import_module
from inspect import signature

import pytest
import torch
from torch import Tensor

from thermark.train import losses
from thermark.train.codecs.heatmap import Heatmap
from thermark.train.codecs.simcc import SimCC
from thermark.train.losses import Targets

SIDE, FACES, POINTS = 32, 2, 5
# A new loss says here whose outputs it is for.
CODECS = {"simcc": SimCC((SIDE, SIDE)), "mse": Heatmap(2.0, size=SIDE)}
NAMES = [module.name for module in pkgutil.iter_modules(losses.__path__)]
LOSSES = [(import_module(f"{losses.__name__}.{name}").loss, CODECS[name]) for name in NAMES]
each = pytest.mark.parametrize(("loss", "codec"), LOSSES, ids=NAMES)


def targets(weight: Tensor | None = None) -> Targets:
    """Points well inside the image, all labelled unless `weight` says otherwise."""
    xy = torch.rand(FACES, POINTS, 2, generator=torch.Generator().manual_seed(0)) * 10 + 11
    return Targets(xy, torch.ones(FACES, POINTS) if weight is None else weight)


def parts(outputs: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return outputs if isinstance(outputs, tuple) else (outputs,)


def like(outputs: Tensor | tuple[Tensor, ...], change) -> Tensor | tuple[Tensor, ...]:
    changed = tuple(change(part) for part in parts(outputs))
    return changed if isinstance(outputs, tuple) else changed[0]


def pointing(codec, xy: Tensor) -> Tensor | tuple[Tensor, ...]:
    """Return the outputs of a network that is sure of the points `xy`."""
    return codec.encode(xy, torch.ones(xy.shape[:2]))[0]


def noise(codec) -> Tensor | tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(1)
    shaped = pointing(codec, targets().xy)
    return like(shaped, lambda part: torch.randn(part.shape, generator=generator).requires_grad_())


def gradients(outputs) -> list[Tensor]:
    """Return the size of the gradient (FACES, POINTS) of each output."""
    return [part.grad.abs().flatten(2).sum(dim=-1) for part in parts(outputs)]


def test_all_are_found():
    assert "simcc" in NAMES


@each
def test_the_interface(loss, codec):
    assert list(signature(loss).parameters) == ["outputs", "targets", "codec"]


@each
def test_it_is_a_finite_scalar_with_a_gradient_for_every_point(loss, codec):
    outputs = noise(codec)
    value = loss(outputs, targets(), codec)
    assert value.shape == () and value.isfinite()
    value.backward()
    assert all(size.isfinite().all() and (size > 0).all() for size in gradients(outputs))


@each
@pytest.mark.parametrize("axis", [0, 1])
def test_the_right_answer_is_the_best_and_the_near_one_better_than_the_far_one(loss, codec, axis):
    labelled = targets()
    shift = torch.zeros(2)
    shift[axis] = 1.0
    predictions = [pointing(codec, labelled.xy + pixels * shift) for pixels in (0, 2, 5, -5)]
    values = [float(loss(outputs, labelled, codec)) for outputs in predictions]
    assert values[0] < values[1] < min(values[2:])


@each
def test_a_point_without_weight_teaches_nothing_wherever_it_lies(loss, codec):
    weight = torch.ones(FACES, POINTS)
    weight[0, 2] = 0
    labelled = targets(weight)
    outputs = noise(codec)
    value = loss(outputs, labelled, codec)
    value.backward()
    for size in gradients(outputs):
        assert size[0, 2] == 0 and (size > 0).sum() == FACES * POINTS - 1
    for elsewhere in ([3.0, 29.0], [torch.nan, torch.nan]):
        labelled.xy[0, 2] = torch.tensor(elsewhere)
        assert loss(noise(codec), labelled, codec).item() == value.item()


@each
def test_nothing_labelled_costs_nothing(loss, codec):
    outputs = noise(codec)
    value = loss(outputs, targets(torch.zeros(FACES, POINTS)), codec)
    value.backward()
    assert value.item() == 0 and all((size == 0).all() for size in gradients(outputs))


@each
def test_it_is_float32_under_autocast(loss, codec):
    coarse = like(noise(codec), lambda part: part.detach().bfloat16())
    with torch.autocast("cpu", torch.bfloat16):
        value = loss(coarse, targets(), codec)
    assert value.dtype == torch.float32
    wanted = loss(like(coarse, torch.Tensor.float), targets(), codec)
    assert value.item() == pytest.approx(wanted.item(), rel=1e-6)
