"""Where and how exactly a network computes."""

import os
from contextlib import AbstractContextManager
from typing import Literal, TypeVar

import torch
from pydantic import PositiveInt
from torch import nn

from thermark.core import arithmetic
from thermark.core.config import Section
from thermark.core.errors import ConfigError, SetupError
from thermark.train import processes

Net = TypeVar("Net", bound=nn.Module)
Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["fp32", "bf16"]
Dtype = Literal["auto", "float32", "bfloat16"]
# Sections about foreign networks call types as their authors do.
PRECISIONS: dict[Dtype, Literal["auto", "fp32", "bf16"]] = {
    "auto": "auto",
    "float32": "fp32",
    "bfloat16": "bf16",
}


class Machine(Section):
    """`device`: auto takes a GPU where there is one; `precision`: auto takes bf16 where the hardware has it.

    On a CPU in portable arithmetic auto is fp32: no bf16 gives the same bytes on all CPUs.

    `threads` of the CPU are shared out when there are several processes; `workers` threads of each assemble
    batches, where one does not keep up with a GPU.
    """

    device: Device = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    threads: PositiveInt = 2
    workers: PositiveInt = 1


def prepare(machine: Machine) -> torch.device:
    """Set threads and deterministic algorithms, join the other processes, and return the device of this one.

    Raises SetupError when a GPU is asked for and absent.
    """
    torch.set_num_threads(max(1, machine.threads // processes.count()))
    # cuBLAS repeats itself only with a fixed workspace; where an operation cannot, PyTorch warns.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Writing NaN into all fresh memory costs 5 to 10 % of a step and changes no result.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    return processes.start(chosen(machine.device))


def chosen(device: str) -> torch.device:
    """Return the device meant by auto, cpu or cuda; raises SetupError when a GPU is asked for and absent."""
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise SetupError("PyTorch finds no GPU", "set `device: auto`, or install the CUDA build of PyTorch")
    return torch.device("cuda" if available and device != "cpu" else "cpu")


def exactness(dtype: Dtype, device: torch.device) -> Precision:
    """Return the precision that a type means on this device."""
    return resolved(Machine(precision=PRECISIONS[dtype]), device)


def resolved(machine: Machine, device: torch.device) -> Precision:
    """Return the precision that `auto` means on this device.

    Raises ConfigError for bf16 on a CPU in portable arithmetic.
    """
    if device.type == "cpu" and arithmetic.portable():
        if machine.precision == "bf16":
            raise ConfigError(
                "bf16 on a CPU is not portable: its bytes depend on the CPU",
                f"set `arithmetic: native` in params.yaml ({arithmetic.VARIABLE}=native), or `precision: fp32`",
            )
        return "fp32"
    if machine.precision != "auto":
        return machine.precision
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    capable = torch.cpu.get_capabilities()
    return "bf16" if capable.get("avx512_bf16") or capable.get("amx_bf16") else "fp32"


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[None]:
    """Return the context in which forward passes run."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


def placed(model: Net, device: torch.device) -> Net:
    """Move a network to the device, convolution weights in channels_last order."""
    moved: Net = model.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return moved
