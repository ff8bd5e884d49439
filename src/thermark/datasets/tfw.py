"""TFW: thermal faces indoors (SpeakingFaces) and in the wild, several a picture, with a box and five points each.

Layout: `TFW/{train,val,test}/{indoor,outdoor}.csv`, a header and one row a face (picture, xs, ys, xe, ye, p1x,
p1y, ... p5x, p5y), beside folders of pictures: `{indoor,outdoor}/` in the iron palette, `{indoor,outdoor}_gray/`.
Points: right eye, left eye, nose tip, right and left corner of the mouth, right and left being the subject's.

Confirmed by IS2AI/TFW: parts, CSV files and their header, order of the columns, both folders, order of the points,
464 x 348, names such as `103_1_1_4_450_1.png` indoors and `3312.png` outdoors. Inferred: that coordinates count
from pixel centres; how an unlabelled point is written (here: no number, -1 -1 or 0 0). Unknown: the names of the
columns (they are read by name where they are those above, else by position); where the newest release keeps its
semi-controlled pictures (CSV files `c-indoor`, `s-indoor` and `u-outdoor` are read too); the identity of
people outdoors.
"""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from thermark.core import tree
from thermark.core.errors import DataError
from thermark.core.faces import Faces
from thermark.core.frames import Modality
from thermark.datasets.checks import conventions, sanity, splits
from thermark.datasets.checks.sanity import Scheme
from thermark.datasets.readers import csv_tables, five_points, speakingfaces
from thermark.datasets.readers.card import DataSetCard
from thermark.datasets.readers.loaded import (
    Findings,
    Loaded,
    OneCamera,
    Row,
    column,
    faces_of,
    frames_of,
    require_any,
)

MODALITY: Modality = "thermal"
VOCABULARY = "tfw5"
SCHEMES = {VOCABULARY: Scheme(five_points.POINTS)}
EYES = (0, 1)  # centres, not corners: of no use for the inter-ocular distance, but of use to tell exchanged sides
SUFFIXES = (".png", ".jpg", ".jpeg")
ENVIRONMENTS = {"indoor": "indoor", "cindoor": "indoor", "sindoor": "semi", "outdoor": "outdoor"}
ENVIRONMENTS |= {"uoutdoor": "outdoor"}
PUBLISHED = [{"pictures": 9202, "faces": 14062}, {"pictures": 9982, "faces": 16509}]  # 2021 and 2022

CARD = DataSetCard(
    title="TFW",
    url="https://huggingface.co/datasets/issai/TFW",
    licence="MIT, according to its page on the Hub; its first README asked for a signed consent form",
    redistribution="yes, under MIT; they are pictures of people, so this project passes none on",
    citation="Kuzdeuov et al., TFW: Annotated Thermal Faces in the Wild Dataset, IEEE TIFS 17 (2022)",
    notes="YOLO5Face-TFW and the thermal YOLOv5 of its authors were trained on its train part. Indoors its people "
    "are those of SF-TL54: what was trained on one has seen the other's. Nobody tells the 15 people outdoors "
    "apart: there each picture is a group, so that intervals are too narrow, and whether somebody is in two parts "
    "cannot be checked. Grey levels, not temperatures.",
    labels="human",
    boxes="face",
)


class Config(OneCamera):
    """Which pictures are read and what their labels count from.

    `source`: the folders of `gray` or of `iron` pictures; where a CSV has only the others, those are read.
    `outline`: what is subtracted from a coordinate to count from pixel centres. `environments`: which are read.
    """

    source: Literal["gray", "iron"] = "gray"
    outline: float = 0.0
    environments: tuple[Literal["indoor", "semi", "outdoor"], ...] = ("indoor", "semi", "outdoor")


@dataclass(frozen=True)
class FaceSheet:
    """A CSV, its path relative to the raw root, by its `part` and `environment`."""

    path: PurePosixPath
    part: str
    environment: str


def load(root: Path, config: Config) -> Loaded:
    """Return the pictures with a face, and their faces; raises DataError when there is none."""
    findings = Findings()
    present = [PurePosixPath(path) for path in tree.files(root)]
    rows: list[Row] = []
    count: Counter[str] = Counter()
    for sheet in _sheets(present, config, findings):
        pictures, used = _pictures(sheet, config.source, present, findings), set()
        for row in _rows(root, sheet, findings):
            stem = PurePosixPath(row.name).stem.lower()
            used.add(stem)
            if stem not in pictures:
                findings.add("missing_image", f"{sheet.part}/{sheet.path.stem}/{row.name}")
                continue
            frame = f"{sheet.part}/{sheet.environment}/{pictures[stem].stem}"
            rows.append(_row(f"{frame}/{count[frame]}", frame, sheet, pictures[stem], row, config))
            count[frame] += 1
        findings.add(
            "missing_annotation", *(path.as_posix() for stem, path in pictures.items() if stem not in used)
        )
    require_any(len(rows), "labelled TFW picture", root.name, findings)
    faces = _faces(rows, findings)
    _check(faces, len(count), findings)
    return Loaded(frames_of(rows, MODALITY), faces, findings)


