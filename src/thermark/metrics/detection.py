"""How well a detector finds the faces of a set of frames, and where it does not."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thermark.core import detections
from thermark.core.detections import FALSE_ALARM, OVERLAP, Boxes


@dataclass(frozen=True)
class DetectionScores:
    """`ap50` over all scores; `recall` and `precision` at the `threshold`; NaN where they are not defined.

    `faces` and `frames` are those that count. `missed`: frame -> rows of the labels that nothing at the threshold
    overlaps; `false_alarms`: frame -> rows of the detections at the threshold that are no labelled face.
    """

    ap50: float
    recall: float
    precision: float
    threshold: float
    faces: int
    frames: int
    missed: dict[str, list[int]]
    false_alarms: dict[str, list[int]]

    def numbers(self) -> dict[str, float | int | None]:
        """Return the numbers alone, None for those that are not defined."""
        rates = {"ap50": self.ap50, "recall": self.recall, "precision": self.precision}
        counts = {
            "faces": self.faces,
            "frames": self.frames,
            "missed": sum(map(len, self.missed.values())),
            "false_alarms": sum(map(len, self.false_alarms.values())),
        }
        known = {name: value if np.isfinite(value) else None for name, value in rates.items()}
        return {**known, **counts, "threshold": self.threshold}


def detection_scores(
    frames: Sequence[str] | NDArray[np.str_],
    labels: Boxes,
    found: Boxes,
    threshold: float,
    overlap: float = OVERLAP,
) -> DetectionScores:
    """Return the scores of detections `found` against `labels`, in the `frames` that were looked at.

    A detection is right when it overlaps a labelled box by `overlap` at least (intersection over union), each
    label once; one that overlaps an ignored label only is left out. Labels and detections of other frames do not
    count. Raises ValueError for detections without scores.
    """
    if found.scores is None:
        raise ValueError("detections need scores")
    mine, theirs = np.isin(labels.frames, frames), np.isin(found.frames, frames)
    known = np.flatnonzero(mine)
    ignored = np.zeros(len(labels), bool) if labels.ignored is None else labels.ignored
    counted = Boxes(labels.frames[mine], labels.xyxy[mine], ignored=ignored[mine])
    rows = np.flatnonzero(theirs)
    seen = Boxes(found.frames[theirs], found.xyxy[theirs], found.scores[theirs])
    matches = detections.matched(counted, seen, overlap)
    faces = int((~ignored[mine]).sum())
    sure = np.asarray(found.scores[theirs]) >= threshold
    hit = np.isin(np.arange(len(known)), matches[sure & (matches >= 0)]) | ignored[mine]
    recall, precision = detections.at(matches, found.scores[theirs], faces, threshold)
    return DetectionScores(
        ap50=detections.average_precision(matches, found.scores[theirs], faces),
        recall=recall,
        precision=precision,
        threshold=threshold,
        faces=faces,
        frames=len(np.unique(np.asarray(frames))),
        missed=_listed(labels.frames, known[~hit]),
        false_alarms=_listed(found.frames, rows[sure & (matches == FALSE_ALARM)]),
    )


def _listed(frames: NDArray[np.str_], rows: NDArray[np.int64]) -> dict[str, list[int]]:
    """Return frame -> rows, both sorted."""
    held: dict[str, list[int]] = {}
    for row in sorted(rows.tolist(), key=lambda row: (str(frames[row]), row)):
        held.setdefault(str(frames[row]), []).append(row)
    return held
