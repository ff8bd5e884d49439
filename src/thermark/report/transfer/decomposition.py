"""What an error is made of: the place of the whole face, how points are defined, the far side of turned heads."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from thermark.core.faces import Faces
from thermark.metrics.measures import Scores
from thermark.metrics.scores import labels
from thermark.report.transfer.noise import aligned
from thermark.report.transfer.points import MAIN, TARGET, eye_axes, groups, yaw

TURNED = 15.0  # degrees to either side, as the first of points.YAWS
CHIN = 8  # of the jaw's 17 points: those before it are the right side
Floats = NDArray[np.float64]


def decompose(faces: Faces, seeds: Sequence[Scores]) -> dict[str, float]:
    """Return the error of found faces after parts of it were taken away, in distances of the outer eye corners.

    `moved`: each face's points moved as a whole onto their labels; `aligned`: turned and scaled as well;
    `offset`: less a constant offset of each point along and across the line of the eyes, fitted on the other
    people, as another definition of the points would be. `far_jaw`, `near_jaw`, `rest`: the error as it is on the
    faces that are turned by more than TURNED. Means over faces, then over seeds; what is undefined is left out.
    """
    by_seed = [_of_seed(faces, scores) for scores in seeds]
    means = {name: float(np.mean([values[name] for values in by_seed])) for name in by_seed[0]}
    return {name: value for name, value in means.items() if np.isfinite(value)}


def _of_seed(faces: Faces, scores: Scores) -> dict[str, float]:
    truth, main = labels(faces, TARGET, {}), groups()[MAIN] & scores.supported
    offsets = scores.offsets.astype(np.float64) / truth.eyes[:, None, None]
    target = truth.truth.astype(np.float64) / truth.eyes[:, None, None]
    # All 50 points or none: what is moved onto some of them cannot be compared.
    whole = np.flatnonzero(np.isfinite((target + offsets)[:, main]).all(axis=(1, 2)))
    off, on = offsets[whole][:, main], target[whole][:, main]
    turned = np.array([aligned(*pair) for pair in zip(on + off, on, strict=True)]).reshape(on.shape) - on
    left_out = {
        "moved": off - off.mean(axis=1, keepdims=True),
        "aligned": turned,
        "offset": _less_the_offset_of_others(off, eye_axes(target[whole]), faces.subjects[whole]),
    }
    numbers = {name: _mean(np.linalg.norm(rest, axis=2)) for name, rest in left_out.items()}
    return numbers | _sides(yaw(faces), np.linalg.norm(offsets, axis=2), main)


def _less_the_offset_of_others(off: Floats, axes: Floats, people: NDArray[np.str_]) -> Floats:
    """Return offsets (N, K, 2) along and across the eyes, less their mean over the faces of all other people."""
    level = np.einsum("nij,nkj->nki", axes, off)
    rest: Floats = np.full_like(level, np.nan)
    for person in np.unique(people):
        own = people == person
        if not own.all():
            rest[own] = level[own] - level[~own].mean(axis=0)
    return rest


def _sides(degrees: Floats, errors: Floats, main: NDArray[np.bool_]) -> dict[str, float]:
    """Return the errors (N, 68) of the jaw's two sides and of all else, on turned faces.

    A head that is turned to its left hides the left side of its jaw.
    """
    rows = np.arange(errors.shape[1])
    right, left, rest = rows < CHIN, (rows > CHIN) & (rows <= 2 * CHIN), rows > 2 * CHIN
    to_left, to_right = degrees > TURNED, degrees < -TURNED
    masks = {
        "far_jaw": (to_left[:, None] & left) | (to_right[:, None] & right),
        "near_jaw": (to_left[:, None] & right) | (to_right[:, None] & left),
        "rest": (to_left | to_right)[:, None] & rest,
    }
    return {name: _mean(np.where(mask & main, errors, np.nan)) for name, mask in masks.items()}


def _mean(errors: Floats) -> float:
    """Return the mean over faces of the mean over the points of each, NaN and infinite ones left out."""
    errors = np.where(np.isfinite(errors), errors, np.nan)
    some = np.isfinite(errors).any(axis=1)
    return float(np.nanmean(errors[some], axis=1).mean()) if some.any() else float("nan")
