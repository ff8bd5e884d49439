"""T-FAKE: the faces of FaceSynthetics in two thermal renderings, warm and cold.

Layout: `{id}_thermal.png` 512 x 512 uint16 under one folder a condition (file names do not say which it is), and
the `{id}_ldmks.txt` of FaceSynthetics anywhere in the same tree. Warm and cold of an id share labels and split.
"""

from collections.abc import Collection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thermark.core.frames import Frames, Modality
from thermark.core.radiometry import Celsius, Tone, linear_celsius
from thermark.loading import images, ldmks, splits
from thermark.loading.card import Card
from thermark.loading.loaded import Findings, Loaded, Source, require_any, strings

MODALITY: Modality = "thermal"
SCHEMES = ldmks.SCHEMES
SUFFIX = "_thermal.png"

CARD = Card(
    title="T-FAKE",
    url="https://github.com/phflot/tfake",
    licence="CC BY-NC-SA 4.0; labels and RGB: Microsoft R-UDA 1.0",
    redistribution="no",
    citation="Flotho et al., T-FAKE, CVPR 2025, arXiv 2408.15127",
    notes="There is no official split, and synthetic identities are not told: published T-FAKE test numbers, "
    "whose split is not defined, are not comparable. TFAN and MLCM-KD models were trained on it.",
)


class Config(Source):
    """Where each condition's files are, what the 16 bits mean, how ids are split.

    `warm`, `cold`: folders under the raw root; `low`..`high`: degrees Celsius that 0..65535 stand for.
    """

    warm: str = "warm"
    cold: str = "cold"
    low: float = 20.0
    high: float = 40.0
    tone: Tone = Tone()
    split: splits.Fractions = splits.Fractions()


Row = tuple[str, str, Path]  # id, condition, file


def load(root: Path, config: Config) -> Loaded:
    """Return the thermal frames and faces under `root`; raises DataError when there is none."""
    findings = Findings()
    paths = _label_files(root, findings)
    found = _thermal(root, config, list(paths))
    named = dict.fromkeys(name for name, _, _ in found)
    labels = ldmks.read_all({name: paths[name] for name in named if name in paths}, findings)
    _compare(found, labels.keys(), findings)
    rows = _unique(sorted(row for row in found if row[0] in labels), root, findings)
    require_any(len(rows), "labelled thermal picture", root.name)
    ids = strings(f"{name}/{condition}" for name, condition, _ in rows)
    subjects, ambient = strings(row[0] for row in rows), strings(row[1] for row in rows)
    relative = strings(path.relative_to(root).as_posix() for _, _, path in rows)
    xy = np.stack([labels[name] for name, _, _ in rows])
    faces = ldmks.faces(ids, subjects, xy, root, config.split, {"ambient": ambient})
    frames = Frames(ids, subjects, relative, np.zeros((len(ids), 2), np.int32), MODALITY)
    return Loaded(frames, faces, findings)


def read(path: Path, config: Config) -> Celsius:
    """Return degrees Celsius (H, W) float32 of a 16-bit PNG; raises DataError when unreadable or not 16-bit."""
    raw: NDArray[np.uint16] = images.single(path, "uint16")
    return linear_celsius(raw, (config.high - config.low) / 65535, config.low)


def _label_files(root: Path, findings: Findings) -> dict[str, Path]:
    """Return id -> landmark file; of copies the first, unless they differ: then none can be trusted."""
    copies: dict[str, list[Path]] = {}
    for name, found in ldmks.find(root).items():
        copies.setdefault(_key(name), []).extend(found)
    kept: dict[str, Path] = {}
    for first, *others in copies.values():
        findings.add("duplicate_id", *(path.relative_to(root).as_posix() for path in others))
        name = first.name.removesuffix(ldmks.SUFFIX)
        if all(path.read_bytes() == first.read_bytes() for path in others):
            kept[name] = first
        else:
            findings.add("bad_annotation", f"the copies of {first.name} differ")
    return kept


def _thermal(root: Path, config: Config, names: list[str]) -> list[Row]:
    """Return all thermal files; an id takes the form that it has among the label `names`."""
    known = {_key(name): name for name in names}
    return [
        (known.get(_key(name := path.name.removesuffix(SUFFIX)), name), condition, path)
        for condition, folder in (("warm", config.warm), ("cold", config.cold))
        for path in sorted((root / folder).rglob(f"*{SUFFIX}"))
    ]


def _key(name: str) -> str:
    """Return what identifies an id however it is zero-padded."""
    return str(int(name)) if name.isdecimal() else name


def _compare(found: list[Row], labels: Collection[str], findings: Findings) -> None:
    """Note pictures without labels, and labelled ids that lack one of the conditions."""
    present = {(name, condition) for name, condition, _ in found}
    findings.add("missing_annotation", *(f"{n}/{c}" for n, c, _ in found if n not in labels))
    missing = (f"{n}/{c}" for n in labels for c in ("warm", "cold") if (n, c) not in present)
    findings.add("missing_image", *missing)


def _unique(rows: list[Row], root: Path, findings: Findings) -> list[Row]:
    kept: dict[tuple[str, str], Row] = {}
    for row in rows:
        if row[:2] in kept:
            findings.add("duplicate_image", row[2].relative_to(root).as_posix())
        kept.setdefault(row[:2], row)
    return list(kept.values())
