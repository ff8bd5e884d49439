"""The numbers of one contestant on a real camera: a pure function of faces and predictions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.core.faces import Faces
from thermark.core.point_errors import mean_of_finite, median_of_finite
from thermark.core.predictions import Predictions
from thermark.metrics import bootstrap, measures
from thermark.metrics.scores import Scores, labels, score
from thermark.metrics.seeds import spread
from thermark.report.transfer.points import MAIN, TARGET, groups, turned, yaw

IO = "io"
FAILED = 0.1  # of the distance of the eyes: above, a face counts as failed
CAP = 0.5  # as in metrics.evaluate.Config
REPLICATES, SEED = 1000, 0
Numbers = dict[str, Any]


@dataclass(frozen=True)
class Strata:
    """Parts of the faces (N,): stratum -> the part of each face, nothing for one that is in none.

    `recordings` (N,): of which recording a face is. Frames of one look alike, as faces of one subject do.
    """

    columns: Mapping[str, NDArray[np.str_]]
    recordings: NDArray[np.str_]


def strata(faces: Faces) -> Strata:
    """Return the strata of faces whose ids are `<recording>/<picture>`, their poses among them."""
    recordings = np.array([str(name).rpartition("/")[0] for name in faces.ids])
    return Strata({**faces.strata, "yaw": turned(yaw(faces))}, recordings)


def measured(faces: Faces, seeds: Sequence[Predictions], parts: Strata) -> Numbers:
    """Return the numbers of a contestant, or of the seeds of a run, in boxes of one kind.

    `all`: on `common50`, of every face; `points`: on each group of points; then one entry a stratum. Means go over
    the faces that were found, each of which counts once, and then over seeds; `missed` says how many were not.
    """
    read = labels(faces, TARGET, {})
    chosen = np.ones(len(faces), bool)
    scored = [score(faces, one, TARGET, {}, chosen, CAP, read) for one in seeds]
    masks = groups()
    main = [scores.points(masks[MAIN]) for scores in scored]
    numbers: Numbers = {
        "all": _numbers(main, parts.recordings),
        "points": {
            name: _numbers([scores.points(mask) for scores in scored], parts.recordings)
            for name, mask in masks.items()
            if not np.isnan(scored[0].points(mask).errors).all()
        },
    }
    for name, column in sorted(parts.columns.items()):
        numbers[name] = {
            str(value): _numbers(
                [scores.rows(column == value) for scores in main], parts.recordings[column == value]
            )
            for value in np.unique(column)
            if str(value)
        }
    return numbers


def face_errors(faces: Faces, seeds: Sequence[Predictions]) -> NDArray[np.float64]:
    """Return the mean over seeds of the error (N,) of each face on `common50` in `io`; infinite: missed."""
    read, mask = labels(faces, TARGET, {}), groups()[MAIN]
    chosen = np.ones(len(faces), bool)
    by_seed = [score(faces, one, TARGET, {}, chosen, CAP, read).points(mask).face_errors(IO) for one in seeds]
    return np.asarray(np.mean(by_seed, axis=0))


def worst(faces: Faces, errors: NDArray[np.float64], count: int = 20) -> list[dict[str, Any]]:
    """Return the ids of the faces with the largest errors (N,), worst first; the error is None for a miss."""
    order = np.argsort(-np.nan_to_num(errors, nan=-1.0), kind="stable")[:count]
    return [
        {"face": str(faces.ids[row]), "nme": float(errors[row]) if np.isfinite(errors[row]) else None}
        for row in order
        if not np.isnan(errors[row])
    ]


def _numbers(seeds: Sequence[Scores], recordings: NDArray[np.str_]) -> Numbers:
    """Return the numbers of some faces and points: one value a key, plain, what is undefined left out."""
    values = np.stack([scores.face_errors(IO) for scores in seeds])
    finite = np.where(np.isfinite(values), values, np.nan)
    by_seed = [mean_of_finite(row) for row in values]
    numbers: Numbers = {
        "faces": int(measures.faces(seeds[0])),
        "nme": float(np.mean(by_seed)),
        "nme_seed_std": spread(by_seed),
        "median": float(np.mean([median_of_finite(row) for row in values])),
        "failed": float(np.mean([measures.failure_rate(scores, FAILED, IO) for scores in seeds])),
        "missed": float(np.mean([measures.missed(scores) for scores in seeds])),
    }
    for name, groups_ in (("subjects", seeds[0].subjects), ("recordings", recordings)):
        bounds = bootstrap.interval(finite, groups_, REPLICATES, SEED, within=(0.0, np.inf))
        if bounds:
            numbers[name] = [float(bound) for bound in bounds]
    kept = {key: value for key, value in numbers.items() if not isinstance(value, float) or np.isfinite(value)}
    return kept | (
        {"seeds": [float(each) for each in by_seed]} if len(seeds) > 1 and np.isfinite(by_seed).all() else {}
    )
