"""Matrix products in float32 on a CPU, by oneDNN.

MKL promises equal bytes on all CPUs only in loops without FMA, at a quarter of the speed. oneDNN, held to AVX2,
gives equal bytes at full speed. PyTorch hands it convolutions, but never linear layers, and 1x1 convolutions only
of 16 images or more, or to several threads.
"""

from functools import cache

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable


class Linear(nn.Linear):
    """A linear layer without bias."""

    def __init__(self, inside: int, outside: int):
        super().__init__(inside, outside, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., inside) to (..., outside)."""
        if not suits(x, self.weight):
            return super().forward(x)
        return product(x.reshape(-1, x.shape[-1]), self.weight).view(*x.shape[:-1], -1)


class Pointwise(nn.Conv2d):
    """A 1x1 convolution of stride 1."""

    def __init__(self, inside: int, outside: int, bias: bool = True):
        super().__init__(inside, outside, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inside, H, W) to (N, outside, H, W)."""
        if not (suits(x, self.weight) and x.is_contiguous(memory_format=torch.channels_last)):
            return super().forward(x)
        cells = x.permute(0, 2, 3, 1)
        out = product(cells.reshape(-1, x.shape[1]), self.weight.flatten(1), self.bias)
        return out.view(*cells.shape[:-1], -1).permute(0, 3, 1, 2)


def suits(x: Tensor, weight: Tensor) -> bool:
    """Tell whether `product` can multiply these; a network that is traced for export keeps public operations."""
    traced = torch.jit.is_tracing() or torch.compiler.is_compiling()  # type: ignore[no-untyped-call, attr-defined]
    if traced or not _there() or not torch.backends.mkldnn.enabled or torch.is_autocast_enabled("cpu"):
        return False
    plain = x.dtype == weight.dtype == torch.float32 and x.device.type == weight.device.type == "cpu"
    return plain and x.numel() > 0


@cache
def _there() -> bool:
    return bool(torch.backends.mkldnn.is_available())


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x weight^T + bias of float32 matrices (M, L) and (N, L) on the CPU, differentiable once."""
    out: Tensor = _Product.apply(x, weight, bias)  # type: ignore[no-untyped-call]
    return out


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _multiplied(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors  # type: ignore[attr-defined]
        need_x, need_weight, need_bias = ctx.needs_input_grad  # type: ignore[attr-defined]
        return (
            _multiplied(gradient, weight.t()) if need_x else None,
            _multiplied(gradient.t(), x.t()) if need_weight else None,
            gradient.sum(0) if need_bias else None,
        )


def _multiplied(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    # What torch.compile makes of a linear layer on a CPU; transposed views cost nothing.
    out: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return out
