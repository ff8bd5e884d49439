"""Rendered faces as many made-up thermal cameras show them: 8-bit grey, 70 points, one or several people.

Layout: `annotations.json` in COCO's form, beside `thermal/{id}.png` and, unless left out, `visible/{id}.jpg`
(synth.writers.cameras says what an entry holds). Faces of one picture are in one split, by the hash of its id.
"""

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from thermark.core import images
from thermark.core.errors import DataError
from thermark.core.faces import Faces
from thermark.core.frames import Modality
from thermark.core.geometry import bounding_box
from thermark.core.radiometry import Tone
from thermark.datasets.checks import conventions, splits
from thermark.datasets.checks.sanity import Scheme
from thermark.datasets.readers import coco, entries
from thermark.datasets.readers.card import DataSetCard
from thermark.datasets.readers.loaded import (
    Findings,
    Loaded,
    Row,
    Source,
    build_frames,
    column,
    faces_of,
    require_any,
    strings,
)

MODALITY: Modality = "thermal"
VOCABULARY = "facesynthetics70"
POINTS = 70
EYES = (36, 45)
SCHEMES = {VOCABULARY: Scheme(POINTS, eyes=EYES)}
FILE = "annotations.json"
ANGLES = (("frontal", 30.0), ("turned", 60.0), ("profile", np.inf))  # degrees of yaw below which a face is so

CARD = DataSetCard(
    title="Cameras (rendered)",
    url="https://github.com/microsoft/FaceSynthetics",
    licence="Apache-2.0, as this project",
    redistribution="yes, under Apache-2.0: nobody is on the pictures",
    citation="none: rendered by this project",
    notes="Made-up heads before made-up cameras: no evidence about real ones. Proportions of the mean head are "
    "those of the labels of 100 FaceSynthetics samples.",
    labels="rendered",
    boxes="tight",
)


class Config(Source):
    """Which faces count, and how pictures are split.

    `min_height`: least height of the tight box, px. `paired`: pictures without a visible twin are left out.
    """

    min_height: float = Field(default=0.0, ge=0)
    paired: bool = False
    tone: Tone = Tone()
    split: splits.Fractions = splits.Fractions()


def load(root: Path, config: Config) -> Loaded:
    """Return the pictures under `root`, with faces or without, and all faces; DataError when there is none."""
    return loaded(root, config, MODALITY, lambda entry, where: coco.file_name(entry, where))


def loaded(
    root: Path, config: Config, modality: Modality, file: Callable[[coco.Entry, str], PurePosixPath | None]
) -> Loaded:
    """Return the same of the pictures that `file` names of an image's entry, those without one left out."""
    findings = Findings()
    if not (root / FILE).is_file():
        raise DataError(f"{root.name} has no {FILE}", "render the data again")
    tables = coco.read(root / FILE)
    paths: dict[coco.Id, PurePosixPath] = {}
    for where, entry in tables.entries("images"):
        path = file(entry, where)
        if path is not None and (entry.get("visible") or not config.paired):
            paths[coco.identifier(entry, "id", where)] = path
    absent = {number for number, path in paths.items() if not (root / path).is_file()}
    findings.add("missing_image", *(paths[number].as_posix() for number in absent))
    kept = {number: path for number, path in paths.items() if number not in absent}
    rows = _rows(tables, kept, config, findings)
    require_any(len(rows), "face of a rendered camera", root.name, findings)
    faces = _faces(rows, config)
    findings.check(conventions.sides(faces.xy, EYES))
    held = {row.frame for row in rows}
    findings.facts["pictures_without_a_face"] = sum(path.stem not in held for path in kept.values())
    ids = strings(path.stem for path in kept.values())
    return Loaded(build_frames(ids, ids, kept.values(), modality), faces, findings)


def read(path: Path, config: Config) -> NDArray[np.uint8]:
    """Return the grey levels (H, W) uint8 of a picture; raises DataError when unreadable."""
    grey: NDArray[np.uint8] = images.single(path, "uint8")
    return grey


def _rows(tables: coco.Coco, paths: dict[coco.Id, PurePosixPath], config: Config, findings: Findings) -> list[Row]:
    """Return the faces of the pictures in `paths` that can be identified and are large enough; note all others."""
    rows: dict[str, Row] = {}
    for where, entry in tables.entries("annotations"):
        path = paths.get(coco.identifier(entry, "image_id", where))
        if path is None:
            continue
        if entry.get("iscrowd"):
            findings.add("hardly_seen", where)
            continue
        try:
            row = _row(entry, where, path)
        except DataError as error:
            findings.add("bad_annotation", error.cause)
            continue
        low, high = bounding_box(row.xy)[[1, 3]]
        if row.name in rows:
            findings.add("duplicate_id", where)
        elif high - low < config.min_height:
            findings.add("too_small", row.name)
        else:
            rows[row.name] = row
    return list(rows.values())


def _row(entry: coco.Entry, where: str, path: PurePosixPath) -> Row:
    person, attributes = entry.get("person"), entry.get("attributes")
    if not isinstance(person, str) or not person or not isinstance(attributes, dict):
        raise entries.malformed(where, "names no person, or has no attributes")
    xy = coco.points(entry, "keypoints", where, POINTS)
    flags = entries.numbers(entry, "keypoints", where, 3 * POINTS)[2::3]
    visible, strata = (flags == 2) & np.isfinite(xy).all(axis=1), _strata(attributes, where)
    return Row(person, path.stem, person, path, xy, visible=visible, strata=strata)


def _strata(attributes: dict[str, Any], where: str) -> dict[str, str]:
    yaw = attributes.get("yaw")
    if isinstance(yaw, bool) or not isinstance(yaw, int | float):
        raise entries.malformed(where, "has no usable yaw")
    view = next(name for name, limit in ANGLES if abs(yaw) < limit)
    named = {name: str(attributes.get(name, "unknown")) for name in ("eyewear", "polarity")}
    return {"view": view} | named


def _faces(rows: list[Row], config: Config) -> Faces:
    chosen = splits.by_hash(column(rows, "frame"), config.split)
    splits.require(chosen, config.split.expected())
    return faces_of(rows, chosen, VOCABULARY)
