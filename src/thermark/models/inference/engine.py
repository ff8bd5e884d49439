"""onnxruntime, whose telemetry is switched off before it is imported, and files opened in it."""

import os
import sys
from pathlib import Path

# onnxruntime reads it once, at import; so no other module may import it before this one.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from thermark.core import arithmetic
from thermark.core.errors import DataError, SetupError, in_one_line

__all__ = ["CPU", "CUDA", "UNREADABLE", "available", "cuda", "onnxruntime", "opened"]

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
UNREADABLE = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)


def available() -> list[str]:
    """Return what this build of onnxruntime can run on."""
    return list(onnxruntime.get_available_providers())


def cuda(device: str) -> bool:
    """Tell whether `device` (`auto`, `cpu` or `cuda`) means a GPU here.

    Raises SetupError when one is asked for that is not there.
    """
    present = CUDA in available()
    if device == "cuda" and not present:
        raise SetupError(
            f"onnxruntime {onnxruntime.__version__} is a build without CUDA",
            "ask for device `auto` or `cpu`, or install onnxruntime-gpu of the same version",
        )
    return present and device != "cpu"


def opened(
    path: Path, device: str = "cpu", threads: int = 1, content: bytes | None = None, native: bool = False
) -> onnxruntime.InferenceSession:
    """Open an ONNX file, or `content` in its place, with `threads` threads inside an operator, one at a time.

    On a CPU in portable arithmetic it is one thread, and convolutions keep the layout of the file; with `native`
    they do not, and threads that wait let others have the CPU.
    Raises DataError for a file that is absent, empty, no ONNX or of an opset too new, SetupError for an absent
    device.
    """
    on_gpu = cuda(device)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if native:
        # Threads that wait in a loop take the CPU away from the program around.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    elif not on_gpu and arithmetic.portable():
        # Layouts beyond this level are blocks of 8 or 16 channels, as the CPU's vectors are long; in the file's,
        # a sum has the same order on every CPU. How work is cut for threads depends on the CPU as well.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(
            content or path.read_bytes(), options, [CUDA, CPU] if on_gpu else [CPU]
        )
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist", "run `dvc repro` to bring the weights again") from error
    except UNREADABLE as error:
        name = f"onnxruntime {onnxruntime.__version__}"
        raise DataError(
            f"{path.name} is no ONNX network that {name} can read: {in_one_line(error)}",
            "remove the file and run `dvc repro` to bring it again",
        ) from error
    # onnxruntime falls back with a warning only, when the libraries of CUDA are absent or of another version.
    if on_gpu and session.get_providers()[0] != CUDA:
        cause, remedy = "onnxruntime could not start CUDA", "install the CUDA and cuDNN that it was built for"
        if device == "cuda":
            raise SetupError(cause, remedy)
        print(f"warning: {cause} for {path.name}, which runs on the CPU; {remedy}", file=sys.stderr)
    return session
