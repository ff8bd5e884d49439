"""Do T-FAKE's dense labels mean the same places as the sparse ones: what shows a wrong axis, unit or order."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thermark.core.point_errors import median_of_finite
from thermark.datasets.readers import ldmks
from thermark.datasets.readers.loaded import Check, Findings, Verdict

# Corners of eyes, tip of the nose, corners of the mouth: point of the mesh -> row of FaceSynthetics' labels.
SAME = {33: 36, 133: 39, 362: 42, 263: 45, 4: 30, 61: 48, 291: 54}
EYES = (36, 45)
# In distances between the outer eye corners. MediaPipe on real FaceSynthetics pictures is 0.04 from their labels.
LIMIT = 0.15
FILES = 1000  # of sparse labels that are read to be compared with, at most twice as many

Labels = dict[str, NDArray[np.float32]]


def compare(dense: Labels, sparse: Labels, findings: Findings) -> None:
    """Note how far dense labels (478, 2) are from the sparse ones (70, 2) of the same ids, where there are any.

    The fact `dense_against_sparse`: `faces`, how many; `distance`, the median over faces and points that both
    mean, in distances between the outer eye corners; `dx` and `dy`, the medians of dense minus sparse, px.
    """
    both = [name for name in dense if name in sparse]
    if not both:
        return
    mesh = np.stack([dense[name][list(SAME)] for name in both])
    rows = np.stack([sparse[name][list(SAME.values())] for name in both])
    right, left = np.stack([sparse[name][list(EYES)] for name in both], axis=1)
    between = np.linalg.norm(right - left, axis=-1)[:, None]
    distance = _median(np.linalg.norm(mesh - rows, axis=-1), between)
    exchanged = _median(np.linalg.norm(mesh[..., ::-1] - rows, axis=-1), between)
    dx, dy = (_median(axis) for axis in np.moveaxis(mesh - rows, -1, 0))
    fact = {"faces": len(both), "distance": distance, "dx": dx, "dy": dy}
    findings.facts["dense_against_sparse"] = fact
    found = f"{distance:.1%} over {len(both):,} faces"
    verdict: Verdict = "ok" if distance <= LIMIT else "warning"  # which NaN is too
    if verdict == "warning" and exchanged <= LIMIT:
        found += f"; with x and y exchanged {exchanged:.1%}"
    remedy = "" if verdict == "ok" else "look at some before you train on them"
    expected = f"a median distance below {LIMIT:.0%} of that between the eyes"
    findings.check(Check("dense against sparse labels", expected, found, verdict, remedy))


def compare_files(dense: Labels, files: Mapping[str, Path], findings: Findings) -> None:
    """Do as `compare` with the sparse labels in `files`, id -> file: evenly spread ones where there are many."""
    names = [name for name in dense if name in files]
    chosen = names[:: max(1, len(names) // FILES)]
    sparse = ldmks.read_all({name: files[name] for name in chosen}, Findings())  # damage is no matter here
    compare({name: dense[name] for name in sparse}, sparse, findings)


def _median(values: NDArray[np.floating], unit: NDArray[np.floating] | float = 1.0) -> float:
    """Return the median of what is known of `values` in `unit`s, NaN when nothing is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return median_of_finite(values / unit)
