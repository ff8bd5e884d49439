"""300W: faces in the wild with iBUG's 68 points, collected from AFW, HELEN, LFPW and iBUG's own pictures.

Layouts, at any depth: MMPose's, `face_landmarks_300w_{train,valid,valid_common,valid_challenge,test}.json` and
pictures whose paths end as its file names do; or, where there is no such file, iBUG's archives as they unpack,
`{stem}.pts` beside each picture. Both have the folders `afw/`, `{helen,lfpw}/{trainset,testset}/`, `ibug/`,
`01_Indoor/` and `02_Outdoor/`. `valid` = common (HELEN and LFPW) + challenge (iBUG); `test`, 300 pictures indoors
and 300 outdoors, is private.
"""

import re
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from thermark.core import images, tree
from thermark.core.errors import DataError
from thermark.core.faces import Faces
from thermark.core.frames import Modality
from thermark.core.geometry import bounding_box
from thermark.datasets.checks import splits
from thermark.datasets.checks.sanity import Scheme
from thermark.datasets.readers import coco, entries, located, pts
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
FIELDS = frozenset({"keypoints", "center", "scale"})
SUFFIXES = (".jpg", ".jpeg", ".png")
SCALE_PX = 200  # unit of `scale` in MMPose's files

# MMPose's file -> part; whatever is in several files belongs to the first.
FILES = {
    "valid_common": "common",
    "valid_challenge": "challenge",
    "valid": "",
    "test": "private",
    "train": "train",
}
# Folder -> part, in lower case.
FOLDERS = {
    "afw": "train",
    "trainset": "train",
    "testset": "common",
    "ibug": "challenge",
    "01_indoor": "private",
    "02_outdoor": "private",
}
COLLECTIONS = ("afw", "helen", "lfpw", "ibug", "01_Indoor", "02_Outdoor")  # where an id begins
SPELLING = {name.lower(): name for name in (*COLLECTIONS, "trainset", "testset")}
PUBLISHED = {"train": 3148, "common": 554, "challenge": 135, "private": 600}

CARD = DataSetCard(
    title="300W",
    url="https://ibug.doc.ic.ac.uk/resources/300-W/",
    licence="research only, non-commercial; the pictures keep the terms of their collections",
    redistribution="no",
    citation="Sagonas et al., 300 Faces In-The-Wild Challenge, Image and Vision Computing 47 (2016)",
    notes="Full is common + challenge, without private. Most published models were trained on its train part. "
    "Jaw points of turned heads follow the visible contour. Whether MMPose's files still count from 1, as iBUG's "
    "do, is not documented: the data report says what was assumed (origin).",
    labels="human",
    boxes="face",
)


class Config(Source):
    """How train pictures are split, and what the labels count from.

    `val`: share of the train pictures that validate, by the hash of their name under `seed`; `pts_origin`,
    `json_origin`: coordinate of the first pixel's centre in either layout (MATLAB counts from 1).
    """

    val: float = Field(default=0.05, ge=0, lt=1)
    seed: int = 0
    pts_origin: Literal[0, 1] = 1
    json_origin: Literal[0, 1] = 0


def load(root: Path, config: Config) -> Loaded:
    """Return one frame and one face a picture under `root`; raises DataError when there is none."""
    findings = Findings()
    files = coco.find(root, {file: f"face_landmarks_300w_{file}.json" for file in FILES}, findings)
    present = list(tree.files(root))
    pictures = located.index(present, SUFFIXES)
    if files:
        labelled = _from_json(root, files, pictures, config.json_origin, findings)
    else:
        labelled = _from_pts(root, present, config.pts_origin, findings)
    rows = _unique(labelled, findings)
    require_any(len(rows), "labelled 300W picture", root.name, findings)
    findings.facts["layout"] = "json" if files else "pts"
    findings.facts["origin"] = config.json_origin if files else config.pts_origin
    _count(rows, findings)
    _note_unlabelled(pictures, rows, findings)
    faces = _faces(rows, config)
    findings.facts["labels_in_box"] = entries.inside(faces.xy, faces.boxes)
    return Loaded(frames_of(rows, MODALITY), faces, findings)


def read(path: Path, config: Config) -> NDArray[np.uint8]:
    """Return a picture as RGB (H, W, 3) uint8; raises DataError when unreadable."""
    return images.rgb(path)