def read(path: Path, config: Config) -> NDArray[np.uint8]:
    """Return the grey levels (H, W) uint8 of a picture in either palette; raises DataError when unreadable."""
    return speakingfaces.grey(path)


def _sheets(present: list[PurePosixPath], config: Config, findings: Findings) -> list[FaceSheet]:
    """Return the CSV files of the wanted environments, one for each in each part; note the others."""
    sheets: dict[tuple[str, str], FaceSheet] = {}
    for path in present:
        if path.suffix.lower() != ".csv":
            continue
        environment = ENVIRONMENTS.get(re.sub(r"[^a-z]", "", path.stem.lower()), "")
        part = speakingfaces.part(path.parts[:-1])
        if not (environment and part):
            findings.add("unknown_part", path.as_posix())
        elif environment in config.environments:
            sheet = FaceSheet(path, part, environment)
            if sheets.setdefault((part, environment), sheet) is not sheet:
                findings.add("duplicate_annotations", path.as_posix())
    return [*sheets.values()]


def _pictures(
    sheet: FaceSheet, source: str, present: list[PurePosixPath], findings: Findings
) -> dict[str, PurePosixPath]:
    """Return name (no suffix, lower case) -> picture, from the folder beside a CSV in the palette wanted."""
    stem, beside = sheet.path.stem.lower(), sheet.path.parent.parts
    below = [path for path in present if path.parts[: len(beside)] == beside and len(path.parts) > len(beside) + 1]
    folders: dict[str, list[PurePosixPath]] = {}
    for path in below:
        if path.suffix.lower() in SUFFIXES:
            folders.setdefault(path.parts[len(beside)].lower(), []).append(path)
    names = {"gray": (f"{stem}_gray", f"{stem}_grey"), "iron": (stem, f"{stem}_iron")}
    wanted = [*names[source], *names["iron" if source == "gray" else "gray"]]
    chosen = next((name for name in wanted if name in folders), "")
    if chosen and chosen not in names[source]:
        findings.add("other_palette", "/".join([*beside, chosen]))
    pictures: dict[str, PurePosixPath] = {}
    for path in folders.get(chosen, []):
        if pictures.setdefault(path.stem.lower(), path) is not path:
            findings.add("duplicate_image", path.as_posix())
    return pictures


def _rows(root: Path, sheet: FaceSheet, findings: Findings) -> list[five_points.LabelledFace]:
    """Return the usable faces of a CSV, each once; note the other rows."""
    lines = csv_tables.rows(root / sheet.path)
    places = five_points.columns(lines[0][1]) if lines else None
    rows: list[five_points.LabelledFace] = []
    seen: set[tuple[str, ...]] = set()
    for line, cells in lines[1:] if places else lines:
        where = f"{sheet.part}/{sheet.path.name}, line {line}"
        if not any(cells):
            continue
        if tuple(cells) in seen:
            findings.add("duplicate_row", where)
            continue
        seen.add(tuple(cells))
        try:
            rows.append(five_points.row(cells, places or five_points.BY_POSITION, where))
        except DataError as error:
            findings.add("bad_annotation", error.cause)
    return rows


def _check(faces: Faces, frames: int, findings: Findings) -> None:
    """Note how many faces each environment has, exchanged eyes, and whether labels mean what they should."""
    for environment in sorted(set(ENVIRONMENTS.values())):
        findings.facts[f"faces_{environment}"] = int((faces.strata["environment"] == environment).sum())
    findings.add("sides_exchanged", *map(str, faces.ids[sanity.sides_exchanged(faces.xy, EYES)]))
    findings.check(
        conventions.sides(faces.xy, EYES),
        conventions.inside(faces.xy, faces.boxes),
        conventions.people(len(findings.lists.get("group_in_two_parts", [])), len(np.unique(faces.subjects))),
        conventions.counts({"pictures": frames, "faces": len(faces)}, PUBLISHED),
    )


def _row(
    name: str, frame: str, sheet: FaceSheet, picture: PurePosixPath, face: five_points.LabelledFace, config: Config
) -> Row:
    """Return a face; the subject is the picture itself where nobody says who is on it."""
    stem, outline = picture.stem, np.float32(config.outline)
    number = speakingfaces.subject(stem) if sheet.environment == "indoor" else None
    subject = f"sub_{number}" if number else frame
    strata = {"environment": sheet.environment, "position": speakingfaces.position(stem)}
    return Row(name, frame, subject, picture, face.xy - outline, sheet.part, face.box - outline, strata=strata)


def _faces(rows: list[Row], findings: Findings) -> Faces:
    parts = column(rows, "part")
    chosen = speakingfaces.held_out(column(rows, "subject"), parts, findings)
    splits.require(chosen, sorted(set(map(str, parts))))
    return faces_of(rows, chosen, VOCABULARY)
