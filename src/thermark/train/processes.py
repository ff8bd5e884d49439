"""Several processes that train one network as one process would: each takes its part of every global batch.

Started by torchrun, or by THERMARK_NPROC; with one process nothing here communicates or changes a result. The loss
of a run is the mean over processes of each term: one that sums over its batch is to be multiplied by `count()`.
"""

import atexit
import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, distributed, nn
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm

from thermark.core.errors import ConfigError, SetupError, ThermarkError

Module = TypeVar("Module", bound=nn.Module)

# A process that dies ends the others at once; this is for one that hangs, and must outlast a validation.
PATIENCE = timedelta(minutes=30)
GRACE = 10.0


def count() -> int:
    """Return the number of processes; raises ConfigError when WORLD_SIZE is not one."""
    return _integer("WORLD_SIZE", default=1, least=1)


def rank() -> int:
    """Return the number of this process, from 0, which validates, prints and writes files."""
    return 0 if count() == 1 else _integer("RANK", default=None, least=0)


def _integer(name: str, default: int | None, least: int) -> int:
    text = os.environ.get(name, "" if default is None else str(default))
    if text.isascii() and text.isdecimal() and int(text) >= least:
        return int(text)
    raise ConfigError(
        f"{name} is {text!r}, not an integer from {least}",
        "set THERMARK_NPROC to the number of processes, or start them with torchrun",
    )


def relaunched() -> None:
    """Run this command in THERMARK_NPROC processes and exit as they do; return if that is 1, or this one of them.

    The exit code is that of the process whose failure ended the others. Raises ConfigError when the variable is
    not an integer from 1.
    """
    asked = _integer("THERMARK_NPROC", default=1, least=1)
    if asked == 1 or "LOCAL_RANK" in os.environ:
        return
    from torch.distributed import run
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    # torchrun's own choice, without its warning; `threads` of the run's section is what counts.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        run.run(run.parse_args(["--standalone", f"--nproc-per-node={asked}", *sys.argv]))
    except ChildFailedError as error:
        sys.exit(_verdict([failure.exitcode for failure in error.failures.values()]))
    except SignalException as error:
        sys.exit(128 + error.sigval)
    sys.exit(0)


def _verdict(codes: list[int]) -> int:
    """Return the code of the cause: in its wake, a lost connection ends in 1, a process put down in -15."""
    code = next((code for code in codes if code not in (1, -signal.SIGTERM)), codes[0])
    return code if code > 0 else 128 - code


def start(device: torch.device) -> torch.device:
    """Join the other processes, once, and return the device of this one: of several GPUs, that of its number.

    Raises SetupError when there are fewer GPUs than processes, ConfigError when the environment is incomplete.
    """
    if count() == 1:
        return device
    if device.type == "cuda":
        number = _integer("LOCAL_RANK", default=None, least=0)
        if number >= torch.cuda.device_count():
            raise SetupError(
                f"there are {torch.cuda.device_count()} GPUs for {number + 1} processes or more",
                "start a process for each GPU at most, or set `device: cpu`",
            )
        device = torch.device("cuda", number)
        torch.cuda.set_device(device)
    if not distributed.is_initialized():
        # A killed torchrun would leave its children writing the checkpoints that the next start goes on from.
        if "TORCHELASTIC_RUN_ID" in os.environ:
            die_with_parent()
        backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
        distributed.init_process_group(backend, rank=rank(), world_size=count(), timeout=PATIENCE)
        atexit.register(distributed.destroy_process_group)
    return device


def die_with_parent() -> None:
    """Have the system kill this process when the one that started it ends, however that ends; on Linux only."""
    if sys.platform == "linux":
        set_signal_at_death_of_parent = 1
        ctypes.CDLL(None).prctl(set_signal_at_death_of_parent, signal.SIGKILL)


