"""The jitter floor of a contestant: how far its points spread when its pictures are shifted by a px or two.

A difference between contestants that is smaller may be a matter of where faces happen to lie in their pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thermark.core.faces import Faces
from thermark.core.jitter import Jitter, shift_faces
from thermark.core.point_errors import mean_of_finite
from thermark.core.predictions import Predictions
from thermark.metrics.distances import Floats, per_face
from thermark.metrics.registry import MAIN
from thermark.metrics.scores import Scores, score
from thermark.metrics.summary import Summary


@dataclass(frozen=True)
class Jittered:
    """The predictions of each seed on pictures that were shifted as in `jitter`."""

    jitter: Jitter
    predictions: Sequence[Predictions]


def floor(
    faces: Faces,
    chosen: NDArray[np.bool_],
    seeds: Sequence[Scores],
    jittered: Jittered,
    main: str,
    target: str,
    bridges: dict[str, str],
    cap: float,
) -> Summary:
    """Return the jitter floor in px, and in the unit of the metric `main`, over labelled points of found faces.

    `seeds` are the scores of each seed on the faces `chosen` (N,) in unshifted pictures, the first of the `views`;
    `target`, `bridges` and `cap` are those of `score`. Labels are shifted as the pictures are, so that
    errors in shifted pictures are errors all the same. A face's floor is its `spread`, that of `faces` faces their
    mean, and of seeds the mean over these: as NME is. A face that some seed does not find in all views is left out
    and `lost`; the lost ones that are found in some, so that their finding hangs on pixels, are `flickering`.
    """
    seen = shift_faces(faces, chosen, jittered.jitter)
    count = len(jittered.jitter.steps)
    chosen_rows = np.isin(np.flatnonzero(chosen), seen.rows)  # both are in order
    every = np.ones(len(seen.faces), bool)
    size = seeds[0].size(MAIN[main])[chosen_rows]
    spreads, found = [], []
    for plain, shifted in zip(seeds, jittered.predictions, strict=True):
        unshifted = plain.rows(chosen_rows)
        others = score(seen.faces, shifted, target, bridges, every, cap)
        errors = np.stack([unshifted.errors, *np.split(others.errors, count)])
        offsets = np.stack([unshifted.offsets, *np.split(others.offsets, count)])
        found.append(np.stack([np.isfinite(per_face(view)) for view in errors]))
        spreads.append(spread(np.where(np.isfinite(errors)[..., None], offsets, np.nan)))
    labelled = seeds[0].labelled[chosen_rows]
    kept, some = np.all(found, axis=(0, 1)), np.any(found, axis=(0, 1))
    px = np.where(kept, np.mean(spreads, axis=0), np.nan)
    numbers = {"px": mean_of_finite(px), main: mean_of_finite(px / size)}
    counts = {"faces": kept, "lost": labelled & ~kept, "flickering": some & ~kept}
    defined: Summary = {name: number for name, number in numbers.items() if np.isfinite(number)}
    return defined | {name: int(mask.sum()) for name, mask in counts.items()} | {"views": count + 1}


def spread(offsets: Floats) -> Floats:
    """Return the standard deviation in px over views of the points of each face, (N,), from offsets (V, N, K, 2).

    That is the root of the mean over points of the variance over views, sample variances of x and y added: what
    independent noise would add to an error, in squares. Variances are averaged and not deviations, since so few
    views tell a single one poorly. Points that are NaN in some view do not count; NaN for a face without any.
    """
    variance = offsets.var(axis=0, ddof=1).sum(axis=-1)
    defined = np.isfinite(variance)
    total = np.where(defined, variance, 0.0).sum(axis=-1)
    return np.where(defined.any(axis=-1), np.sqrt(total / np.maximum(defined.sum(axis=-1), 1)), np.nan)
