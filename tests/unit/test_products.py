"""Products by oneDNN are those of PyTorch's public operations, values and gradients, or make way for them."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from thermark.nets.products import Linear, Pointwise, suits

LAYERS = {
    "linear": (lambda: Linear(12, 7), lambda x, layer: F.linear(x, layer.weight), (3, 5, 12)),
    "pointwise": (
        lambda: Pointwise(12, 7),
        lambda x, layer: F.conv2d(x, layer.weight, layer.bias),
        (3, 12, 5, 4),
    ),
    "pointwise without bias": (
        lambda: Pointwise(12, 7, bias=False),
        lambda x, layer: F.conv2d(x, layer.weight),
        (3, 12, 5, 4),
    ),
}


def called(layer: nn.Module, x: Tensor) -> bool:
    """Tell whether a layer hands x to oneDNN itself."""
    with torch.profiler.profile() as seen:
        layer(x)
    return any(event.key == "mkldnn::_linear_pointwise" for event in seen.key_averages())


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("frozen", ["nothing", "input", "weights"])
def test_values_and_gradients_are_those_of_the_public_operation(name, frozen):
    make, public, shape = LAYERS[name]
    torch.manual_seed(0)
    layer = make().requires_grad_(frozen != "weights")
    x = torch.randn(shape)
    if len(shape) == 4:
        x = x.to(memory_format=torch.channels_last)
    assert called(layer, x)
    x.requires_grad_(frozen != "input")
    learned = [tensor for tensor in (x, *layer.parameters()) if tensor.requires_grad]
    aim = torch.randn_like(public(x, layer))
    ours, theirs = layer(x), public(x, layer)
    assert torch.allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert ours.stride() == theirs.stride()
    pairs = zip(
        torch.autograd.grad((ours * aim).sum(), learned),
        torch.autograd.grad((theirs * aim).sum(), learned),
        strict=True,
    )
    for gradient, public_one in pairs:
        assert gradient.shape == public_one.shape
        assert torch.allclose(gradient, public_one, rtol=1e-5, atol=1e-5)


def test_one_value_for_all_rows_has_its_gradient_too():
    # A sum hands back a gradient without memory of its own: one number, seen at every place.
    layer, x = Linear(6, 4), torch.randn(5, 6)
    layer(x).sum().backward()
    assert torch.allclose(layer.weight.grad, x.sum(0).expand(4, 6), atol=1e-5)


@pytest.mark.parametrize("name", LAYERS)
def test_other_types_layouts_and_traces_take_the_public_operation(name):
    make, public, shape = LAYERS[name]
    layer, x = make(), torch.randn(shape)
    if len(shape) == 4:
        assert not called(layer, x), "channels first"
        x = x.to(memory_format=torch.channels_last)
    double = make().double()
    assert torch.equal(double(x.double()), public(x.double(), double))
    with torch.autocast("cpu", torch.bfloat16):
        assert not called(layer, x)
        assert layer(x).dtype == torch.bfloat16
    with torch.backends.mkldnn.flags(enabled=False):
        assert not called(layer, x)
    assert "mkldnn" not in str(torch.jit.trace(layer, x).inlined_graph)
    assert not suits(x[:0], layer.weight)
    assert layer(x[:0]).shape[0] == 0
