"""The contract of a contestant that looks at whole frames, and the one way to run it on a data set."""

import gc
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from thermark.core import geometry
from thermark.core.errors import SetupError

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]
Given = Literal["prompt", "labelled", "frame", "own"]


class Unavailable(Exception):
    """A contestant cannot run on this machine, and why in one line: a package or a device is absent."""


@dataclass(frozen=True)
class Instances:
    """What was found in one frame, in its pixels (integer = pixel centre).

    `xy` (M, K, 2) float32, NaN = nothing predicted; `score` (M, K) float32; `boxes` (M, 4) float32, what was
    cropped from; `box_score` (M,) float32, the detector's confidence, NaN for a box that was given.
    """

    xy: Floats
    score: Floats
    boxes: Floats
    box_score: Floats

    @staticmethod
    def none(points: int) -> "Instances":
        """Return no instances of `points` landmarks."""
        empty = np.zeros((0, points, 2), np.float32)
        return Instances(empty, empty[..., 0], np.zeros((0, 4), np.float32), np.zeros(0, np.float32))


class FramePredictor(Protocol):
    """A zero-shot contestant: its module exposes `Config` (a Section) and `load(config, bundle, device)`.

    `vocabulary`: the landmark vocabulary it speaks. `given`: which boxes it wants to be told: those of the face
    set (`prompt`: the box for a top-down face model; `labelled`: the labelled instance, such as a person), the
    whole `frame`, or none, because it finds its `own`. `box_source`: the name of what finds them, and of who is
    told, what `given` says. `batch`: how many frames it likes at once. `trained_on`: face sets of ours that it
    has learned from. Who uses onnxruntime has `providers`, too: network -> what it really runs on, best first.
    """

    @property
    def vocabulary(self) -> str:
        """The name of the landmark vocabulary."""
        ...

    @property
    def given(self) -> Given:
        """Which boxes it wants to be told."""
        ...

    @property
    def box_source(self) -> str:
        """What finds its boxes."""
        ...

    @property
    def batch(self) -> int:
        """How many frames it likes at once."""
        ...

    @property
    def trained_on(self) -> tuple[str, ...]:
        """The names of the face sets that it has learned from."""
        ...

    def __call__(self, images: Sequence[Image], boxes: Sequence[Floats | None]) -> list[Instances]:
        """Return the instances of each RGB image (H, W, 3) uint8.

        `boxes` holds an array (P, 4) for each image, in frame pixels; then exactly P instances come back in that
        order, rows of NaN for boxes that are NaN or empty. It holds None where `given` is `own`.
        """
        ...


def providers(one: FramePredictor | Callable[..., Any] | None) -> Mapping[str, Sequence[str]]:
    """Return what onnxruntime runs the networks of a contestant, or a detector, on; empty without it."""
    told: Mapping[str, Sequence[str]] = getattr(one, "providers", {})
    return told


def usable(image: Image) -> None:
    """Raise ValueError unless an image is RGB (H, W, 3) uint8 and larger than one pixel."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(f"an image is {image.dtype} {image.shape}, not uint8 (H, W, 3)")
    if min(image.shape[:2]) < 2:
        raise ValueError(f"an image of {image.shape[1]} x {image.shape[0]} px is too small")


def croppable(boxes: Floats) -> NDArray[np.int64]:
    """Return which boxes (P, 4) there is something to crop from: they are no NaN, and have an area."""
    return np.flatnonzero(np.isfinite(boxes).all(axis=1) & (geometry.box_size(boxes) > 0).all(axis=1))


def on_cpu(device: str, engine: str) -> None:
    """Raise SetupError when a GPU is asked for, for an engine that has none here."""
    if device == "cuda":
        raise SetupError(f"{engine} runs on the CPU only", "set the device to auto or cpu")


class Held:
    """A contestant that is loaded when it is first wanted, and again after `drop`: never two at once."""

    def __init__(self, load: Callable[[], FramePredictor]) -> None:
        self._load = load
        self._one: FramePredictor | None = None

    def get(self) -> FramePredictor:
        """Return the contestant, loaded if need be."""
        if self._one is None:
            self._one = self._load()
        return self._one

    def drop(self) -> None:
        """Forget it and give its memory back: after an error its graph may be poisoned, or memory have run out."""
        self._one = None
        gc.collect()
        if torch := sys.modules.get("torch"):
            torch.cuda.empty_cache()
