"""Which detection is matched to which labelled face: one to one, globally nearest first, within a cap."""

import numpy as np
from numpy.typing import NDArray

from thermark.metrics.distances import Floats, offsets

Rows = NDArray[np.int64]


def greedy(distances: Floats, caps: Floats) -> Rows:
    """Return the column matched to each row of `distances` (G, P), (G,) int64, -1 where there is none.

    The nearest pair of all is matched first, then the nearest of what is left; a pair only when its distance is at
    most the cap (G,) of its row. Of equal distances the lower row comes first, then the lower column. NaN and
    infinity match nothing.
    """
    rows, columns = np.nonzero(np.isfinite(distances) & (distances <= caps[:, None]))
    matched, free = np.full(len(distances), -1, np.int64), np.ones(distances.shape[1], bool)
    order = np.argsort(distances[rows, columns], kind="stable")  # `nonzero` goes by row, then column
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if matched[row] < 0 and free[column]:
            matched[row], free[column] = column, False
    return matched


def centroid_distances(truth: NDArray[np.floating], predicted: NDArray[np.floating]) -> Floats:
    """Return the distances (G, P) in px between centroids of faces (G, K, 2) and instances (P, K, 2).

    Either centroid is that of the points which both have, NaN where they share none.
    """
    pairs = (len(truth), *predicted.shape)
    gaps = offsets(np.broadcast_to(truth[:, None], pairs), np.broadcast_to(predicted[None], pairs))
    defined = np.isfinite(gaps[..., 0]) & np.isfinite(gaps[..., 1])
    shared = defined.sum(axis=-1)
    shift = np.where(defined[..., None], gaps, 0.0).sum(axis=2) / np.maximum(shared, 1)[..., None]
    return np.where(shared > 0, np.hypot(shift[..., 0], shift[..., 1]), np.nan)


def assign(
    frames: NDArray[np.str_],
    truth: NDArray[np.floating],
    caps: Floats,
    predicted_frames: NDArray[np.str_],
    predicted: NDArray[np.floating],
    confidence: NDArray[np.floating],
) -> Rows:
    """Return which instance is matched to each face, (G,) int64, -1 for none; frame by frame.

    Faces (G, K, 2) are in `frames` (G,), instances (P, K, 2) in `predicted_frames` (P,); `caps` (G,) are px.
    Pairs are formed by `greedy` on `centroid_distances`; of instances equally far from a face the more
    confident (P,) is taken, then the one further left by its first points: their order does not matter.
    """
    names, home = np.unique(frames, return_inverse=True)
    candidates = np.flatnonzero(np.isin(predicted_frames, names))
    place = np.searchsorted(names, predicted_frames[candidates])
    points = predicted[candidates].reshape(len(candidates), predicted.shape[1] * 2).T
    order = np.lexsort((*points[::-1], -confidence[candidates], place))
    rows, inner = np.argsort(home, kind="stable"), np.arange(1, len(names))
    faces = np.split(rows, np.searchsorted(home[rows], inner))
    instances = np.split(candidates[order], np.searchsorted(place[order], inner))
    matched = np.full(len(frames), -1, np.int64)
    for face_rows, instance_rows in zip(faces, instances, strict=True):
        chosen = greedy(centroid_distances(truth[face_rows], predicted[instance_rows]), caps[face_rows])
        matched[face_rows[chosen >= 0]] = instance_rows[chosen[chosen >= 0]]
    return matched
