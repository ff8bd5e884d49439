"""The head against the published order of its layers, and the published count of its parameters."""

import pytest
import torch
from torch import nn

from thermark.fewshot.tiny_head import TinyHead


def literal(head: TinyHead) -> nn.Sequential:
    """Return the same layers as published: the interpolation before the last convolution."""
    return nn.Sequential(
        *(head.conv1, head.norm1, nn.GELU(), head.conv2, head.norm2, nn.GELU()),
        nn.Upsample(size=(head.size, head.size), mode="bilinear", align_corners=False),
        head.conv3,
    )


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("channels", "points", "wanted"), [(1024, 1, 410_625), (1024, 2, 410_690), (8, 1, 150_529)]
)
def test_it_has_the_published_number_of_parameters(channels, points, wanted):
    assert sum(p.numel() for p in TinyHead(channels, points).parameters() if p.requires_grad) == wanted


@pytest.mark.parametrize(("grid", "size", "points"), [((16, 16), 64, 1), ((8, 8), 64, 2), ((16, 12), 48, 3)])
def test_it_is_the_published_order_of_layers_and_so_are_its_gradients(grid, size, points):
    torch.manual_seed(0)
    head = TinyHead(12, points, size)
    features, weights = noise(3, 12, *grid), noise(3, points, size, size)
    for training in (True, False):
        head.train(training)
        ours, theirs = head(features), literal(head).train(training)(features)
        assert ours.shape == (3, points, size, size) and ours.std() > 0.01
        torch.testing.assert_close(ours, theirs, atol=2e-6, rtol=1e-5)
    gradients = torch.autograd.grad((head(features) * weights).sum(), list(head.parameters()))
    published = torch.autograd.grad((literal(head)(features) * weights).sum(), list(head.parameters()))
    for gradient, wanted in zip(gradients, published, strict=True):
        torch.testing.assert_close(gradient, wanted, atol=1e-4 * float(wanted.abs().max()) + 1e-6, rtol=1e-4)


def test_under_autocast_maps_are_float32_and_not_rounded_to_bfloat16():
    torch.manual_seed(0)
    head = TinyHead(12, 1).eval()
    features = noise(2, 12, 16, 16)
    with torch.inference_mode():
        wanted = head(features)
        with torch.autocast("cpu", torch.bfloat16):
            maps = head(features.bfloat16())
    assert maps.dtype == torch.float32
    assert (maps != maps.bfloat16().float()).float().mean() > 0.9
    torch.testing.assert_close(maps, wanted, atol=0.03 * float(wanted.abs().max()), rtol=0)
