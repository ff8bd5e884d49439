"""Labels that cannot be right, or probably are not: found, listed, left as they are."""

import numpy as np
from numpy.typing import NDArray

from thermark import landmarks
from thermark.core.faces import Faces
from thermark.core.frames import Frames
from thermark.loading.loaded import Findings


def check(faces: Faces, frames: Frames, findings: Findings) -> None:
    """Note faces with unlabelled points, points far outside of the frame, exchanged sides or no prompt."""
    position = {str(name): row for row, name in enumerate(frames.ids)}
    sizes = frames.sizes[[position[str(frame)] for frame in faces.frames]]
    for name in np.unique(faces.vocabularies):
        rows = np.flatnonzero(faces.vocabularies == name)
        vocabulary = landmarks.load(str(name))
        xy = faces.xy[rows, : len(vocabulary)]
        ids = faces.ids[rows]
        findings.add("unlabelled_point", *map(str, ids[np.isnan(xy).any(axis=(1, 2))]))
        findings.add("far_out_of_frame", *map(str, ids[far_out(xy, sizes[rows])]))
        findings.add("sides_exchanged", *map(str, ids[sides_exchanged(xy, vocabulary)]))


def far_out(xy: NDArray[np.floating], sizes: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return (N,) whether any point (N, K, 2) lies further outside of its frame (N, 2) than half its size."""
    low, high = -0.5 * sizes[:, None], 1.5 * sizes[:, None]
    return ((xy < low) | (xy > high)).any(axis=(1, 2))


def sides_exchanged(xy: NDArray[np.floating], vocabulary: landmarks.Vocabulary) -> NDArray[np.bool_]:
    """Return (N,) whether the subject's right outer eye corner is right of the left one in the image.

    A heuristic for upright faces seen from the front: on a head upside down it is wrong.
    """
    if vocabulary.interocular is None:
        return np.zeros(len(xy), np.bool_)
    right, left = vocabulary.interocular
    return xy[:, right, 0] > xy[:, left, 0]
