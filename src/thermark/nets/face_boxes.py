"""Before and after a face detector, without PyTorch: a grey picture that it takes, and the boxes that are left."""

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
GREY, MULTIPLE = 127.5, 32  # nets/face_detector.py
MOST = 300  # candidates that are compared with one another


def fitted(image: NDArray[np.uint8], longest: int) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return a picture (H, W) resized so that its longer side is `longest` px, and the scale of its axes (x, y).

    Smaller pictures are enlarged: the detector has seen small sensors, but never small pictures of them.
    """
    height, width = image.shape
    part = longest / max(height, width)
    if part == 1.0:
        return image, np.ones(2)
    size = max(1, round(width * part)), max(1, round(height * part))
    resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if part < 1 else cv2.INTER_LINEAR)
    return np.asarray(resized, np.uint8), np.array(size) / (width, height)


def padded(image: NDArray[np.uint8]) -> Floats:
    """Return a grey picture (H, W) as (1, 1, H', W') float32, 0..255, sides multiples of 32.

    The border, to the right and below, has the level that is 0 inside of the network, as what it sees beyond.
    """
    height, width = (-(-side // MULTIPLE) * MULTIPLE for side in image.shape)
    whole = np.full((1, 1, height, width), GREY, np.float32)
    whole[0, 0, : image.shape[0], : image.shape[1]] = image
    return whole


def filtered(boxes: Floats, scores: Floats, threshold: float, overlap: float) -> tuple[Floats, Floats]:
    """Return the boxes (M, 4) and scores (M,) that are left of candidates (A, 4) and (A,), best first.

    Those that score `threshold` at least, MOST at most; of two that overlap by more than `overlap` the better one.
    """
    rows = np.flatnonzero(scores >= threshold)
    rows = rows[np.argsort(-scores[rows], kind="stable")[:MOST]]
    rows = rows[suppressed(boxes[rows], scores[rows], overlap)]
    return boxes[rows].astype(np.float32), scores[rows].astype(np.float32)


def suppressed(boxes: NDArray[np.floating], scores: NDArray[np.floating], overlap: float) -> NDArray[np.int64]:
    """Return which boxes (M, 4) are left when of those that overlap by more the better one stays, best first."""
    if not len(boxes):
        return np.zeros(0, np.int64)
    sides = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    return np.asarray(cv2.dnn.NMSBoxes(sides.tolist(), scores.tolist(), 0.0, overlap), np.int64).reshape(-1)
