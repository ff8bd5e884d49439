"""FaceSynthetics: rendered RGB faces with 70 points, the RGB side of T-FAKE.

Layout: `{id}.png` 512 x 512 RGB, beside it `{id}_ldmks.txt` 70 lines and `{id}_seg.png`, at any depth.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thermark.core.frames import Frames, Modality
from thermark.loading import images, ldmks, splits
from thermark.loading.card import Card
from thermark.loading.loaded import Findings, Loaded, Source, require_any, strings

MODALITY: Modality = "rgb"
SCHEMES = ldmks.SCHEMES

CARD = Card(
    title="FaceSynthetics",
    url="https://github.com/microsoft/FaceSynthetics",
    licence="Microsoft Research Use of Data Agreement (R-UDA) 1.0, non-commercial research",
    redistribution="no",
    citation="Wood et al., Fake It Till You Make It, ICCV 2021",
    notes="There is no official split. Far-side jaw points are projections of hidden 3-D points, not contour.",
)


class Config(Source):
    """Where the files are and how ids are split; T-FAKE must use the same `split`."""

    split: splits.Fractions = splits.Fractions()


def load(root: Path, config: Config) -> Loaded:
    """Return the frames and faces under `root`; raises DataError when there is none."""
    findings = Findings()
    files, pictures = ldmks.find(root), _pictures(root)
    pairs = _pairs(pictures, files)
    _note_copies(
        "duplicate_image", pictures, {name: picture for name, (picture, _) in pairs.items()}, root, findings
    )
    _note_copies("duplicate_id", files, {name: label for name, (_, label) in pairs.items()}, root, findings)
    labels = ldmks.read_all({name: label for name, (_, label) in pairs.items()}, findings)
    findings.add("missing_image", *(name for name in files if name not in pairs))
    findings.add("missing_annotation", *(name for name in pictures if name not in labels))
    names = sorted(labels)
    require_any(len(names), "labelled FaceSynthetics picture", root.name)
    ids = strings(names)
    faces = ldmks.faces(ids, ids, np.stack([labels[name] for name in names]), root, config.split)
    paths = strings(pairs[name][0].relative_to(root).as_posix() for name in names)
    frames = Frames(ids, ids, paths, np.zeros((len(ids), 2), np.int32), MODALITY)
    return Loaded(frames, faces, findings)


def read(path: Path, config: Config) -> NDArray[np.uint8]:
    """Return a picture as RGB (H, W, 3) uint8; raises DataError when unreadable."""
    return images.rgb(path)


def _pictures(root: Path) -> dict[str, list[Path]]:
    """Return id -> its pictures under `root`, sorted."""
    found: dict[str, list[Path]] = {}
    for path in sorted(root.rglob("*.png")):
        if not path.stem.endswith(("_seg", "_thermal")):
            found.setdefault(path.stem, []).append(path)
    return found


def _pairs(pictures: dict[str, list[Path]], labels: dict[str, list[Path]]) -> dict[str, tuple[Path, Path]]:
    """Return id -> the first picture that has labels beside it, and those: two copies must not be mixed."""
    pairs: dict[str, tuple[Path, Path]] = {}
    for name in sorted(pictures.keys() & labels.keys()):
        beside = {path.parent: path for path in labels[name]}
        both = [(picture, beside[picture.parent]) for picture in pictures[name] if picture.parent in beside]
        if both:
            pairs[name] = both[0]
    return pairs


def _note_copies(
    kind: str, found: dict[str, list[Path]], used: dict[str, Path], root: Path, findings: Findings
) -> None:
    """Note every file of an id beyond the one that is used."""
    for name, paths in found.items():
        others = (path for path in paths if path != used.get(name, paths[0]))
        findings.add(kind, *(path.relative_to(root).as_posix() for path in others))
