"""YuNet (Wu et al. 2023, MIR 20, 656): faces with five points on whole frames, through OpenCV."""

from functools import partial
from typing import Any

import cv2
import numpy as np
from pydantic import Field

from thermark.core.errors import DataError, in_one_line
from thermark.models.inference.contract import Assets, BundleConfig, Image, Instances, on_cpu, usable
from thermark.models.inference.finder import Finder

POINTS = 5
TRIED = (64, 64)  # width, height


class Config(BundleConfig):
    """`file` of the bundle `weights`; `threshold` of the score, `nms` of the overlap, both OpenCV's own."""

    file: str = "yunet.onnx"
    threshold: float = Field(default=0.9, gt=0, le=1)
    nms: float = Field(default=0.3, gt=0, le=1)


def load(config: Config, assets: Assets, device: str) -> Finder:
    """Open the detector and run it once; raises DataError for a file of something else, SetupError for a GPU."""
    on_cpu(device, "YuNet in OpenCV")
    path = assets.weights.file(config.file)
    try:
        detector = cv2.FaceDetectorYN.create(str(path), "", TRIED, config.threshold, config.nms)
        detector.detect(np.zeros((*TRIED[::-1], 3), np.uint8))
    except cv2.error as error:
        raise DataError(
            f"{path.name} is no YuNet that OpenCV can run: {in_one_line(error)}", "bring the weights again"
        ) from error
    return Finder(partial(faces, detector=detector), "tfw5", "yunet")


def faces(image: Image, detector: Any) -> Instances:
    """Return what the detector finds in an RGB image, which need not have the size of the one before."""
    usable(image)
    detector.setInputSize(image.shape[1::-1])
    rows = detector.detect(np.ascontiguousarray(image[..., ::-1]))[1]
    if rows is None:
        return Instances.none(POINTS)
    detections = np.asarray(rows, np.float32)
    detections = detections[np.argsort(-detections[:, 14], kind="stable")]
    # Cells count from the outline of the picture, in which the first pixel begins at 0; ours begins at -0.5.
    box = np.concatenate([detections[:, :2], detections[:, :2] + detections[:, 2:4]], axis=1) - np.float32(0.5)
    xy = detections[:, 4:14].reshape(-1, POINTS, 2) - np.float32(0.5)
    return Instances(xy, np.repeat(detections[:, 14:], POINTS, axis=1), box, detections[:, 14])
