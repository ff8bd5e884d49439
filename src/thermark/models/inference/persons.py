"""Persons found by YOLOX (Ge et al. 2021, arXiv 2107.08430), as in rtmlib, with the scores that rtmlib drops.

rtmlib's own class prepares the images, and its suppression of overlaps is used. Three things are different: scores
are kept; of a network with 80 classes only persons come back, where rtmlib's `human` mode returns every object; a
network that suppresses overlaps itself obeys the threshold it is given, where rtmlib always takes 0.3.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.core.bundle import Bundle
from thermark.core.errors import DataError
from thermark.models.inference import sessions
from thermark.models.inference.contract import Floats, Image
from thermark.models.inference.sessions import YOLOX

STRIDES = (8, 16, 32)
CLASSES = (1, 80)  # HumanArt knows persons only; of the 80 of COCO they are the first
PERSON = 0


@dataclass(frozen=True)
class Persons:
    """rtmlib's YOLOX, which finds persons above a score of `threshold`; overlaps above an IoU of `nms` are one.

    `card` states the channel order.
    """

    tool: YOLOX
    card: Mapping[str, Any]
    threshold: float
    nms: float

    @property
    def providers(self) -> dict[str, list[str]]:
        """What onnxruntime runs it on, best first."""
        return {"detector": sessions.providers(self.tool)}

    def __call__(self, images: Sequence[Image]) -> list[tuple[Floats, Floats]]:
        """Return boxes (P, 4) in frame pixels and scores (P,), best first, of each RGB image (H, W, 3) uint8."""
        if not images:
            return []
        prepared = [self.tool.preprocess(sessions.ordered(image, self.card)) for image in images]
        stacked = np.stack([picture for picture, _ in prepared]).transpose(0, 3, 1, 2)
        outputs = sessions.run(self.tool.session, np.ascontiguousarray(stacked, np.float32))
        return [
            self._found([output[row] for output in outputs], float(ratio))
            for row, (_, ratio) in enumerate(prepared)
        ]

    def _found(self, outputs: list[NDArray[np.float32]], ratio: float) -> tuple[Floats, Floats]:
        """Return boxes and scores from the outputs for one image, which was resized by `ratio`."""
        if outputs[0].shape[-1] == 5:
            boxes, scores = _suppressed(outputs)
            rows = np.flatnonzero(scores > self.threshold)
            rows = rows[np.argsort(-scores[rows], kind="stable")]
            boxes, scores = boxes[rows] / ratio, scores[rows]
        else:
            boxes, scores = candidates(outputs[0], self.tool.model_input_size)
            best, _ = sessions.multiclass_nms(boxes / ratio, scores[:, None], self.nms, self.threshold)
            kept = np.asarray(np.zeros((0, 6)) if best is None else best, np.float32)
            boxes, scores = kept[:, :4], kept[:, 4]
        # YOLOX was trained on outlines in which the first pixel begins at 0; ours begins at -0.5.
        return (boxes - 0.5).astype(np.float32), scores.astype(np.float32)


def load(bundle: Bundle, name: str, threshold: float, nms: float, device: str, threads: int) -> Persons:
    """Open the detector in file `name` of a bundle, and run it once.

    Raises DataError when the file is no ONNX, or is unlike its card; SetupError for an absent device.
    """
    path = bundle.file(name)
    card = bundle.cards[name]
    sessions.require_channels(card, name)
    width, height = sessions.image_size(bundle, name)
    # rtmlib's detectors, unlike its pose models, take (height, width).
    tool = sessions.tool(YOLOX, path, (height, width), device, threads)
    shapes = [output.shape for output in sessions.tried(tool.session, name, (width, height))]
    places = sum((height // stride) * (width // stride) for stride in STRIDES)
    raw = [(1, places, 5 + classes) for classes in CLASSES]
    if shapes[0] not in raw and not (len(shapes[0]) == 3 and shapes[0][2] == 5):
        raise DataError(
            f"{name} answers {shapes[0]}, not as a YOLOX of {CLASSES[0]} or {CLASSES[1]} classes",
            "take the file that belongs to the card",
        )
    return Persons(tool, card, threshold, nms)


def candidates(output: NDArray[np.float32], size: tuple[int, int]) -> tuple[Floats, Floats]:
    """Return boxes (A, 4), in pixels of an input of `size` (height, width), and scores (A,) of being a person.

    `output` (A, 5 + classes): centre, relative to the cell, and log size, in units of the stride; objectness;
    classes.
    """
    corners, steps = [], []
    for stride in STRIDES:
        rows, columns = np.mgrid[: size[0] // stride, : size[1] // stride]
        corners.append(np.stack([columns, rows], axis=-1).reshape(-1, 2))
        steps.append(np.full((rows.size, 1), stride))
    step = np.concatenate(steps)
    centre = (output[:, :2] + np.concatenate(corners)) * step
    half = np.exp(output[:, 2:4]) * step / 2
    return np.concatenate([centre - half, centre + half], axis=1), output[:, 4] * output[:, 5 + PERSON]


def _suppressed(outputs: list[NDArray[np.float32]]) -> tuple[Floats, Floats]:
    """Return boxes and scores of an output (A, 5), and of persons only where another tells classes."""
    rows = outputs[0]
    if len(outputs) > 1 and outputs[1].shape == rows.shape[:1]:
        rows = rows[outputs[1] == PERSON]
    return rows[:, :4], rows[:, 4]