def square(xy: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the square boxes (..., 4) that MMPose's centre and scale stand for, from points (..., 68, 2).

    Centre and side are those of the tight box with its corners rounded outwards; the side is the longer one.
    """
    tight = bounding_box(xy).astype(np.float64)
    low, high = np.floor(tight[..., :2]), np.ceil(tight[..., 2:])
    return _around((low + high) / 2, (high - low).max(axis=-1, keepdims=True))


def _around(centre: NDArray[np.float64], side: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([centre - side / 2, centre + side / 2], axis=-1)


def _from_json(
    root: Path, files: dict[str, Path], pictures: located.Index, origin: int, findings: Findings
) -> list[Row]:
    """Return the usable faces of MMPose's files; `valid` repeats common and challenge, which are read once."""
    rows: list[Row] = []
    listed: set[PurePosixPath] = set()
    for file, path in files.items():
        tables = coco.read(path, FIELDS)
        names = tables.images()
        wanted = {number: name for number, name in names.items() if file != "valid" or name not in listed}
        listed.update(names.values())
        for where, entry in tables.entries("annotations"):
            number = coco.identifier(entry, "image_id", where)
            if number not in names:
                findings.add("orphan_annotation", where)
            elif number in wanted:
                name = wanted[number]
                picture = _picture(name, pictures, PurePosixPath(path.relative_to(root).as_posix()))
                if picture is None:
                    findings.add("missing_image", name.as_posix())
                else:
                    rows += _row(entry, where, FILES[file] or _part(name), name, picture, origin, findings)
    return rows


def _picture(name: PurePosixPath, pictures: located.Index, near: PurePosixPath) -> PurePosixPath | None:
    """Return the picture of that name; what is above its collection, such as `Test/`, may be called otherwise."""
    picture = located.ending(pictures, name, near)
    return picture if picture is not None else located.ending(pictures, _in_collection(name), near)


def _row(
    entry: coco.Entry,
    where: str,
    part: str,
    name: PurePosixPath,
    picture: PurePosixPath,
    origin: int,
    findings: Findings,
) -> list[Row]:
    """Return the face of one entry; none, and a note, when it cannot be used."""
    try:
        xy, box = coco.points(entry, "keypoints", where, POINTS), _box(entry, where)
    except DataError as error:
        findings.add("bad_annotation", error.cause)
        return []
    return [_labelled(part, name, picture, box, xy, origin)]


@np.errstate(over="ignore", invalid="ignore")  # what is infinite is refused at the end
def _box(entry: coco.Entry, where: str) -> NDArray[np.float32]:
    centre = entries.numbers(entry, "center", where, 2)
    scale = entries.numbers({"scale": [entry.get("scale")]}, "scale", where, 1)
    return entries.checked_box(_around(centre, scale * SCALE_PX), where)


def _from_pts(root: Path, present: list[str], origin: int, findings: Findings) -> list[Row]:
    """Return the faces of all landmark files that have a picture beside them, and note the others."""
    rows, names = [], set(present)
    for relative in (PurePosixPath(path) for path in present if path.endswith(".pts")):
        pictures = (relative.with_suffix(form) for suffix in SUFFIXES for form in (suffix, suffix.upper()))
        picture = next((picture for picture in pictures if picture.as_posix() in names), None)
        if not _part(relative):
            findings.add("unknown_part", relative.as_posix())
        elif picture is None:
            findings.add("missing_image", relative.as_posix())
        else:
            try:
                xy = pts.read(root / relative, POINTS)
                box = entries.checked_box(square(xy), relative.as_posix())
            except DataError as error:
                findings.add("bad_annotation", error.cause)
                continue
            rows.append(_labelled(_part(relative), relative, picture, box, xy, origin))
    return rows


def _part(path: PurePosixPath) -> str:
    """Return the part that the innermost fitting folder of a picture names, or nothing."""
    folders = [folder.lower() for folder in reversed(path.parts[:-1])]
    return next((FOLDERS[folder] for folder in folders if folder in FOLDERS), "")


def _name(path: PurePosixPath) -> str:
    """Return the same id in both layouts: the path from the collection on, without suffix."""
    return _in_collection(path).with_suffix("").as_posix()


def _in_collection(path: PurePosixPath) -> PurePosixPath:
    """Return a path from its collection, the innermost folder that is one, on; folders as they are published."""
    folders = [SPELLING.get(folder.lower(), folder) for folder in path.parts[:-1]]
    places = [place for place, folder in enumerate(folders) if folder in COLLECTIONS]
    return PurePosixPath(*folders[max(places, default=0) :], path.name)


def _photograph(name: str) -> str:
    """Return an id without the number of the face: `afw/134212_1` and `_2` are copies of one photograph."""
    return re.sub(r"(\s*_\d{1,2})?(_mirror)?$", "", name)


def _unique(rows: list[Row], findings: Findings) -> list[Row]:
    """Return one row an id, the first, sorted by id."""
    kept: dict[str, Row] = {}
    for row in rows:
        if kept.setdefault(row.name, row) is not row:
            findings.add("duplicate_id", row.picture.as_posix())
    return [kept[name] for name in sorted(kept)]


def _count(rows: list[Row], findings: Findings) -> None:
    for part, published in PUBLISHED.items():
        count = sum(row.part == part for row in rows)
        findings.facts[f"faces_{part}"] = count
        if count not in (0, published):
            findings.add("warning", f"{count} faces in {part}; the published set has {published:,}")


def _note_unlabelled(pictures: located.Index, rows: list[Row], findings: Findings) -> None:
    """Note pictures without usable labels."""
    present = {path for paths in pictures.values() for path in paths}
    findings.add(
        "missing_annotation", *(path.as_posix() for path in sorted(present - {row.picture for row in rows}))
    )


def _labelled(
    part: str,
    name: PurePosixPath,
    picture: PurePosixPath,
    box: NDArray[np.float32],
    xy: NDArray[np.float32],
    origin: int,
) -> Row:
    key = _name(name)
    return Row(key, key, _photograph(key), picture, xy - origin, part, box - np.float32(origin))


def _faces(rows: list[Row], config: Config) -> Faces:
    parts = column(rows, "part")
    fractions = splits.Fractions(val=config.val, test=0, seed=config.seed)
    hashed = splits.by_hash(column(rows, "subject"), fractions)
    chosen = np.where(parts == "train", hashed, "test")
    splits.require(chosen, ["train", "val"] if config.val and "train" in parts else [])
    subset = np.where(parts == "train", "", parts)
    full = np.where(np.isin(parts, ("train", "private")), "", "full")
    return faces_of(rows, chosen, VOCABULARY, subset=subset, full=full)
