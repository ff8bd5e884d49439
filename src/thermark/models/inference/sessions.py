"""Networks in ONNX files: opened without a download or a word on stdout, and compared with their card first."""

import os
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

# onnxruntime reads it once, at import; so nobody else in this package imports onnxruntime or rtmlib.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors
from rtmlib import YOLOX, RTMPose
from rtmlib.tools.object_detection.post_processings import multiclass_nms

from thermark.core import arithmetic
from thermark.core.bundle import Bundle
from thermark.core.errors import DataError, SetupError

__all__ = [
    "YOLOX",
    "RTMPose",
    "available",
    "cuda",
    "image_size",
    "multiclass_nms",
    "opened",
    "ordered",
    "providers",
    "require_channels",
    "run",
    "tool",
    "tried",
]

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
UNREADABLE = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)
Tool = TypeVar("Tool", YOLOX, RTMPose)


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
    path: Path, device: str = "cpu", threads: int = 1, content: bytes | None = None
) -> onnxruntime.InferenceSession:
    """Open an ONNX file, or `content` in its place, with `threads` threads inside an operator, one at a time.

    On a CPU in portable arithmetic it is one thread, and convolutions keep the layout of the file.
    Raises DataError for a file that is absent, empty, no ONNX or of an opset too new, SetupError for an absent
    device.
    """
    on_gpu = cuda(device)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if not on_gpu and arithmetic.portable():
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
        raise DataError(
            f"{path.name} is no ONNX network that onnxruntime {onnxruntime.__version__} can read: {_line(error)}",
            "remove the file and run `dvc repro` to bring it again",
        ) from error
    # onnxruntime falls back with a warning only, when the libraries of CUDA are absent or of another version.
    if on_gpu and session.get_providers()[0] != CUDA:
        cause, remedy = "onnxruntime could not start CUDA", "install the CUDA and cuDNN that it was built for"
        if device == "cuda":
            raise SetupError(cause, remedy)
        print(f"warning: {cause} for {path.name}, which runs on the CPU; {remedy}", file=sys.stderr)
    return session


def providers(tool: Tool) -> list[str]:
    """Return what onnxruntime really runs a network on, best first."""
    return list(tool.session.get_providers())


def tool(kind: type[Tool], path: Path, size: tuple[int, int], device: str, threads: int) -> Tool:
    """Return rtmlib's `kind` for the file, with `model_input_size` of `size` and a session of ours.

    rtmlib gives no hold on threads, says on stdout what it loads, and takes a path that does not exist for an
    address to download from: it sees the file only after `opened` could read it. Raises what `opened` raises.
    """
    session = opened(path, device, threads)
    with redirect_stdout(StringIO()):
        loaded = kind(str(path), model_input_size=size, backend="onnxruntime", device="cpu")
    loaded.session = session
    return loaded


def image_size(bundle: Bundle, name: str) -> tuple[int, int]:
    """Return the (width, height) in pixels that the card of a file states; DataError when it states none."""
    stated = bundle.cards[name].get("input_size")
    size = [stated, stated] if isinstance(stated, int) else stated
    if not (
        isinstance(size, (list, tuple)) and len(size) == 2 and all(isinstance(n, int) and n > 0 for n in size)
    ):
        raise DataError(f"the card of {name} has no input_size", "say it as [width, height] in pixels")
    return size[0], size[1]


def ordered(image: NDArray[np.uint8], card: Mapping[str, Any]) -> NDArray[np.uint8]:
    """Return an RGB image (H, W, 3) in the channel order that a card states, `rgb` or `bgr`."""
    return image if card["channels"] == "rgb" else np.ascontiguousarray(image[..., ::-1])


def require_channels(card: Mapping[str, Any], name: str) -> None:
    """Raise DataError unless the card states a channel order; nobody should have to guess it (rtmlib#48)."""
    if card.get("channels") not in ("rgb", "bgr"):
        raise DataError(f"the card of {name} states no channel order", "say `channels: rgb` or `channels: bgr`")


def run(session: onnxruntime.InferenceSession, images: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Return all outputs for images (N, 3, H, W): one by one where the batch is fixed."""
    name = session.get_inputs()[0].name
    if not isinstance(session.get_inputs()[0].shape[0], int):
        together: list[NDArray[np.float32]] = session.run(None, {name: images})
        return together
    alone = [session.run(None, {name: images[row : row + 1]}) for row in range(len(images))]
    return [np.concatenate(outputs) for outputs in zip(*alone, strict=True)]


def tried(session: onnxruntime.InferenceSession, name: str, size: tuple[int, int]) -> list[NDArray[np.float32]]:
    """Return what a network says of one black image of `size` (width, height).

    Raises DataError when it wants other images, or more than one at once.
    """
    inputs = session.get_inputs()
    wanted = (1, 3, size[1], size[0])
    shape = inputs[0].shape if len(inputs) == 1 else []
    fits = len(shape) == 4 and all(
        not isinstance(has, int) or has == must for has, must in zip(shape, wanted, strict=True)
    )
    if not fits:
        raise DataError(
            f"{name} takes {[one.shape for one in inputs]}, its card says {list(wanted)}",
            "take the file that belongs to the card",
        )
    try:
        outputs: list[NDArray[np.float32]] = session.run(None, {inputs[0].name: np.zeros(wanted, np.float32)})
        return outputs
    except UNREADABLE as error:
        raise DataError(
            f"{name} does not run: {_line(error)}", "take the file that belongs to the card"
        ) from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
