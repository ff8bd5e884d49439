"""FaceSynthetics' labels, which T-FAKE shares: landmark files to points, and points to faces."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thermark.core import visibility
from thermark.core.errors import DataError
from thermark.core.faces import Faces
from thermark.core.ldmks import POINTS, SUFFIX, read
from thermark.datasets.checks import splits
from thermark.datasets.checks.sanity import Scheme
from thermark.datasets.readers.loaded import Findings, build_faces

__all__ = ["POINTS", "SCHEMES", "SUFFIX", "VOCABULARY", "faces", "read_all"]

VOCABULARY = "facesynthetics70"
SCHEMES = {VOCABULARY: Scheme(POINTS, eyes=(36, 45))}


def read_all(paths: Mapping[str, Path], findings: Findings) -> dict[str, NDArray[np.float32]]:
    """Return id -> points (70, 2) float32; files that do not parse are noted, with the reason, and left out."""
    labels = {}
    for name, path in paths.items():
        try:
            labels[name] = read(path)
        except DataError as error:
            findings.add("bad_annotation", error.cause)
    return labels


def faces(
    vocabulary: str,
    ids: NDArray[np.str_],
    subjects: NDArray[np.str_],
    xy: NDArray[np.float32],
    root: Path,
    fractions: splits.Fractions,
    strata: dict[str, NDArray[np.str_]] | None = None,
) -> Faces:
    """Return one face a frame from points (N, K, 2), split by the hash of the subject.

    Which of the 70 points are hidden stands, by subject, in the file that rendered sets have under `root`.
    """
    chosen = splits.by_hash(subjects, fractions)
    splits.require(chosen, fractions.expected())
    visible = None
    if vocabulary == VOCABULARY:
        visible = visibility.among(np.asarray(~np.isnan(xy).any(axis=-1)), map(str, subjects), root)
    return build_faces(ids, subjects, chosen, vocabulary, xy, visible=visible, strata=strata)
