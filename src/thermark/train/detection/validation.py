"""What a detector finds in whole frames, and the numbers about it by size of face and polarity."""

from collections.abc import Sequence
from math import inf, isfinite

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from thermark.core import detections, geometry
from thermark.core.detections import Boxes
from thermark.nets import face_boxes
from thermark.nets.face_detector import Exported, FaceDetector
from thermark.train.detection.frames import FrameSet, LabelledFrame

HEIGHTS = {"20-32": (20.0, 32.0), "32-64": (32.0, 64.0), "64-128": (64.0, 128.0), "over 128": (128.0, inf)}
LEAST = 0.01  # score of a box that is looked at
Numbers = dict[str, float | int | None]


def inverted(frame: LabelledFrame) -> LabelledFrame:
    """Return a frame in the other polarity."""
    return LabelledFrame(255 - frame.image, frame.boxes, frame.ignored)


def polarities(frames: FrameSet) -> dict[str, list[LabelledFrame]]:
    """Return the frames in either polarity, `white_hot` and `black_hot`, whichever they were rendered in."""
    pairs = list(zip(frames, frames.black_hot.tolist(), strict=True))
    return {
        "white_hot": [inverted(frame) if dark else frame for frame, dark in pairs],
        "black_hot": [frame if dark else inverted(frame) for frame, dark in pairs],
    }


def predicted_boxes(
    net: nn.Module, frames: Sequence[LabelledFrame], longest: int, overlap: float, device: torch.device
) -> Boxes:
    """Return what a FaceDetector finds in frames, which are called by their numbers, in pixels of each frame.

    In float32 whatever it is trained in, as it is used: in bf16 scores are steps of half a per cent.
    """
    assert isinstance(net, FaceDetector)
    whole = Exported(net)
    names, boxes, scores = [], [], []
    for number, frame in enumerate(frames):
        image, scale = face_boxes.fitted(frame.image, longest)
        with torch.inference_mode():
            outputs = whole(torch.from_numpy(face_boxes.padded(image)).to(device))
        candidates, confidence = (output[0].float().cpu().numpy() for output in outputs)
        left = face_boxes.filtered(candidates, confidence, LEAST, overlap)
        boxes.append(geometry.resized(left[0].reshape(-1, 2, 2), 1 / scale).reshape(-1, 4))
        scores.append(left[1])
        names += [str(number)] * len(left[1])
    xyxy = np.concatenate([np.zeros((0, 4), np.float32), *boxes]).astype(np.float32)
    return Boxes(np.array(names, str), xyxy, np.concatenate([np.zeros(0, np.float32), *scores]))


def labels(frames: Sequence[LabelledFrame]) -> Boxes:
    """Return the labelled boxes of frames, which are called by their numbers."""
    names = [str(number) for number, frame in enumerate(frames) for _ in frame.boxes]
    boxes = np.concatenate([np.zeros((0, 4), np.float32), *(frame.boxes for frame in frames)])
    ignored = np.concatenate([np.zeros(0, bool), *(frame.ignored for frame in frames)])
    return Boxes(np.array(names, str), boxes, ignored=ignored)


def steering(frames: FrameSet, count: int) -> list[LabelledFrame]:
    """Return `count` frames at most, evenly out of a set, every second one in the other polarity."""
    rows = np.unique(np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int))
    chosen = [frames.frames[row] for row in rows]
    return [inverted(frame) if place % 2 else frame for place, frame in enumerate(chosen)]


def ap50(known: Boxes, seen: Boxes) -> float:
    """Return the average precision at an overlap of 0.5 over all faces that count."""
    matches = detections.matched(known, seen)
    return detections.average_precision(matches, _scores(seen), counted(known))


def chosen_threshold(known: Boxes, seen: Boxes) -> float:
    """Return the threshold of the best F1, no less than what boxes were looked at from."""
    best = detections.best_threshold(detections.matched(known, seen), _scores(seen), counted(known))
    return float(np.clip(best, LEAST, 0.99))


def summary(known: Boxes, seen: Boxes, threshold: float) -> dict[str, Numbers]:
    """Return AP50, and recall and precision at the threshold, of all faces and by their height in px."""
    matches, scores = detections.matched(known, seen), _scores(seen)
    rows = {"all": _numbers(counted(known), matches, scores, threshold)}
    for name, (low, high) in HEIGHTS.items():
        rows[name] = _numbers(*detections.of_height(known, seen, matches, low, high), threshold)
    return rows


def counted(known: Boxes) -> int:
    """Return how many faces have to be found."""
    return len(known) if known.ignored is None else int((~known.ignored).sum())


def _scores(seen: Boxes) -> NDArray[np.floating]:
    assert seen.scores is not None
    return seen.scores


def _numbers(faces: int, matches: NDArray[np.int64], scores: NDArray[np.floating], threshold: float) -> Numbers:
    recall, precision = detections.at(matches, scores, faces, threshold)
    rates = {
        "ap50": detections.average_precision(matches, scores, faces),
        "recall": recall,
        "precision": precision,
    }
    return {"faces": faces} | {name: value if isfinite(value) else None for name, value in rates.items()}
