"""What a nose is called: the signed mean offset of each reading, and what is left of the error without it."""

import numpy as np
from numpy.typing import NDArray

from thermark.bakeoff.inputs import NOSE, Contestant
from thermark.bakeoff.noses import versions
from thermark.core.faces import Faces
from thermark.metrics.evaluate import Config
from thermark.metrics.face_size import face_size
from thermark.metrics.scores import score

Numbers = dict[str, float]


def conventions(each: Contestant, faces: Faces, scoring: Config) -> dict[str, Numbers]:
    """Return version of the bridge -> offsets of a contestant on the test faces that it found, the default first.

    A contestant that predicts noses needs no bridge and has the one version `as it is`.
    """
    vocabulary = each.said[0].vocabulary
    ways = {name: {vocabulary: name} for name in versions(vocabulary)} or {"as it is": {}}
    return {name: _measured(each, faces, scoring, bridges) for name, bridges in ways.items()}


def summarised(gaps: NDArray[np.float64], sizes: NDArray[np.float64]) -> Numbers:
    """Return numbers of predicted minus labelled noses (n, 2) px on faces of `sizes` (n,) px; none finite, no
    offset.

    `offset_*_px` is the mean, positive to the right and downwards; `offset_*_face` the part of a face's size that
    explains the offsets best, in least squares. `error` is the root mean square length, `error_centred` that after
    this part was taken away, which can be no larger.
    """
    known = np.isfinite(gaps).all(axis=1)
    gaps, sizes = gaps[known], sizes[known]
    numbers: Numbers = {"found": len(gaps)}
    if not len(gaps):
        return numbers
    px, face = gaps.mean(axis=0), (gaps * sizes[:, None]).sum(axis=0) / np.square(sizes).sum()
    centred = gaps - face * sizes[:, None]
    for axis, name in enumerate("xy"):
        numbers |= {f"offset_{name}_px": float(px[axis]), f"offset_{name}_face": float(face[axis])}
    lengths = {"error": gaps, "error_centred": centred}
    return numbers | {name: float(np.sqrt(np.square(own).sum(axis=1).mean())) for name, own in lengths.items()}


def _measured(each: Contestant, faces: Faces, scoring: Config, bridges: dict[str, str]) -> Numbers:
    tested = faces.splits == "test"
    seeds = [score(faces, one, NOSE, bridges, tested, scoring.cap) for one in each.said]
    gaps = np.concatenate([scores.offsets[:, 0] for scores in seeds]).astype(np.float64)
    return summarised(gaps, np.tile(face_size(faces)[tested], len(seeds)))
