"""Detected boxes against labelled ones: which faces are found, false alarms, and the precision at each recall.

Boxes (x1, y1, x2, y2) are in pixels of their frame, integer = pixel centre; a table of boxes has a column of
frames.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thermark.core import geometry

Floats = NDArray[np.floating]
Rows = NDArray[np.int64]
OVERLAP = 0.5  # as in PASCAL VOC: heads have no outline that people or networks agree on to a tenth
FALSE_ALARM, LEFT_OUT = -1, -2


@dataclass(frozen=True)
class Boxes:
    """A table of boxes, labelled or detected.

    `frames` (N,) str; `xyxy` (N, 4) float; `scores` (N,) float, of detections; `ignored` (N,) bool, of labels:
    faces that may be found or not, such as those that are cut off by the frame. Both default to none of them.
    """

    frames: NDArray[np.str_]
    xyxy: Floats
    scores: Floats | None = None
    ignored: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.frames)

    def heights(self) -> Floats:
        """Return the height of each box (N,) in px."""
        return np.asarray(geometry.box_size(self.xyxy)[:, 1])


def overlaps(boxes: Floats, others: Floats) -> NDArray[np.float64]:
    """Return the intersections over unions (M, N) of boxes (M, 4) and (N, 4), 0 where neither has an area."""
    first, second = np.asarray(boxes, np.float64)[:, None], np.asarray(others, np.float64)[None]
    near, far = np.maximum(first[..., :2], second[..., :2]), np.minimum(first[..., 2:], second[..., 2:])
    shared = np.clip(far - near, 0, None).prod(axis=-1)
    union = geometry.box_size(first).prod(axis=-1) + geometry.box_size(second).prod(axis=-1) - shared
    return np.where(union > 0, shared / np.where(union > 0, union, 1.0), 0.0)


def matched(labels: Boxes, found: Boxes, overlap: float = OVERLAP) -> Rows:
    """Return what each detection (D,) is: the row of its label, FALSE_ALARM, or LEFT_OUT.

    As in the COCO evaluation: in each frame the most confident detection first takes the label that it overlaps
    most, of those that are still free and overlapped by `overlap` at least; one that is left with an ignored label
    is left out, and several may be. Of equally confident ones the first in the table comes first.
    """
    if found.scores is None:
        raise ValueError("detections need scores")
    ignored = np.zeros(len(labels), bool) if labels.ignored is None else labels.ignored
    matches = np.full(len(found), FALSE_ALARM, np.int64)
    home: dict[str, list[int]] = {}
    for row, frame in enumerate(labels.frames.tolist()):
        home.setdefault(frame, []).append(row)
    free = np.ones(len(labels), bool)
    for row in np.argsort(-np.asarray(found.scores, np.float64), kind="stable").tolist():
        rows = np.array(home.get(str(found.frames[row]), []), np.int64)
        shared = overlaps(found.xyxy[row][None], labels.xyxy[rows])[0]
        near = shared >= overlap
        counted = near & ~ignored[rows] & free[rows]
        if counted.any():
            best = int(rows[np.argmax(np.where(counted, shared, -1.0))])
            matches[row], free[best] = best, False
        elif (near & ignored[rows]).any():
            matches[row] = LEFT_OUT
    return matches


def of_height(labels: Boxes, found: Boxes, matches: Rows, low: float, high: float) -> tuple[int, Rows, Floats]:
    """Return the number of labels of `low` <= height < `high` px, and what stands for those detections alone.

    That is `matches` and the scores of detections of such labels, and of false alarms that are themselves so high.
    """
    ignored = np.zeros(len(labels), bool) if labels.ignored is None else labels.ignored
    inside = (labels.heights() >= low) & (labels.heights() < high)
    sized = (found.heights() >= low) & (found.heights() < high)
    kept = np.where(matches >= 0, np.append(inside, False)[matches], sized & (matches == FALSE_ALARM))
    scores = np.asarray(found.scores, np.float64)
    return int((inside & ~ignored).sum()), matches[kept], scores[kept]


def curve(matches: Rows, scores: Floats, labels: int) -> tuple[Floats, Floats, Floats]:
    """Return thresholds (T,), falling, with recall and precision of the detections at or above each of them.

    Detections of one score are one point of the curve. Recall is NaN without labels.
    """
    counts = matches != LEFT_OUT
    matches, scores = matches[counts], np.asarray(scores, np.float64)[counts]
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(matches[order] >= 0)
    last = np.append(np.diff(scores[order]) != 0, True)[: len(order)]
    recall = hits / labels if labels else np.full(len(hits), np.nan)
    return scores[order][last], recall[last], (hits / np.arange(1, len(hits) + 1))[last]


def average_precision(matches: Rows, scores: Floats, labels: int) -> float:
    """Return the area under the precision that is reached at each recall or a higher one; NaN without labels."""
    if not labels:
        return float("nan")
    _, recall, precision = curve(matches, scores, labels)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(recall, prepend=0.0) * best).sum())


def at(matches: Rows, scores: Floats, labels: int, threshold: float) -> tuple[float, float]:
    """Return recall and precision of the detections that score `threshold` at least.

    Recall is NaN without labels, precision without detections.
    """
    kept = (np.asarray(scores) >= threshold) & (matches != LEFT_OUT)
    hits, count = int((matches[kept] >= 0).sum()), int(kept.sum())
    return hits / labels if labels else float("nan"), hits / count if count else float("nan")


def best_threshold(matches: Rows, scores: Floats, labels: int) -> float:
    """Return the threshold of the best F1, half-way to the next lower score; 0.5 where nothing is found.

    Of several that are equally good the highest is taken.
    """
    thresholds, recall, precision = curve(matches, scores, labels)
    if not labels or not (recall > 0).any():
        return 0.5
    harmonic = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    place = int(np.argmax(harmonic))
    lower = thresholds[place + 1] if place + 1 < len(thresholds) else 0.0
    return float((thresholds[place] + lower) / 2)
