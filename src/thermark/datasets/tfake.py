"""T-FAKE: the faces of FaceSynthetics in two thermal renderings, warm and cold.

Layout: `{id}_thermal.png` 512 x 512 uint16, at any depth under one folder a condition (file names do not say which
it is), and the `{id}_ldmks.txt` of FaceSynthetics anywhere in the same tree, or the dense labels, one file called
`annotations.pkl`. Warm and cold of an id share labels and split.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from thermark.core import images, origin, tree
from thermark.core.frames import Modality
from thermark.core.radiometry import Celsius, Tone, linear_celsius
from thermark.datasets.checks import depth, pairing, splits
from thermark.datasets.readers import dense, ldmks
from thermark.datasets.readers.card import DataSetCard
from thermark.datasets.readers.loaded import Findings, Loaded, Source, build_frames, require_any, strings

MODALITY: Modality = "thermal"
SCHEMES = ldmks.SCHEMES | dense.SCHEMES
SUFFIX = "_thermal.png"

CARD = DataSetCard(
    title="T-FAKE",
    url="https://github.com/phflot/tfake",
    licence="CC BY-NC-SA 4.0; labels and RGB: Microsoft R-UDA 1.0",
    redistribution="no",
    citation="Flotho et al., T-FAKE, CVPR 2025, arXiv 2408.15127",
    notes="There is no official split, and synthetic identities are not told: published T-FAKE test numbers, "
    "whose split is not defined, are not comparable. TFAN and MLCM-KD models were trained on it.",
    labels="rendered",
    boxes="tight",
)


class Config(Source):
    """Where each condition's files are, what the 16 bits mean, how ids are split.

    `warm`, `cold`: folders under the raw root; `low`..`high`: degrees Celsius that 0..65535 stand for;
    `labels`: FaceSynthetics' 70 points, or the 478 of `annotations.pkl`, for which those are not needed.
    """

    warm: str = "warm"
    cold: str = "cold"
    low: float = 20.0
    high: float = 40.0
    labels: Literal["sparse", "dense"] = "sparse"
    tone: Tone = Tone()
    split: splits.Fractions = splits.Fractions()


Row = tuple[str, str, str]  # id, condition, file relative to the raw root


@dataclass
class SampleFiles:
    """What a tree holds, by paths relative to it: `labels`, id -> files; `thermal`; `rgb`, only ids."""

    labels: dict[str, list[str]] = field(default_factory=dict)
    thermal: list[Row] = field(default_factory=list)
    rgb: set[str] = field(default_factory=set)


def load(root: Path, config: Config) -> Loaded:
    """Return the thermal frames and faces under `root`; raises DataError when there is none."""
    findings = Findings()
    held = _sorted(tree.files(root), config, findings)
    paths = _label_files(root, held.labels, findings)
    pictures = held.thermal
    labels = _labels(root, config, pictures, paths, findings)
    _compare(pictures, labels.keys(), findings)
    rows = _unique(sorted(row for row in pictures if row[0] in labels), findings)
    require_any(len(rows), "labelled thermal picture", root.name, findings)
    labelled: Collection[str] = labels if config.labels == "dense" else paths
    _check(root, [row[2] for row in rows], pictures, labelled, held.rgb, findings)
    ids = strings(f"{name}/{condition}" for name, condition, _ in rows)
    subjects, ambient = strings(row[0] for row in rows), strings(row[1] for row in rows)
    xy = np.stack([labels[name] for name, _, _ in rows])
    vocabulary = dense.VOCABULARY if config.labels == "dense" else ldmks.VOCABULARY
    faces = ldmks.faces(vocabulary, ids, subjects, xy, root, config.split, {"ambient": ambient})
    return Loaded(build_frames(ids, subjects, (row[2] for row in rows), MODALITY), faces, findings)


def read(path: Path, config: Config) -> Celsius:
    """Return degrees Celsius (H, W) float32 of a 16-bit PNG; raises DataError when unreadable or not 16-bit."""
    raw: NDArray[np.uint16] = images.single(path, "uint16")
    return linear_celsius(raw, (config.high - config.low) / 65535, config.low)


def _sorted(paths: Iterable[str], config: Config, findings: Findings) -> SampleFiles:
    """Return which paths are labels, thermal pictures or RGB ones; thermal ones of no condition are noted."""
    folders = {"warm": PurePosixPath(config.warm), "cold": PurePosixPath(config.cold)}
    conditions = [(f"{folder}/" if folder.parts else "", ambient) for ambient, folder in folders.items()]
    conditions.sort(reverse=True)  # of folders inside each other, the inner one comes first
    files = SampleFiles()
    for path in paths:
        name = path.rpartition("/")[2]
        if name.endswith(ldmks.SUFFIX):
            files.labels.setdefault(dense.key(name.removesuffix(ldmks.SUFFIX)), []).append(path)
        elif name.endswith(SUFFIX):
            condition = next((ambient for prefix, ambient in conditions if path.startswith(prefix)), "")
            if condition:
                files.thermal.append((dense.key(name.removesuffix(SUFFIX)), condition, path))
            else:
                findings.add("neither_warm_nor_cold", path)
        elif name.endswith(".png") and not name.endswith("_seg.png"):
            files.rgb.add(dense.key(name.removesuffix(".png")))
    return files


def _label_files(root: Path, copies_by_id: dict[str, list[str]], findings: Findings) -> dict[str, Path]:
    """Return id -> landmark file; of copies the first, unless they differ: then none can be trusted."""
    kept: dict[str, Path] = {}
    for name, copies in copies_by_id.items():
        findings.add("duplicate_id", *copies[1:])
        first, *others = (root / path for path in copies)
        if all(path.read_bytes() == first.read_bytes() for path in others):
            kept[name] = first
        else:
            findings.add("bad_annotation", f"the copies of {first.name} differ")
    return kept


def _labels(
    root: Path, config: Config, pictures: list[Row], paths: dict[str, Path], findings: Findings
) -> dict[str, NDArray[np.float32]]:
    """Return the points of each id that has a thermal picture and labels of the kind that `config` asks for."""
    named = dict.fromkeys(name for name, _, _ in pictures)
    sparse = {name: paths[name] for name in named if name in paths}
    if config.labels == "sparse" or not pictures:
        return ldmks.read_all(sparse, findings)
    return dense.read(root, named, [path for _, _, path in pictures], sparse, findings)


def _compare(pictures: list[Row], labels: Collection[str], findings: Findings) -> None:
    """Note pictures without labels, and labelled ids that lack one of the conditions."""
    present = {(name, condition) for name, condition, _ in pictures}
    findings.add("missing_annotation", *(f"{n}/{c}" for n, c, _ in pictures if n not in labels))
    missing = (f"{n}/{c}" for n in labels for c in ("warm", "cold") if (n, c) not in present)
    findings.add("missing_image", *missing)


def _unique(rows: list[Row], findings: Findings) -> list[Row]:
    kept: dict[tuple[str, str], Row] = {}
    for row in rows:
        if row[:2] in kept:
            findings.add("duplicate_image", row[2])
        kept.setdefault(row[:2], row)
    return list(kept.values())


def _check(
    root: Path, used: list[str], pictures: list[Row], labelled: Collection[str], rgb: set[str], findings: Findings
) -> None:
    """Note whether thermal files have all their bits and the archives belong together."""
    ids = {kind: {name for name, condition, _ in pictures if condition == kind} for kind in ("warm", "cold")}
    labels = set(labelled)
    findings.check(
        depth.check("thermal files", root, used, "16-bit grey"),
        pairing.check("warm", ids["warm"], "cold", ids["cold"]),
        pairing.check("thermal", ids["warm"] | ids["cold"], "label", labels, of_larger=False),
    )
    if rgb:
        findings.check(pairing.check("label", labels, "RGB", rgb))
    if origin.origin(root) == "real":
        counts = {kind: len(names) for kind, names in (ids | {"labels": labels, "rgb": rgb}).items()}
        findings.facts.update(
            ids=counts, published_size=pairing.published_size(max(counts["warm"], counts["cold"]))
        )
