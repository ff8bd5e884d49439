"""Faces in grey frames, found by a detector of ours in ONNX, whose settings are in its metadata."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from thermark.core import geometry
from thermark.core.errors import DataError
from thermark.models.inference import sessions
from thermark.models.inference.contract import Floats, Image, usable
from thermark.nets import face_boxes

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

KIND = "face_detector"  # of a bundle's card, and of the file's metadata
INPUT, OUTPUTS = "image", ("boxes", "scores")


@dataclass(frozen=True)
class FaceFinder:
    """A detector of one grey channel: faces that score `threshold` at least, best first.

    Of two that overlap by more than `nms` the better one stays. A frame is resized so that its longer side is
    `longest` px, as in training.
    """

    session: "InferenceSession"
    threshold: float
    nms: float
    longest: int

    @property
    def providers(self) -> dict[str, list[str]]:
        """What onnxruntime runs it on, best first."""
        return {"detector": list(self.session.get_providers())}

    def __call__(self, images: Sequence[Image]) -> list[tuple[Floats, Floats]]:
        """Return boxes (P, 4) in frame pixels and scores (P,), best first, of each RGB image (H, W, 3) uint8."""
        return [self.faces(grey(image)) for image in images]

    def faces(self, frame: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """Return boxes (P, 4) in frame pixels and scores (P,), best first, of a grey frame (H, W) uint8.

        Boxes are tight around the landmarks, and go beyond the frame where a face does.
        """
        image, scale = face_boxes.fitted(frame, self.longest)
        candidates, confidence = sessions.run(self.session, face_boxes.padded(image))
        boxes, scores = face_boxes.filtered(candidates[0], confidence[0], self.threshold, self.nms)
        moved = geometry.resized(boxes.reshape(-1, 2, 2), 1 / scale)
        return moved.reshape(-1, 4).astype(np.float32), scores


def load(
    path: Path, device: str = "cpu", threads: int = 1, threshold: float | None = None, nms: float | None = None
) -> FaceFinder:
    """Open a detector of ours; `threshold` and `nms` are by default the file's.

    Raises DataError for a file of anything else, SetupError for an absent device.
    """
    session = sessions.opened(path, device, threads)
    metadata = session.get_modelmeta().custom_metadata_map
    names = [one.name for one in session.get_inputs()], tuple(one.name for one in session.get_outputs())
    if metadata.get("kind") != KIND or names != ([INPUT], OUTPUTS):
        raise DataError(f"{path.name} is no face detector of ours", "export it by the stage detector")
    return FaceFinder(
        session,
        float(metadata["threshold"]) if threshold is None else threshold,
        float(metadata["nms"]) if nms is None else nms,
        int(metadata["longest"]),
    )


def about(finder: FaceFinder) -> dict[str, Any]:
    """Return the metadata of a detector's file, name -> text."""
    return dict(finder.session.get_modelmeta().custom_metadata_map)


def grey(image: Image) -> NDArray[np.uint8]:
    """Return an RGB image (H, W, 3) as grey (H, W); one of equal channels stays as it is to the level.

    Raises ValueError for what is no RGB image.
    """
    usable(image)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
