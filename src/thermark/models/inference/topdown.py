"""A network that turns one box into heat maps, as a contestant: boxes in, points in the frame's pixels out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import PositiveInt
from torch import Tensor, nn

from thermark import landmarks
from thermark.core import geometry
from thermark.models.inference import contract, heatmaps
from thermark.models.inference.boxes import Detect, PersonBoxes, Rows, boxes_in, predict_in_boxes
from thermark.models.inference.contract import Floats, Given, Image, Instances
from thermark.nets import dark
from thermark.nets.pixels import normalised
from thermark.train import precision
from thermark.train.precision import Dtype

Forward = Callable[[Tensor], Tensor]


class HeatmapConfig(PersonBoxes):
    """What all heat-map models share.

    `file` of the bundle `weights` holds the network, `detector` is another file. `flip`: average with the mirror
    image, as published, at twice the time. `batch`: images, and crops, at once.
    """

    file: str
    given: Given = "frame"
    flip: bool = True
    batch: PositiveInt = 4


class TorchConfig(HeatmapConfig):
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
    find: Detect | None = None
    trained_on: tuple[str, ...] = ()
    ran_on: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def providers(self) -> Mapping[str, Sequence[str]]:
        """What onnxruntime runs the network and the detector on, if it does."""
        return {**self.ran_on, **contract.providers(self.find)}

    def __call__(self, images: Sequence[Image], boxes: Sequence[Floats | None]) -> list[Instances]:
        """Return the instances of each image, as in `Model`."""
        if not images:
            return []
        persons = boxes_in(images, boxes, self.find)
        points = len(landmarks.load(self.vocabulary))
        predictions = predict_in_boxes(
            [xyxy for xyxy, _ in persons], points, self._usable, self.batch, partial(self._predict, images)
        )
        return [
            Instances(*both, np.asarray(xyxy, np.float32), np.asarray(confidence, np.float32))
            for both, (xyxy, confidence) in zip(predictions, persons, strict=True)
        ]

    def _usable(self, boxes: Floats) -> Rows:
        """Return which boxes (P, 4) have a crop."""
        return np.flatnonzero(np.isfinite(heatmaps.input_to_frame(boxes, self.size)).all(axis=(1, 2)))

    def _predict(
        self, images: Sequence[Image], owners: Rows, boxes: Floats
    ) -> tuple[NDArray[np.floating], Floats]:
        """Return xy (B, K, 2) and score (B, K) for boxes (B, 4) in images number `owners` (B,)."""
        maps = heatmaps.input_to_frame(boxes, self.size)
        crops = [
            heatmaps.crop(images[number], to_frame, self.size, self.enlarge)
            for number, to_frame in zip(owners, maps, strict=True)
        ]
        xy, score = self._located(np.stack(crops))
        return geometry.apply(maps, xy), score

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


def computing(net: nn.Module, dtype: Dtype, device: torch.device) -> Callable[..., Tensor]:
    """Return a network of transformers, moved to the device, as a function of its inputs to heat maps."""
    net = precision.placed(net, device)
    exact = precision.exactness(dtype, device)

    def forward(**inputs: Tensor | None) -> Tensor:
        with precision.autocast(exact, device):
            return net(**inputs).heatmaps  # type: ignore[no-any-return]

    return forward
