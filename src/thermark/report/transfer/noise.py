"""How noisy machine labels are, by their jitter and by the disagreement with another network: two bounds.

Jitter between pictures of a head at rest sees noise that changes from picture to picture, and no error that stays:
a lower bound. What an independent landmarker disagrees by, once its constant offsets are taken off, holds its own
noise, too: an upper bound of the part that is not constant.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from thermark import landmarks
from thermark.core.faces import Faces
from thermark.core.predictions import Predictions
from thermark.metrics.scores import labels
from thermark.report.transfer.points import MAIN, TARGET, groups

Points = NDArray[np.float64]
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
    xy, eyes = _read(faces)
    order = sorted(range(len(faces)), key=lambda row: (recordings[row], faces.ids[row]))
    parts = []
    for (first, middle), (_, last) in pairwise(pairwise(order)):
        if len({str(recordings[row]) for row in (first, middle, last)}) > 1:
            continue
        three, size = xy[[first, middle, last]], eyes[middle]
        known = np.asarray(np.isfinite(three).all(axis=(0, 2)))
        if not np.isfinite(size) or known.mean() < ENOUGH:
            continue
        centres = three[:, known].mean(axis=1)
        if np.hypot(*np.diff(centres, axis=0).T).max() > STILL * size:
            continue
        neighbours = [aligned(three[at][known], three[1][known]) for at in (0, 2)]
        gap = three[1][known] - np.mean(neighbours, axis=0)
        parts.append(np.hypot(*gap.T).mean() / np.sqrt(THREE) / size)
    return _summary(parts)


def disagreement(faces: Faces, other: Predictions) -> Noise | None:
    """Return by how much another landmarker's points are off the labels once their mean offsets are taken off.

    Offsets are measured along and across the line of the eyes. Only faces that it found; None where it found none.
    """
    xy, eyes = _read(faces)
    found = landmarks.project(other.xy.astype(np.float64), other.vocabulary, TARGET)
    theirs = np.full_like(xy, np.nan)
    theirs[other.faces] = found[:, groups()[MAIN]]
    axes = _axes(faces)
    gap = np.einsum("nij,nkj->nki", axes, theirs - xy) / eyes[:, None, None]
    kept = np.isfinite(gap).all(axis=(1, 2))
    if not kept.any():
        return None
    gap = gap[kept] - gap[kept].mean(axis=0)
    return _summary(list(np.hypot(gap[..., 0], gap[..., 1]).mean(axis=1)))


def aligned(points: Points, target: Points) -> Points:
    """Return points (K, 2) moved, turned and scaled onto `target` (K, 2) with the least squared distance."""
    a, b = points - points.mean(axis=0), target - target.mean(axis=0)
    z, w = a[:, 0] + 1j * a[:, 1], b[:, 0] + 1j * b[:, 1]
    moved = z * ((w * z.conj()).sum() / (z * z.conj()).sum().real)
    return np.asarray(np.stack([moved.real, moved.imag], axis=1) + target.mean(axis=0))


def _read(faces: Faces) -> tuple[Points, NDArray[np.float64]]:
    read = labels(faces, TARGET, {})
    return read.truth[:, groups()[MAIN]].astype(np.float64), read.eyes


def _axes(faces: Faces) -> Points:
    """Return the unit vectors (N, 2, 2) along and across the line of the eyes."""
    corners = landmarks.load(TARGET).interocular
    if corners is None:
        raise ValueError(f"{TARGET} has no eyes")
    truth = labels(faces, TARGET, {}).truth.astype(np.float64)
    along = truth[:, corners[1]] - truth[:, corners[0]]
    along /= np.hypot(*along.T)[:, None]
    return np.stack([along, along[:, ::-1] * [-1, 1]], axis=1)


def _summary(parts: list[np.float64]) -> Noise | None:
    return Noise(float(np.mean(parts)), float(np.median(parts)), len(parts)) if parts else None
