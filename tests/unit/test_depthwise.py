"""Depthwise convolutions: those of PyTorch, in float32 even where all else is bfloat16."""

import thermark  # noqa: F401  # isort: skip  (before torch, which reads its switches once)

import torch
from torch import nn

from thermark.nets.depthwise import Depthwise


def pair(stride: int) -> tuple[Depthwise, nn.Conv2d, torch.Tensor]:
    """Return ours and PyTorch's with equal weights, and images (2, 6, 9, 9)."""
    generator = torch.Generator().manual_seed(stride)
    ours, plain = Depthwise(6, 5, stride), nn.Conv2d(6, 6, 5, stride, 2, groups=6, bias=False)
    with torch.no_grad():
        plain.weight.copy_(torch.randn(plain.weight.shape, generator=generator))
    ours.load_state_dict(plain.state_dict())
    return ours, plain, torch.randn(2, 6, 9, 9, generator=generator)


def test_is_pytorchs_convolution_to_the_bit() -> None:
    for stride in (1, 2):
        ours, plain, images = pair(stride)
        assert torch.equal(ours(images), plain(images))


def test_under_autocast_only_input_and_output_are_rounded() -> None:
    ours, plain, images = pair(1)
    rounded = images.bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        out = ours(rounded)
    assert out.dtype == torch.bfloat16
    assert torch.equal(out, plain(rounded.float()).bfloat16())


def test_under_autocast_the_gradient_of_the_weights_is_that_of_float32() -> None:
    ours, plain, images = pair(1)
    rounded = images.bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        ours(rounded).float().sum().backward()
    plain(rounded.float()).sum().backward()
    assert ours.weight.grad is not None and plain.weight.grad is not None
    assert torch.equal(ours.weight.grad, plain.weight.grad)