def part(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return this process's share of the rows of a global batch; raises ConfigError when they cannot be equal."""
    if len(rows) % count():
        raise ConfigError(
            f"a batch of {len(rows)} cannot be shared equally by {count()} processes",
            f"set `batch` to a multiple of {count()}",
        )
    return rows[rank() :: count()]


def wait() -> None:
    """Return when all processes have come here."""
    mean(torch.zeros(()))


def first(value: float) -> float:
    """Return the value that process 0 has."""
    if count() == 1:
        return value
    return float(_from_first(torch.tensor(value, dtype=torch.float64)))


def mean(tensor: Tensor) -> Tensor:
    """Return the mean of a tensor over processes, without gradient; NaN where any has NaN."""
    if count() == 1:
        return tensor
    return _sum(tensor) / count()


def mean_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace each gradient by its mean over processes, in one message.

    A process that has no gradient of a parameter counts as zero; where no process has one, there is none after it.
    """
    if count() == 1:
        return
    learned = [parameter for parameter in parameters if parameter.requires_grad]
    found = torch.tensor([float(parameter.grad is not None) for parameter in learned], device=learned[0].device)
    gradients = [torch.zeros_like(each) if each.grad is None else each.grad for each in learned]
    flat = mean(torch.cat([found, *(gradient.reshape(-1) for gradient in gradients)]))
    anywhere, *means = flat.split([len(learned), *(each.numel() for each in learned)])
    for parameter, gradient, average, some in zip(learned, gradients, means, anywhere.tolist(), strict=True):
        parameter.grad = gradient.copy_(average.view_as(gradient)) if some else None


def _sum(tensor: Tensor) -> Tensor:
    total = tensor.detach().clone(memory_format=torch.contiguous_format)
    with _connected():
        distributed.all_reduce(total)
    return total


def _from_first(tensor: Tensor) -> Tensor:
    told = tensor.detach().clone(memory_format=torch.contiguous_format)
    with _connected():
        distributed.broadcast(told, 0)
    return told


@contextmanager
def _connected() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        # The process that failed may take a moment to end; its exit code, not this one's, is to be seen first.
        time.sleep(GRACE)
        lost = "another process has ended, or does not answer"
        raise ThermarkError(lost, "see what it says above (THERMARK_DEBUG=1 shows more)") from error


def synchronised(model: Module) -> Module:
    """Return the network with the weights of process 0 and batch normalisation over the global batch.

    The modules are changed in place, those of a GPU replaced; parameters and keys of the state_dict stay.
    """
    if count() == 1:
        return model
    for tensor in model.state_dict().values():
        tensor.copy_(_from_first(tensor))
    if any(parameter.is_cuda for parameter in model.parameters()):
        return nn.SyncBatchNorm.convert_sync_batchnorm(model)
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.__class__ = GlobalBatchNorm
    return model


class GlobalBatchNorm(_BatchNorm):
    """Batch normalisation over the batches of all processes, for the CPU, where PyTorch has none.

    One message a pass: count, sum and sum of squares in float64, so that a mean far from 0 costs no digits.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape (N, C, ...) and the type; statistics are those of float32 inputs."""
        if not self.training:
            return super().forward(x)
        own = x.numel() // x.shape[1]
        variance, mean = (each.double() for each in torch.var_mean(x.float(), _all_but(1, x), correction=0))
        sums = torch.cat([mean * own, (variance + mean**2) * own, mean.new_tensor([own])])
        first, second, total = _Sum.apply(sums).split([len(mean), len(mean), 1])
        mean = first / total
        variance = (second / total - mean**2).clamp(min=0)
        self._follow(mean.detach(), (variance * total / (total - 1)).detach())
        scale = (variance + self.eps).rsqrt()
        scale = scale * self.weight if self.affine else scale
        shift = -mean * scale + (self.bias if self.affine else 0)
        shape = [1, -1] + [1] * (x.dim() - 2)
        return (x.float() * scale.float().view(shape) + shift.float().view(shape)).to(x.dtype)

    def _follow(self, mean: Tensor, unbiased: Tensor) -> None:
        if self.track_running_stats:
            self.num_batches_tracked.add_(1)
            part = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
            self.running_mean.lerp_(mean.float(), part)
            self.running_var.lerp_(unbiased.float(), part)

    def _check_input_dim(self, x: Tensor) -> None:
        """Accept any number of axes."""


def _all_but(axis: int, x: Tensor) -> list[int]:
    return [other for other in range(x.dim()) if other != axis]


class _Sum(torch.autograd.Function):
    """The sum over processes; so is its gradient, as every process's loss depends on it."""

    @staticmethod
    def forward(ctx: FunctionCtx, values: Tensor) -> Tensor:
        return _sum(values)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> Tensor:
        return _sum(gradient)
