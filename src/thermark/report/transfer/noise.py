"""How noisy machine labels are, by their jitter and by the disagreement with another network: two bounds.

Jitter between pictures of a head at rest sees noise that changes from picture to picture, and no error that stays:
a lower bound. What an independent landmarker disagrees by, once its constant offsets are taken off, holds its own
noise, too: an upper bound of the part that is not constant.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thermark import landmarks
from thermark.core.faces import Faces
from thermark.core.predictions import Predictions
from thermark.metrics.scores import labels
from thermark.report.transfer.points import MAIN, TARGET, eye_axes, groups

Points = NDArray[np.float64]
JITTER = "jitter of labels on heads at rest"
STILL = 0.1  # of the distance of the eyes: how far the middle of a face at rest moves from a picture to the next
ENOUGH = 0.5  # of the points
# A picture differs from the mean of its two neighbours by the noise of all three: 1 + 1/4 + 1/4.
THREE = 1.5


@dataclass(frozen=True)
class Noise:
    """`nme`, `median`: over `pictures`, of the mean distance of a face's points over that of its eyes."""

    nme: float
    median: float
    pictures: int


def jitter(faces: Faces, recordings: NDArray[np.str_]) -> Noise | None:
    """Return by how much labels jump about between three successive pictures of a recording, per picture.

    The neighbours are turned, moved and scaled onto the middle picture, so that a head that moves is none that
    jumps; those that move far are left out. Speech and yawns stay in. None without three such pictures.
    """
    truth = labels(faces, TARGET, {})
    xy = truth.truth[:, groups()[MAIN]].astype(np.float64)
    order = np.lexsort((faces.ids, recordings))
    errors = []
    for three in zip(order, order[1:], order[2:], strict=False):
        if len({*recordings[[*three]]}) == 1:
            errors.append(_jump(xy[[*three]], truth.eyes[three[1]]))
    return _noise([error for error in errors if error is not None])


def disagreement(faces: Faces, other: Predictions) -> Noise | None:
    """Return by how much another landmarker's points are off the labels once their mean offsets are taken off.

    Offsets are measured along and across the line of the eyes. Only faces that it found; None where it found none.
    """
    truth, mask = labels(faces, TARGET, {}), groups()[MAIN]
    xy = truth.truth.astype(np.float64)
    predicted = np.full_like(xy, np.nan)
    predicted[other.faces] = landmarks.project(other.xy.astype(np.float64), other.vocabulary, TARGET)
    gap = np.einsum("nij,nkj->nki", eye_axes(xy), (predicted - xy)[:, mask]) / truth.eyes[:, None, None]
    gap = gap[np.isfinite(gap).all(axis=(1, 2))]
    return _noise(np.linalg.norm(gap - gap.mean(axis=0), axis=-1).mean(axis=1)) if len(gap) else None


def aligned(points: Points, target: Points) -> Points:
    """Return points (K, 2) moved, turned and scaled onto `target` (K, 2) with the least squared distance."""
    a, b = points - points.mean(axis=0), target - target.mean(axis=0)
    z, w = a[:, 0] + 1j * a[:, 1], b[:, 0] + 1j * b[:, 1]
    moved = z * ((w * z.conj()).sum() / (z * z.conj()).sum().real)
    return np.asarray(np.stack([moved.real, moved.imag], axis=1) + target.mean(axis=0))


def _jump(three: Points, eyes: float) -> float | None:
    """Return the noise of one picture by its neighbours (3, K, 2), None if it moves or lacks labels."""
    known = np.isfinite(three).all(axis=(0, 2))
    if not np.isfinite(eyes) or known.mean() < ENOUGH:
        return None
    before, middle, after = three[:, known]
    centres = three[:, known].mean(axis=1)
    if np.hypot(*np.diff(centres, axis=0).T).max() > STILL * eyes:
        return None
    gap = middle - np.mean([aligned(before, middle), aligned(after, middle)], axis=0)
    return float(np.hypot(*gap.T).mean() / np.sqrt(THREE) / eyes)


def _noise(errors: Sequence[float] | NDArray[np.float64]) -> Noise | None:
    return Noise(float(np.mean(errors)), float(np.median(errors)), len(errors)) if len(errors) else None
