"""Networks in ONNX files: opened without a download or a word on stdout, and compared with their card first."""

import os
from collections.abc import Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

# onnxruntime reads it once, at import; so only this module and `engine` import onnxruntime or rtmlib.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
from numpy.typing import NDArray
from rtmlib import YOLOX, RTMPose
from rtmlib.tools.object_detection.post_processings import multiclass_nms

from thermark.core.bundle import Bundle
from thermark.core.errors import DataError, in_one_line
from thermark.models.inference.engine import UNREADABLE, available, cuda, onnxruntime, opened

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

Tool = TypeVar("Tool", YOLOX, RTMPose)


def providers(tool: Tool) -> list[str]:
    """Return what onnxruntime really runs a network on, best first."""
    return list(tool.session.get_providers())


def tool(kind: type[Tool], path: Path, size: tuple[int, int], device: str, threads: int) -> Tool:
    """Return rtmlib's `kind` for the file, with `model_input_size` of `size` and a session of ours.

    rtmlib gives no hold on threads, prints on stdout what it loads, and takes a path that does not exist for an
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
    """Raise DataError unless the card states a channel order; guessing goes wrong (rtmlib#48)."""
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
    """Return a network's outputs for one black image of `size` (width, height).

    Raises DataError when it takes other images, or more than one at once.
    """
    inputs = session.get_inputs()
    expected = (1, 3, size[1], size[0])
    shape = inputs[0].shape if len(inputs) == 1 else []
    fits = len(shape) == 4 and all(
        not isinstance(has, int) or has == must for has, must in zip(shape, expected, strict=True)
    )
    if not fits:
        raise DataError(
            f"{name} takes {[one.shape for one in inputs]}, its card says {list(expected)}",
            "take the file that belongs to the card",
        )
    try:
        outputs: list[NDArray[np.float32]] = session.run(None, {inputs[0].name: np.zeros(expected, np.float32)})
        return outputs
    except UNREADABLE as error:
        raise DataError(
            f"{name} does not run: {in_one_line(error)}", "take the file that belongs to the card"
        ) from error
