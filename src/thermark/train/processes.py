"""Several processes that train one network: each takes its part of every global batch (DistributedDataParallel).

Started by torchrun, or by THERMARK_NPROC; with one process nothing here communicates or changes a result. The loss
of a run is the mean over processes of each term: one that sums over its batch is to be multiplied by `count()`.
On GPUs batch normalisation is that of the global batch; on CPUs, where PyTorch has none, that of each part.
"""

import atexit
import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from thermark.core.errors import ConfigError, SetupError, ThermarkError

# A process that dies ends the others at once; this is for one that hangs, and must outlast a validation.
PATIENCE = timedelta(minutes=30)
GRACE = 10.0


def count() -> int:
    """Return the number of processes."""
    return int(os.environ.get("WORLD_SIZE", 1))


def rank() -> int:
    """Return the number of this process, from 0, which validates, prints and writes files."""
    return int(os.environ.get("RANK", 0)) if count() > 1 else 0


def relaunched() -> None:
    """Run this command in THERMARK_NPROC processes and exit as they do; return if that is 1, or this one of them.

    The exit code is that of the process whose failure ended the others. Raises ConfigError when the variable is
    not an integer from 1.
    """
    text = os.environ.get("THERMARK_NPROC", "1")
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise ConfigError(
            f"THERMARK_NPROC is {text!r}, not an integer from 1", "set it to the number of processes, or unset it"
        )
    if int(text) == 1 or "LOCAL_RANK" in os.environ:
        return
    from torch.distributed import run
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    # torchrun's own choice, without its warning; `threads` of the run's section is what counts.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        run.run(run.parse_args(["--standalone", f"--nproc-per-node={text}", *sys.argv]))
    except ChildFailedError as error:
        sys.exit(_exit_code([failure.exitcode for failure in error.failures.values()]))
    except SignalException as error:
        sys.exit(128 + error.sigval)
    sys.exit(0)


def _exit_code(codes: list[int]) -> int:
    """Return the code of the cause: in its wake, a lost connection ends in 1, a process put down in -15."""
    code = next((code for code in codes if code not in (1, -signal.SIGTERM)), codes[0])
    return code if code > 0 else 128 - code


def start(device: torch.device) -> torch.device:
    """Join the other processes, once, and return the device of this one: of several GPUs, that of its number.

    Raises SetupError when there are fewer GPUs than processes.
    """
    if count() == 1:
        return device
    if device.type == "cuda":
        number = int(os.environ["LOCAL_RANK"])
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
        distributed.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
        atexit.register(distributed.destroy_process_group)
    return device


def die_with_parent() -> None:
    """Have the system kill this process when the one that started it ends, however that ends; on Linux only."""
    if sys.platform == "linux":
        set_signal_at_death_of_parent = 1
        ctypes.CDLL(None).prctl(set_signal_at_death_of_parent, signal.SIGKILL)


@contextmanager
def connected() -> Iterator[None]:
    """Turn the loss of a connection into a ThermarkError, after a moment.

    The process that failed may take that long to end; its exit code, not this one's, is to be seen first.
    """
    try:
        yield
    except RuntimeError as error:
        if not (isinstance(error, distributed.DistError) or "gloo" in str(error)):
            raise
        time.sleep(GRACE)
        lost = "another process has ended, or does not answer"
        raise ThermarkError(lost, "see what it says above (THERMARK_DEBUG=1 shows more)") from error


def part(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return this process's share of the rows of a global batch; raises ConfigError when they cannot be equal."""
    if len(rows) % count():
        raise ConfigError(
            f"a batch of {len(rows)} cannot be shared equally by {count()} processes",
            f"set `batch` to a multiple of {count()}",
        )
    return rows[rank() :: count()]


def parallel(module: nn.Module) -> nn.Module:
    """Return the module with the weights of process 0, whose backward pass averages gradients over processes.

    Parameters that a forward pass does not use keep no gradient.
    """
    if count() == 1:
        return module
    if any(parameter.is_cuda for parameter in module.parameters()):
        module = nn.SyncBatchNorm.convert_sync_batchnorm(module)
    return DistributedDataParallel(module, find_unused_parameters=True)


def wait() -> None:
    """Return when all processes have come here."""
    if count() > 1:
        distributed.barrier()


def first(value: float) -> float:
    """Return the value that process 0 has."""
    if count() == 1:
        return value
    tensor = torch.tensor(value, dtype=torch.float64)
    distributed.broadcast(tensor, 0)
    return float(tensor)


def mean(tensor: Tensor) -> Tensor:
    """Return the mean of a tensor over processes, without gradient; NaN where any has NaN."""
    if count() == 1:
        return tensor
    total = tensor.detach().clone()
    distributed.all_reduce(total)
    return total / count()
