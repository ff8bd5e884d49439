"""What a network costs: parameters and multiply-adds, in the convention of the published tables.

One multiply-add counts as one. Convolutions, linear layers and matrix products count, batch normalisation with
2 and average pooling with 1 an element; activations, maxima and element-wise products do not (fvcore). An
attention that is one operation counts as the two matrix products in it.
"""

from collections import Counter
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten


def parameters(model: nn.Module) -> int:
    """Return the number of learned values."""
    return sum(parameter.numel() for parameter in model.parameters())


def macs(model: nn.Module, *inputs: Tensor) -> Counter[str]:
    """Return the multiply-adds of one evaluation-mode forward pass, by kind of operation."""
    training = model.training
    model.eval()
    with torch.no_grad(), _Counting() as counting:
        model(*inputs)
    model.train(training)
    counted: Counter[str] = counting.macs
    return counted


class _Counting(TorchDispatchMode):
    def __init__(self) -> None:
        # Not annotated, and `untyped_calls_exclude` of mypy does not see through super().
        super().__init__()  # type: ignore[no-untyped-call]
        self.macs: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        operation = func.overloadpacket
        if operation is aten.convolution:
            self.macs["conv"] += out.numel() * args[1][0].numel()
        elif operation in (aten.native_batch_norm, aten._native_batch_norm_legit_no_training):
            self.macs["batch_norm"] += 2 * args[0].numel()
        elif operation is aten.mean:
            self.macs["average_pool"] += args[0].numel()
        elif operation in (aten.mm, aten.addmm):
            self.macs["linear"] += out.numel() * args[-2].shape[-1]
        elif operation is torch.ops.mkldnn._linear_pointwise:
            self.macs["linear"] += out.numel() * args[1].shape[-1]
        elif operation is aten.bmm:
            self.macs["bmm"] += out.numel() * args[0].shape[-1]
        elif operation is aten._scaled_dot_product_flash_attention_for_cpu:
            # Queries (N, H, L, E) times keys (N, H, S, E), and that (N, H, L, S) times values (N, H, S, E).
            query, key, value = args[:3]
            self.macs["attention"] += query[..., 0].numel() * key.shape[-2] * (key.shape[-1] + value.shape[-1])
        return out
