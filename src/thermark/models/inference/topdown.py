"""A network that turns one box into heat maps, as a contestant: boxes in, points in the frame's pixels out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor, nn

from thermark import landmarks
from thermark.core import geometry
from thermark.core.bundle import Bundle
from thermark.core.config import Section
from thermark.core.geometry import Array
from thermark.models.inference import contract, heatmaps
from thermark.models.inference.contract import Floats, Given, Image, Instances
from thermark.nets import dark
from thermark.nets.inputs import normalised
from thermark.train import precision
from thermark.train.precision import Dtype

Finder = Callable[[Sequence[Image]], list[tuple[Floats, Floats]]]
Forward = Callable[[Tensor], Tensor]


class Told(Section):
    """What every heat-map contestant can be told.

    `file` of the bundle `weights` holds the network; `detector`, for who finds its `own` persons, is another
    file. `flip`: average with the mirror image, as published, at twice the time. `batch`: images, and crops, at
    once. `detector_score`, `nms`: of the detector; `threads`: of onnxruntime, in native arithmetic.
    """

    family: str
    weights: str
    file: str
    given: Given = "frame"
    detector: str | None = None
    flip: bool = True
    batch: PositiveInt = 4
    detector_score: float = Field(default=0.7, ge=0, le=1)
    nms: float = Field(default=0.45, ge=0, le=1)
    threads: PositiveInt = 2

    @model_validator(mode="after")
    def _boxes_have_one_source(self) -> Self:
        if (self.given == "own") != (self.detector is not None):
            raise ValueError("`given: own` needs a detector, any other `given` must have none")
        return self


class Options(Told):
    """`dtype`: of the computation; weights stay float32, and auto takes bfloat16 where the hardware has it."""

    file: str = "model.safetensors"
    dtype: Dtype = "auto"


@dataclass(frozen=True)
class TopDown:
    """A network `forward`: normalised inputs (N, 3, height, width) to heat maps (N, K, h, w) of any stride.

    `size` (height, width) of its input; `sigma` of the blur before decoding, in heat-map pixels; `enlarge`,
    OpenCV's interpolation for crops smaller than the input; with `flip`, heat maps of the mirror image are
    averaged in. `batch`: frames, and crops, at once. `find` gives boxes (P, 4) and their scores (P,) for each
    image, where `given` is `own`. `ran_on`: network -> what onnxruntime runs it on, where `forward` uses it.
    """

    forward: Forward
    vocabulary: str
    given: Given
    size: tuple[int, int]
    device: torch.device
    sigma: float
    flip: bool
    batch: int
    box_source: str = "frame"
    enlarge: int = cv2.INTER_CUBIC
    find: Finder | None = None
    trained_on: tuple[str, ...] = ()
    ran_on: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def providers(self) -> Mapping[str, Sequence[str]]:
        """What onnxruntime runs the network and the detector on, if it does."""
        return {**self.ran_on, **contract.providers(self.find)}

    def __call__(self, images: Sequence[Image], boxes: Sequence[Floats | None]) -> list[Instances]:
        """Return the instances of each image, as `FramePredictor` says."""
        if not images:
            return []
        if self.find is not None:
            found = self.find(images)
        else:
            found = [(box, np.full(len(box), np.nan, np.float32)) for box in boxes if box is not None]
        counts = [len(box) for box, _ in found]
        maps = [heatmaps.input_to_frame(box, self.size) for box, _ in found]
        owners = np.repeat(np.arange(len(images)), counts)
        xy, score = self._predict(images, owners, np.concatenate([np.zeros((0, 2, 3)), *maps]))
        ends = np.cumsum(counts)[:-1]
        parts = zip(np.split(xy, ends), np.split(score, ends), found, strict=True)
        return [
            Instances(points, scores, np.asarray(box, np.float32), np.asarray(sure, np.float32))
            for points, scores, (box, sure) in parts
        ]

    def _predict(self, images: Sequence[Image], owners: NDArray[np.int64], maps: Array) -> tuple[Floats, Floats]:
        """Return xy (M, K, 2) and score (M, K) for maps (M, 2, 3) into images `owners` (M,); NaN map, NaN row."""
        points = len(landmarks.load(self.vocabulary))
        xy = np.full((len(maps), points, 2), np.nan, np.float32)
        score = np.full((len(maps), points), np.nan, np.float32)
        rows = np.flatnonzero(np.isfinite(maps).all(axis=(1, 2)))
        for start in range(0, len(rows), self.batch):
            part = rows[start : start + self.batch]
            crops = [heatmaps.crop(images[owners[row]], maps[row], self.size, self.enlarge) for row in part]
            at, score[part] = self._located(np.stack(crops))
            xy[part] = geometry.apply(maps[part], at)
        return xy, score

    @torch.inference_mode()
    def _located(self, crops: NDArray[np.uint8]) -> tuple[NDArray[np.floating], Floats]:
        """Return points (N, K, 2) in pixels of the input and scores (N, K) for crops (N, height, width, 3)."""
        inputs = normalised(crops, self.device)
        maps = self.forward(inputs).float()
        if self.flip:
            partner = torch.from_numpy(landmarks.load(self.vocabulary).flip).to(self.device)
            maps = (maps + heatmaps.flipped_back(self.forward(inputs.flip(-1)).float(), partner)) / 2
        at, score = dark.decode(maps, self.sigma)
        to_input = heatmaps.heatmap_to_input((maps.shape[2], maps.shape[3]), self.size)
        return geometry.apply(to_input, at.double().cpu().numpy()), score.cpu().numpy()


def finder(options: Told, bundle: Bundle, device: str) -> tuple[Finder | None, str]:
    """Return the detector of a contestant that finds its `own` persons, and the name of where boxes come from."""
    if options.detector is None:
        return None, str(options.given)
    # Here, because onnxruntime and rtmlib are needed for nothing else.
    from thermark.models.inference import persons

    found = persons.load(bundle, options.detector, options.detector_score, options.nms, device, options.threads)
    return found, Path(options.detector).stem


def computing(net: nn.Module, dtype: Dtype, device: torch.device) -> Callable[..., Tensor]:
    """Return a network of transformers, moved to the device, as a function of its inputs to heat maps."""
    net = precision.placed(net, device)
    exact = precision.exactness(dtype, device)

    def forward(**inputs: Tensor | None) -> Tensor:
        with precision.autocast(exact, device):
            return net(**inputs).heatmaps  # type: ignore[no-any-return]

    return forward
