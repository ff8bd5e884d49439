"""BlazeFace (Bazarevsky et al. 2019, arXiv 1907.05047) by itself: faces with six points on whole frames.

The detectors of mediapipe 0.10.21 in the graph of ours that FaceMesh uses, too.
"""

from functools import partial

import numpy as np

from thermark.models.inference.contract import Assets, BundleConfig, Image, Instances, on_cpu
from thermark.models.inference.detectors import DESIGNS, FACE, Detector, Range
from thermark.models.inference.finder import Finder
from thermark.models.inference.litert import ENGINE


class Config(BundleConfig):
    """`detector`: which of the two, made for faces within some two metres or some five."""

    detector: Range = "short_range"


def faces(image: Image, detector: Detector) -> Instances:
    """Return what the detector finds in an RGB image; a point's score is its face's."""
    [detections] = detector([image])
    score = detections.scores.astype(np.float32)
    xy, boxes = detections.points.astype(np.float32), detections.boxes.astype(np.float32)
    return Instances(xy, np.repeat(score[:, None], FACE, axis=1), boxes, score)


def load(config: Config, assets: Assets, device: str) -> Finder:
    """Open the detector; raises DataError for files that are other models, SetupError for a GPU."""
    on_cpu(device, ENGINE)
    detector = Detector(assets.weights.file(DESIGNS[config.detector].file), config.detector)
    return Finder(partial(faces, detector=detector), "blazeface6", f"blazeface_{config.detector}")
