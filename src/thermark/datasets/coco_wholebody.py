"""COCO-WholeBody: the labelled faces of COCO 2017, iBUG's 68 points each.

Layout, each at any depth: `coco_wholebody_{train,val}_v1.0.json`, and the pictures in `train2017/` and `val2017/`.
An annotation is a person: `face_valid`, `face_box` (x, y, width, height) and `face_kpts` (68 times x, y, v), zeros
where no face is labelled. The published val is the test split.
"""

from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from thermark.core import images, tree
from thermark.core.errors import DataError
from thermark.core.faces import Faces
from thermark.core.frames import Modality
from thermark.datasets.checks import splits
from thermark.datasets.checks.sanity import Scheme
from thermark.datasets.readers import coco, entries, located
from thermark.datasets.readers.card import DataSetCard
from thermark.datasets.readers.loaded import (
    Findings,
    Loaded,
    Row,
    Source,
    column,
    faces_of,
    frames_of,
    require_any,
)

MODALITY: Modality = "rgb"
VOCABULARY = "ibug68"
POINTS = 68
SCHEMES = {VOCABULARY: Scheme(POINTS, eyes=(36, 45))}
FILES = {part: f"coco_wholebody_{part}_v1.0.json" for part in ("train", "val")}
SUFFIXES = (".jpg", ".jpeg", ".png")
FIELDS = frozenset({"face_valid", "face_box", "face_kpts"})

CARD = DataSetCard(
    title="COCO-WholeBody (faces)",
    url="https://github.com/jin-s13/COCO-WholeBody",
    licence="annotations CC BY-NC 4.0, research only; pictures: COCO 2017, Flickr terms of each",
    redistribution="no",
    citation="Jin et al., Whole-Body Human Pose Estimation in the Wild, ECCV 2020, arXiv 2007.11858",
    notes="Faces are small: which are scored, and so the scores, depend on min_side. MMPose's face models and the "
    "published whole-body models were trained on its train part.",
    labels="human",
    boxes="face",
)


class Config(Source):
    """Which faces count, and how the train pictures are split.

    `min_side`: least length of a face box's shorter side, px; `val`: share of the train pictures that validate,
    by the hash of their number under `seed`.
    """

    min_side: float = Field(default=32.0, ge=0)
    val: float = Field(default=0.05, ge=0, lt=1)
    seed: int = 0


def load(root: Path, config: Config) -> Loaded:
    """Return the faces under `root` and the pictures that have any; raises DataError when there is none."""
    findings = Findings()
    files = coco.find(root, FILES, findings)
    require_any(len(files), FILES["train"], root.name, findings)
    pictures = located.index(tree.files(root), SUFFIXES)
    rows = [row for part, path in files.items() for row in _rows(part, path, root, pictures, config, findings)]
    require_any(len(rows), "labelled COCO-WholeBody face", root.name, findings)
    faces = _faces(rows, config)
    expected = {"train": ["train", "val"] if config.val else ["train"], "val": ["test"]}
    splits.require(faces.splits, [name for part in files for name in expected[part]])
    findings.facts["labels_in_box"] = entries.inside(faces.xy, faces.boxes)
    return Loaded(frames_of(rows, MODALITY), faces, findings)


def read(path: Path, config: Config) -> NDArray[np.uint8]:
    """Return a picture as RGB (H, W, 3) uint8; raises DataError when unreadable."""
    return images.rgb(path)


def _rows(
    part: str, path: Path, root: Path, pictures: located.Index, config: Config, findings: Findings
) -> list[Row]:
    """Return the usable faces of one file, large enough and with a picture; note all others that are labelled."""
    tables = coco.read(path, FIELDS, _trim)
    names, beside = tables.images(), PurePosixPath(path.relative_to(root).as_posix())
    rows: dict[str, Row] = {}
    missing: dict[str, None] = {}
    for where, entry in tables.entries("annotations"):
        if not _has_face(entry, where):
            continue
        file = names.get(coco.identifier(entry, "image_id", where))
        number = coco.identifier(entry, "id", where)
        if file is None:
            findings.add("orphan_annotation", where)
            continue
        try:
            xy = coco.points(entry, "face_kpts", where, POINTS)
            box = entries.checked_box(coco.corners(entry, "face_box", where), where)
        except DataError as error:
            findings.add("bad_annotation", error.cause)
            continue
        name = f"{file.stem}/{number}"
        if name in rows:
            findings.add("duplicate_id", where)
        elif (box[2:] - box[:2]).min() < config.min_side:
            findings.add("too_small", name)
        elif (picture := located.ending(pictures, PurePosixPath(f"{part}2017", file.name), beside)) is None:
            missing[file.name] = None
        else:
            rows[name] = Row(name, file.stem, file.stem, picture, xy, part, box)
    findings.add("missing_image", *missing)
    findings.facts.update({f"people_{part}": len(tables.content["annotations"]), f"faces_{part}": len(rows)})
    return list(rows.values())


def _trim(entry: coco.Entry) -> coco.Entry:
    """Return an entry without the points of a face that is none: zeros, hundreds of megabytes in all."""
    return entry if entry.get("face_valid", True) else {k: v for k, v in entry.items() if k != "face_kpts"}


def _has_face(entry: coco.Entry, where: str) -> bool:
    valid = entry.get("face_valid")
    if not isinstance(valid, bool | int):
        raise entries.malformed(where, "has no usable face_valid")
    return bool(valid)


def _faces(rows: list[Row], config: Config) -> Faces:
    """Return the faces; the subjects are unknown, so pictures, not people, are kept in one split."""
    fractions = splits.Fractions(val=config.val, test=0, seed=config.seed)
    hashed = splits.by_hash(column(rows, "frame"), fractions)
    return faces_of(rows, np.where(column(rows, "part") == "val", "test", hashed), VOCABULARY)
