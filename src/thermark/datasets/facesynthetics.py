"""FaceSynthetics: rendered RGB faces with 70 points, the RGB side of T-FAKE.

Layout: `{id}.png` 512 x 512 RGB, beside it `{id}_ldmks.txt` 70 lines and `{id}_seg.png`, at any depth; T-FAKE's
dense labels, `annotations.pkl`, may lie anywhere in the tree.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from thermark.core import images, origin, tree
from thermark.core.frames import Modality
from thermark.datasets.checks import depth, pairing, splits
from thermark.datasets.readers import dense, ldmks
from thermark.datasets.readers.card import DataSetCard
from thermark.datasets.readers.loaded import Check, Findings, Loaded, Source, build_frames, require_any, strings

MODALITY: Modality = "rgb"
SCHEMES = ldmks.SCHEMES | dense.SCHEMES
GREY_OR_ALPHA = ("8-bit grey", "8-bit grey with alpha", "8-bit palette", "8-bit RGB with alpha")

Files = dict[str, list[str]]  # id -> paths relative to the raw root
Labels = dict[str, NDArray[np.float32]]
Given = tuple[dict[str, str], Labels, list[Check]]

CARD = DataSetCard(
    title="FaceSynthetics",
    url="https://github.com/microsoft/FaceSynthetics",
    licence="Microsoft Research Use of Data Agreement (R-UDA) 1.0, non-commercial research",
    redistribution="no",
    citation="Wood et al., Fake It Till You Make It, ICCV 2021",
    notes="There is no official split. Far-side jaw points are projections of hidden 3-D points, not contour.",
    labels="rendered",
    boxes="tight",
)


class Config(Source):
    """Where the files are, which labels are read, how ids are split; T-FAKE must use the same `split`.

    `labels`: the 70 points beside the pictures, or the 478 of `annotations.pkl`, for which those are not needed.
    """

    labels: Literal["sparse", "dense"] = "sparse"
    split: splits.Fractions = splits.Fractions()


def load(root: Path, config: Config) -> Loaded:
    """Return the frames and faces under `root`; raises DataError when there is none."""
    findings = Findings()
    pictures, files = _sorted(tree.files(root))
    given = _dense if config.labels == "dense" else _sparse
    used, labels, checks = given(root, pictures, files, findings)
    _note_copies("duplicate_image", pictures, used, findings)
    findings.add("missing_annotation", *(name for name in pictures if name not in labels))
    names = sorted(labels)
    require_any(len(names), "labelled FaceSynthetics picture", root.name, findings)
    stored = depth.check("pictures", root, [used[name] for name in names], "8-bit RGB", GREY_OR_ALPHA)
    findings.check(stored, *checks)
    if origin.origin(root) == "real":
        findings.facts.update(ids=len(used), published_size=pairing.published_size(len(used)))
    ids, xy = strings(names), np.stack([labels[name] for name in names])
    vocabulary = dense.VOCABULARY if config.labels == "dense" else ldmks.VOCABULARY
    faces = ldmks.faces(vocabulary, ids, ids, xy, root, config.split)
    return Loaded(build_frames(ids, ids, (used[name] for name in names), MODALITY), faces, findings)


def read(path: Path, config: Config) -> NDArray[np.uint8]:
    """Return a picture as RGB (H, W, 3) uint8; raises DataError when unreadable."""
    return images.rgb(path)


def _sorted(paths: Iterable[str]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return id -> its pictures, and id -> its landmark files, in the order of the paths."""
    pictures: dict[str, list[str]] = {}
    labels: dict[str, list[str]] = {}
    for path in paths:
        name = path.rpartition("/")[2]
        if name.endswith(ldmks.SUFFIX):
            labels.setdefault(dense.key(name.removesuffix(ldmks.SUFFIX)), []).append(path)
        elif name.endswith(".png") and not name.endswith(("_seg.png", "_thermal.png")):
            pictures.setdefault(dense.key(name.removesuffix(".png")), []).append(path)
    return pictures, labels


def _sparse(root: Path, pictures: Files, files: Files, findings: Findings) -> Given:
    """Return id -> the picture that is used, id -> the points (70, 2) beside it, and whether both are whole."""
    pairs = _pairs(pictures, files)
    _note_copies("duplicate_id", files, {name: label for name, (_, label) in pairs.items()}, findings)
    labels = ldmks.read_all({name: root / label for name, (_, label) in pairs.items()}, findings)
    findings.add("missing_image", *(name for name in files if name not in pairs))
    checks = [
        pairing.check("picture", pictures, "label", files),
        pairing.whole(len(pairs), len(pairs) - len(labels), ldmks.POINTS),
    ]
    return {name: picture for name, (picture, _) in pairs.items()}, labels, checks


def _dense(root: Path, pictures: Files, files: Files, findings: Findings) -> Given:
    """Return id -> the first picture, id -> its points (478, 2) in the one file of all, and whether both meet."""
    used = {name: paths[0] for name, paths in pictures.items()}
    beside = {name: root / label for name, (_, label) in _pairs(pictures, files).items()}
    labels = dense.read(root, used, list(used.values()), beside, findings) if used else {}
    return used, labels, [pairing.check("picture", pictures, "dense label", labels)]


def _pairs(pictures: dict[str, list[str]], labels: dict[str, list[str]]) -> dict[str, tuple[str, str]]:
    """Return id -> the first picture that has labels beside it, and those: two copies must not be mixed."""
    pairs: dict[str, tuple[str, str]] = {}
    for name in sorted(pictures.keys() & labels.keys()):
        beside = {path.rpartition("/")[0]: path for path in labels[name]}
        folders = ((picture, picture.rpartition("/")[0]) for picture in pictures[name])
        both = [(picture, beside[folder]) for picture, folder in folders if folder in beside]
        if both:
            pairs[name] = both[0]
    return pairs


def _note_copies(kind: str, copies: dict[str, list[str]], used: dict[str, str], findings: Findings) -> None:
    """Note every file of an id beyond the one that is used."""
    for name, paths in copies.items():
        findings.add(kind, *(path for path in paths if path != used.get(name, paths[0])))
