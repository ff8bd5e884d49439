"""Labels that cannot be right, or probably are not: found, listed, left as they are."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thermark.core.faces import Faces
from thermark.core.frames import Frames
from thermark.datasets.readers.loaded import Check, Findings

UNUSUAL, IMPOSSIBLE = 0.05, 0.25  # shares of points beyond the frame; faces that are cut off have some
TOGETHER = 8192  # faces: of hundreds of points each, they do not all fit into memory twice


@dataclass(frozen=True)
class Scheme:
    """Facts about the points that a loader reads, without the vocabulary that scores them.

    `points`: how many. `eyes`: the subject's right and left outer eye corner, None where there are not both.
    """

    points: int
    eyes: tuple[int, int] | None = None


def check(faces: Faces, frames: Frames, schemes: Mapping[str, Scheme], findings: Findings) -> None:
    """Note faces with unlabelled points, points far outside of the frame or exchanged sides.

    `schemes`: vocabulary -> its scheme. Many points beyond the frames mean labels of other pictures, or of the
    same at another size: a failed check.
    """
    position = {str(name): row for row, name in enumerate(frames.ids)}
    sizes = frames.sizes[[position[str(frame)] for frame in faces.frames]]
    labelled = beyond = 0
    for name in np.unique(faces.vocabularies):
        rows = np.flatnonzero(faces.vocabularies == name)
        for start in range(0, len(rows), TOGETHER):
            part = rows[start : start + TOGETHER]
            _check(faces.xy[part], faces.ids[part], sizes[part], schemes[str(name)], findings)
            labelled += int(np.isfinite(faces.xy[part]).all(axis=-1).sum())
            beyond += int(outside(faces.xy[part], sizes[part]).sum())
    share = beyond / max(labelled, 1)
    findings.check(
        Check(
            "labels in frames",
            f"at least {1 - UNUSUAL:.0%} of the points",
            f"{1 - share:.1%} of {labelled:,} points",
            "failed" if share > IMPOSSIBLE else "warning" if share > UNUSUAL else "ok",
            "are the pictures of another size than those that were labelled?",
        )
    )


def outside(xy: NDArray[np.floating], sizes: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return (N, K) which points (N, K, 2) lie beyond the outline of their frame (N, 2); NaN do not."""
    return np.asarray(((xy < -0.5) | (xy > sizes[:, None] - 0.5)).any(axis=-1))


def _check(
    xy: NDArray[np.float32], ids: NDArray[np.str_], sizes: NDArray[np.integer], scheme: Scheme, findings: Findings
) -> None:
    xy = xy[:, : scheme.points]
    findings.add("unlabelled_point", *map(str, ids[np.isnan(xy).any(axis=(1, 2))]))
    findings.add("far_out_of_frame", *map(str, ids[far_out(xy, sizes)]))
    if scheme.eyes:
        findings.add("sides_exchanged", *map(str, ids[sides_exchanged(xy, scheme.eyes)]))


def far_out(xy: NDArray[np.floating], sizes: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return (N,) whether any point (N, K, 2) lies further outside of its frame (N, 2) than half its size."""
    low, high = -0.5 * sizes[:, None], 1.5 * sizes[:, None]
    return np.asarray(((xy < low) | (xy > high)).any(axis=(1, 2)))


def sides_exchanged(xy: NDArray[np.floating], eyes: tuple[int, int]) -> NDArray[np.bool_]:
    """Return (N,) whether the subject's right outer eye corner is right of the left one in the image.

    A heuristic for upright faces seen from the front: on a head upside down it is wrong.
    """
    right, left = eyes
    return xy[:, right, 0] > xy[:, left, 0]
