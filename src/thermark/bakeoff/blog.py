"""Parts 1 and 3 of the posts to the letter: the first frames, a lenient match, errors of what was matched.

Source: nipunbatra/blog, posts/nostril-bench/scripts/run_thermeval.py and
posts/nostril-hierarchical/scripts/hier_yolo_thermeval.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thermark.bakeoff.noses import Noses
from thermark.core.annotated import Annotated
from thermark.core.faces import Faces
from thermark.metrics.matching import assign

CAP = 80.0  # px in a frame that is 192 wide: a nose may be matched to a neighbour's
LIMITS = (3, 5, 10, 20)
Numbers = dict[str, float]


@dataclass(frozen=True)
class Part:
    """Which frames a post counts: the first `frames` of an annotation file that have boxes of all `classes`.

    In the order of image ids where `by_id`, else as the file lists them.
    """

    source: str
    frames: int
    classes: tuple[str, ...]
    by_id: bool


PARTS: Mapping[str, Part] = {
    "part1": Part("annotations_1", 50, ("nose",), by_id=False),
    "part3": Part("annotations_2", 60, ("nose", "person"), by_id=True),
}


@dataclass(frozen=True)
class Truth:
    """Labelled noses: `frames` (G,) str; `xy` (G, 2) float64, px of the frame.

    Those of a post count from the frame's outline, and predictions from pixel centres are held against them as
    they are: up to 0.71 px that are no error, which `unified` leaves out.
    """

    frames: NDArray[np.str_]
    xy: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.frames)


def first(annotated: Annotated, part: Part) -> Truth:
    """Return all noses of the part's frames, also those outside of every person."""
    images = np.flatnonzero((annotated.sources == part.source) & annotated.having(*part.classes))
    if part.by_id:
        images = images[np.argsort(annotated.ranks[images], kind="stable")]
    counted = [(image, annotated.boxes(image, "nose")) for image in images[: part.frames].tolist()]
    noses = [boxes[:, :2] + boxes[:, 2:] / 2 for _, boxes in counted]
    frames = np.repeat(annotated.frames[[image for image, _ in counted]], [len(boxes) for _, boxes in counted])
    return Truth(frames, np.concatenate([np.zeros((0, 2)), *noses]))


def labelled(faces: Faces) -> Truth:
    """Return the noses of a face set, from pixel centres."""
    return Truth(faces.frames, faces.xy[:, 0].astype(np.float64))


def matched(truth: Truth, said: Noses, cap: float = CAP) -> NDArray[np.float64]:
    """Return the distance (G,) in frame px from each nose to the prediction it was matched with, infinite for
    none.

    One to one in a frame, globally nearest first, at most `cap` px.
    """
    xy = truth.xy[:, None]
    chosen = assign(truth.frames, xy, np.full(len(truth), cap), said.frames, said.xy[:, None], said.score)
    gaps = np.full(len(truth), np.inf)
    hit = chosen >= 0
    gaps[hit] = np.hypot(*(said.xy[chosen[hit]] - truth.xy[hit]).T)
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


def score(truth: Truth, said: Noses) -> Numbers:
    """Return the numbers of a contestant on the noses of a part; predictions on other frames do not count."""
    return measured(matched(truth, said), int(np.isin(said.frames, truth.frames).sum()))
