"""FaceSynthetics' labels, which T-FAKE shares: `{id}_ldmks.txt`, 70 lines of "x y"."""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thermark.core import visibility
from thermark.core.errors import DataError
from thermark.core.faces import Faces
from thermark.core.geometry import bounding_box
from thermark.datasets.checks import splits
from thermark.datasets.checks.sanity import Scheme
from thermark.datasets.readers import pts, tree
from thermark.datasets.readers.loaded import Findings

VOCABULARY = "facesynthetics70"
POINTS = 70
SUFFIX = "_ldmks.txt"
SCHEMES = {VOCABULARY: Scheme(POINTS, eyes=(36, 45))}
USUAL = re.compile(r"(-?\d{1,9}\.?\d{0,20} -?\d{1,9}\.?\d{0,20}\n)+", re.ASCII)


def read(path: Path, count: int) -> NDArray[np.float32]:
    """Return points (count, 2) float32 px; `nan` is an unlabelled point.

    Raises DataError, naming file and line, for anything but `count` lines of two numbers.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} is no text file", "fetch the file again") from error
    lines = text.rstrip().splitlines()
    if len(lines) != count:
        raise DataError(f"{path.name} has {len(lines)} lines instead of {count}", "fetch the file again")
    if USUAL.fullmatch(text):  # read at once: 100,000 files are common
        return np.array(text.split(), np.float64).astype(np.float32).reshape(-1, 2)
    return np.stack([pts.point(line, f"{path.name}, line {row}") for row, line in enumerate(lines, start=1)])


def find(root: Path) -> dict[str, list[Path]]:
    """Return id -> its landmark files under `root`, sorted: more than one where a tree holds copies."""
    found: dict[str, list[Path]] = {}
    for path in (root / relative for relative in tree.files(root) if relative.endswith(SUFFIX)):
        found.setdefault(path.name.removesuffix(SUFFIX), []).append(path)
    return found


def read_all(paths: dict[str, Path], findings: Findings) -> dict[str, NDArray[np.float32]]:
    """Return id -> points (70, 2) float32; files that do not parse are noted, with the reason, and left out."""
    labels = {}
    for name, path in paths.items():
        try:
            labels[name] = read(path, POINTS)
        except DataError as error:
            findings.add("bad_annotation", error.cause)
    return labels


def faces(
    ids: NDArray[np.str_],
    subjects: NDArray[np.str_],
    xy: NDArray[np.float32],
    root: Path,
    fractions: splits.Fractions,
    strata: dict[str, NDArray[np.str_]] | None = None,
) -> Faces:
    """Return one face a frame from 70 points (N, 70, 2), split by the hash of the subject.

    What is hidden is told, by subject, in the file that rendered sets have under `root`.
    """
    chosen = splits.by_hash(subjects, fractions)
    splits.require(chosen, fractions.expected())
    boxes = bounding_box(xy)
    return Faces(
        ids=ids,
        frames=ids,
        subjects=subjects,
        splits=chosen,
        vocabularies=np.full(len(ids), VOCABULARY),
        boxes=boxes,
        prompts=boxes,
        xy=xy,
        visible=visibility.among(~np.isnan(xy).any(axis=-1), map(str, subjects), root),
        strata=strata or {},
    )
