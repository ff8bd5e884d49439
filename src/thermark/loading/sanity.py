"""Labels that cannot be right, or probably are not: found, listed, left as they are."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thermark.core.faces import Faces
from thermark.core.frames import Frames
from thermark.loading.loaded import Findings


@dataclass(frozen=True)
class Scheme:
    """What a loader knows of the points it reads, without the vocabulary that scores them.

    `points`: how many. `eyes`: the subject's right and left outer eye corner, None where there are not both.
    """

    points: int
    eyes: tuple[int, int] | None = None


def check(faces: Faces, frames: Frames, schemes: Mapping[str, Scheme], findings: Findings) -> None:
    """Note faces with unlabelled points, points far outside of the frame or exchanged sides.

    `schemes`: vocabulary -> its scheme.
    """
    position = {str(name): row for row, name in enumerate(frames.ids)}
    sizes = frames.sizes[[position[str(frame)] for frame in faces.frames]]
    for name in np.unique(faces.vocabularies):
        rows = np.flatnonzero(faces.vocabularies == name)
        scheme = schemes[str(name)]
        xy = faces.xy[rows, : scheme.points]
        ids = faces.ids[rows]
        findings.add("unlabelled_point", *map(str, ids[np.isnan(xy).any(axis=(1, 2))]))
        findings.add("far_out_of_frame", *map(str, ids[far_out(xy, sizes[rows])]))
        if scheme.eyes:
            findings.add("sides_exchanged", *map(str, ids[sides_exchanged(xy, scheme.eyes)]))


def far_out(xy: NDArray[np.floating], sizes: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return (N,) whether any point (N, K, 2) lies further outside of its frame (N, 2) than half its size."""
    low, high = -0.5 * sizes[:, None], 1.5 * sizes[:, None]
    return ((xy < low) | (xy > high)).any(axis=(1, 2))


def sides_exchanged(xy: NDArray[np.floating], eyes: tuple[int, int]) -> NDArray[np.bool_]:
    """Return (N,) whether the subject's right outer eye corner is right of the left one in the image.

    A heuristic for upright faces seen from the front: on a head upside down it is wrong.
    """
    right, left = eyes
    return xy[:, right, 0] > xy[:, left, 0]
