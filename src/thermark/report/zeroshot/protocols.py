"""The posts' protocols: which noses each part counts, which prediction counts for them, and its errors.

Source: nipunbatra/blog, posts/nostril-bench/scripts/run_thermeval.py (part 1),
posts/nostril-finetune/scripts/{build_dataset,train_head}_thermeval.py (part 2) and
posts/nostril-hierarchical/scripts/hier_yolo_thermeval.py (part 3).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thermark.core.annotations import Annotations
from thermark.core.faces import Faces
from thermark.core.point_errors import lower_median_of_finite, summary
from thermark.fewshot.posts import Crop, Floats, Rows
from thermark.metrics.matching import assign
from thermark.report.zeroshot.nose_points import NosePoints, Numbers

CAP = 80.0  # px in a frame that is 192 wide: a nose may be matched to a neighbour's


@dataclass(frozen=True)
class CountedFrames:
    """Which frames a post counts: the first `frames` of an annotation file that have boxes of all `classes`.

    In the order of image ids where `by_id`, else as the file lists them.
    """

    source: str
    frames: int
    classes: tuple[str, ...]
    by_id: bool


PARTS: Mapping[str, CountedFrames] = {
    "part1": CountedFrames("annotations_1", 50, ("nose",), by_id=False),
    "part3": CountedFrames("annotations_2", 60, ("nose", "person"), by_id=True),
}


@dataclass(frozen=True)
class Truth:
    """Labelled noses: `frames` (G,) str; `xy` (G, 2) float64, px of the frame.

    Those of a post count from the frame's outline, and predictions from pixel centres are held against them as
    they are: up to 0.71 px that are no error, which `unified` leaves out.
    """

    frames: NDArray[np.str_]
    xy: NDArray[np.float64]


def first(annotated: Annotations, part: CountedFrames) -> Truth:
    """Return all noses of the part's frames, also those outside of every person.

    By id, a picture that cannot be read keeps its place: no later one comes in for it.
    """
    listed = annotated.sources == part.source
    images = np.flatnonzero(listed & annotated.having(*part.classes))
    places = np.arange(len(images))
    if part.by_id:
        images = images[np.argsort(annotated.ranks[images], kind="stable")]
        ranks = annotated.ranks[images]
        places += ranks - np.searchsorted(np.sort(annotated.ranks[listed]), ranks)
    counted = [(image, annotated.boxes(image, "nose")) for image in images[places < part.frames].tolist()]
    noses = [boxes[:, :2] + boxes[:, 2:] / 2 for _, boxes in counted]
    frames = np.repeat(annotated.frames[[image for image, _ in counted]], [len(boxes) for _, boxes in counted])
    return Truth(frames, np.concatenate([np.zeros((0, 2)), *noses]))


def labelled(faces: Faces) -> Truth:
    """Return the noses of a face set, from pixel centres."""
    return Truth(faces.frames, faces.xy[:, 0].astype(np.float64))


def matched(truth: Truth, predicted: NosePoints, cap: float = CAP) -> Floats:
    """Return the distance (G,) in frame px from each nose to the prediction it was matched with, infinite for
    none: one to one in a frame, globally nearest first, at most `cap` px.
    """
    xy = truth.xy[:, None]
    chosen = assign(
        truth.frames, xy, np.full(len(truth.frames), cap), predicted.frames, predicted.xy[:, None], predicted.score
    )
    gaps = np.full(len(truth.frames), np.inf)
    hit = chosen >= 0
    gaps[hit] = np.hypot(*(predicted.xy[chosen[hit]] - truth.xy[hit]).T)
    return gaps


def measured(gaps: Floats, predictions: int) -> Numbers:
    """Return the numbers of parts 1 and 3: rates of all noses, `precision` of all predictions, errors of what
    was matched. What is undefined is absent.
    """
    hits = int(np.isfinite(gaps).sum())
    numbers: Numbers = {"noses": len(gaps), "predictions": predictions, "matched": hits}
    numbers |= {"detection": hits / len(gaps)} if len(gaps) else {}
    numbers |= {"precision": hits / predictions} if predictions else {}
    return numbers | summary(gaps)


def score(truth: Truth, predicted: NosePoints) -> Numbers:
    """Return the numbers of a contestant on the noses of a part; predictions on other frames do not count."""
    return measured(matched(truth, predicted), int(np.isin(predicted.frames, truth.frames).sum()))


def answers(faces: Faces, rows: Rows, crops: Mapping[int, Crop], predicted: NosePoints) -> Floats:
    """Return the nose (n, 2) in frame px that answers for the crop of each row, NaN for none.

    What was predicted for the row itself if it was asked for; else, of all that lies in its crop, what is nearest
    to the label, which favours contestants that predict many.
    """
    answered = np.full((len(rows), 2), np.nan)
    for place, row in enumerate(rows.tolist()):
        candidates = predicted.xy[predicted.faces == row]
        if not len(candidates):
            candidates = predicted.xy[(predicted.faces < 0) & (predicted.frames == faces.frames[row])]
            candidates = candidates[crops[row].holds(candidates)]
        if len(candidates):
            answered[place] = candidates[np.hypot(*(candidates - faces.xy[row, 0]).T).argmin()]
    return answered


def score_crops(faces: Faces, crops: Mapping[int, Crop], rows: Rows, predicted: NosePoints) -> Numbers:
    """Return the numbers of part 2: `crops`, `answered`, errors in crop px (`crop_mean`, `crop_pck@3`, ...) and in
    frame px (`native_mean`, ...); the median is the lower of two.
    """
    gap = answers(faces, rows, crops, predicted) - faces.xy[rows, 0]
    factors = np.array([[crops[row].sx, crops[row].sy] for row in rows.tolist()]).reshape(-1, 2)
    numbers: Numbers = {"crops": len(rows), "answered": int(np.isfinite(gap).all(axis=1).sum())}
    for space, scaled in (("crop", gap * factors), ("native", gap)):
        gaps = np.nan_to_num(np.hypot(*scaled.T), nan=np.inf)
        errors = summary(gaps, lower_median_of_finite)
        numbers |= {f"{space}_{name}": value for name, value in errors.items()}
    return numbers
