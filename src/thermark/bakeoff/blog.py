"""Parts 1 and 3 of the posts to the letter: the first frames, a lenient match, errors of what was matched.

Source: nipunbatra/blog, posts/nostril-bench/scripts/run_thermeval.py and
posts/nostril-hierarchical/scripts/hier_yolo_thermeval.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thermark.bakeoff.inputs import rows_of
from thermark.bakeoff.noses import Noses
from thermark.core.faces import Faces
from thermark.metrics.matching import assign

CAP = 80.0  # px in a frame that is 192 wide: a nose may be matched to a neighbour's
LIMITS = (3, 5, 10, 20)
Numbers = dict[str, float]


@dataclass(frozen=True)
class Part:
    """Which frames a post counts: the first `frames` of an annotation file that have a nose."""

    source: str
    frames: int


PARTS: Mapping[str, Part] = {"part1": Part("annotations_1", 50), "part3": Part("annotations_2", 60)}


def first(faces: Faces, part: Part) -> Faces:
    """Return the noses of the part's frames, in the order of `faces`: that of the file, or of image ids."""
    rows = rows_of(faces, "source", part.source)
    frames = list(dict.fromkeys(faces.frames[rows].tolist()))[: part.frames]
    return faces.take(rows[np.isin(faces.frames[rows], frames)])


def matched(faces: Faces, said: Noses, cap: float = CAP) -> NDArray[np.float64]:
    """Return the distance (G,) in frame px from each nose to the prediction it was matched with, infinite for
    none.

    One to one in a frame, globally nearest first, at most `cap` px.
    """
    truth = faces.xy[:, :1].astype(np.float64)
    chosen = assign(faces.frames, truth, np.full(len(faces), cap), said.frames, said.xy[:, None], said.score)
    gaps = np.full(len(faces), np.inf)
    hit = chosen >= 0
    gaps[hit] = np.hypot(*(said.xy[chosen[hit]] - truth[hit, 0]).T)
    return gaps


def measured(gaps: NDArray[np.float64], predictions: int) -> Numbers:
    """Return the posts' numbers: mean and median px over what was matched, the rest as fractions of all noses.

    `precision` is the fraction of the predictions that were matched; what is undefined is absent.
    """
    hit = gaps[np.isfinite(gaps)]
    numbers: Numbers = {"noses": len(gaps), "predictions": predictions, "matched": len(hit)}
    if len(gaps):
        numbers |= {"detection": len(hit) / len(gaps)} | within(gaps)
    if predictions:
        numbers["precision"] = len(hit) / predictions
    return numbers | averages(hit)


def within(gaps: NDArray[np.float64]) -> Numbers:
    """Return PCK at 3, 5, 10 and 20 px over all noses (G,), a miss being a failure."""
    return {f"pck@{limit}": float((gaps <= limit).mean()) for limit in LIMITS}


def averages(hit: NDArray[np.float64]) -> Numbers:
    """Return mean and median of finite errors, nothing where there is none."""
    return {"mean": float(hit.mean()), "median": float(np.median(hit))} if len(hit) else {}


def score(faces: Faces, said: Noses) -> Numbers:
    """Return the numbers of a contestant on the noses of a part; predictions on other frames do not count."""
    return measured(matched(faces, said), int(np.isin(said.frames, faces.frames).sum()))
