"""The one contract of all models: what a module of a family exposes, and what `load` returns.

A module models/<family>.py exposes `Config`, a Section of params.yaml, and `load(config, assets, device)`, which
returns a Model.
"""

import gc
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from thermark.core import geometry
from thermark.core.bundle import Bundle
from thermark.core.config import Section
from thermark.core.errors import SetupError
from thermark.core.geometry import Array

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]
Given = Literal["prompt", "labelled", "frame", "own"]


NO_WEIGHTS = Bundle(Path(), "ok", "", {})


class BundleConfig(Section):
    """What every section of a contestant with a bundle of weights has: its `family`, and the bundle's name."""

    family: str
    weights: str


class Unavailable(Exception):
    """A model cannot run on this machine, and why in one line: a package or a device is absent."""


@dataclass(frozen=True)
class Assets:
    """The files that a model may be loaded from; each family uses what it needs.

    `weights`: a bundle of weights from elsewhere; `run`: the folder of a run of ours, or of one of its seeds;
    `faces`: the folder of the face sets.
    """

    weights: Bundle = NO_WEIGHTS
    run: Path | None = None
    faces: Path = Path()


@dataclass(frozen=True)
class Instances:
    """The detected or prompted instances of one frame, in its pixels (integer = pixel centre).

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


class Model(Protocol):
    """A landmark model: RGB images, with or without boxes, to instances in the pixels of each image.

    `vocabulary`: its landmark vocabulary. `given`: which boxes it takes: those of the face set (`prompt`: the box
    for a top-down face model; `labelled`: the labelled instance, such as a person), the whole `frame`, or none,
    because it detects its `own`. `box_source`: the name of the detector, or that of `given`. `batch`: how many
    images at once. `trained_on`: face sets of ours that it was trained on. A model that uses onnxruntime has
    `providers`, too: network -> execution providers that it really runs on, best first.
    """

    @property
    def vocabulary(self) -> str:
        """The name of the landmark vocabulary."""
        ...

    @property
    def given(self) -> Given:
        """Which boxes it is given."""
        ...

    @property
    def box_source(self) -> str:
        """What detects its boxes."""
        ...

    @property
    def batch(self) -> int:
        """How many images it takes at once."""
        ...

    @property
    def trained_on(self) -> tuple[str, ...]:
        """The names of the face sets that it was trained on."""
        ...

    def __call__(self, images: Sequence[Image], boxes: Sequence[Floats | None]) -> list[Instances]:
        """Return the instances of each RGB image (H, W, 3) uint8.

        `boxes` holds an array (P, 4) for each image, in frame pixels; then exactly P instances come back in that
        order, rows of NaN for boxes that are NaN or empty. It holds None where `given` is `own`.
        """
        ...


@runtime_checkable
class CropModel(Model, Protocol):
    """A model of faces in prompts that also predicts on the crops of a face set, as they were packed."""

    def on_crops(
        self, pixels: NDArray[np.uint8], to_source: Array, padding: float, to_packed: Array | None = None
    ) -> tuple[Floats, Floats]:
        """Return xy (B, K, 2) in source pixels and score (B, K) of crops (B, S, S[, 3]), `padding` prompts wide.

        `to_source` (B, 2, 3) maps pixels of the crops to source pixels; a NaN map gives a row of NaN. `to_packed`
        (B, 2, 3), for boxes other than those that crops were packed around: maps from the pixels of the crops that
        would have been packed around these to those of the packed ones.
        """
        ...


def providers(model: Model | Callable[..., Any] | None) -> Mapping[str, Sequence[str]]:
    """Return what onnxruntime runs the networks of a model, or a detector, on; empty without it."""
    networks: Mapping[str, Sequence[str]] = getattr(model, "providers", {})
    return networks


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


class LazyModel:
    """A model that is loaded when it is first wanted, and again after `drop`: never two at once."""

    def __init__(self, load: Callable[[], Model]) -> None:
        self._load = load
        self._model: Model | None = None

    def get(self) -> Model:
        """Return the model, loaded if need be."""
        if self._model is None:
            self._model = self._load()
        return self._model

    def drop(self) -> None:
        """Release it and its memory: after an error its graph may be poisoned, or memory have run out."""
        self._model = None
        gc.collect()
        if torch := sys.modules.get("torch"):
            torch.cuda.empty_cache()
