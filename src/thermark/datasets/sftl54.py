"""SF-TL54: 142 people of SpeakingFaces, two trials, nine camera positions; thermal pictures with 54 points.

Layout: `{gray,iron}/{train,val,test}/images/*.png`, the same pictures in two palettes, beside `json/*.json`, what
labelme writes (a rectangle `face`, and groups of points in file order), and `rgb/{train,val,test}/*.png`, visible
pictures whose names end with another stream number. At any depth: the archive unpacks as `sftl/sftl/`.

Confirmed by IS2AI/thermal-facial-landmarks-detection: folders, file names, JSON, order and flip partners of the
points, 464 x 348, 2,556 pairs. By 64 real labels: `labels.jsonl` beside `images/`, with one object a picture, is
read where there is no `json/`; the mouth is six single points, `lip_p1` to `lip_p6`, of which 49 is iBUG's 51,
51 its 57, 52 its 62 and 53 its 66. Inferred: a labelme coordinate counts from the outline of the picture;
RGB pictures lie in no folder `images`, and have this stream number (both from users' code). Unknown: whether the
folders keep people apart. metadata.csv of the repository lists 100, 20 and 22 people by number (SpeakingFaces's
split, we believe), yet users' code has one of its 20, 119, under `test`: hence `split`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from thermark.core import tree
from thermark.core.errors import DataError
from thermark.core.faces import Faces
from thermark.core.frames import Modality
from thermark.core.geometry import bounding_box
from thermark.datasets.checks import conventions, splits
from thermark.datasets.checks.sanity import Scheme
from thermark.datasets.readers import labelme, speakingfaces
from thermark.datasets.readers.card import DataSetCard
from thermark.datasets.readers.loaded import (
    Findings,
    Loaded,
    OneCamera,
    build_faces,
    build_frames,
    require_any,
    strings,
)

MODALITY: Modality = "thermal"
VOCABULARY = "sftl54"
POINTS = 54
EYES = (36, 45)
SCHEMES = {VOCABULARY: Scheme(POINTS, eyes=EYES)}
Key = tuple[str, str]  # part and name
SUFFIXES = (".png", ".jpg", ".jpeg")
PALETTES = {"gray": "gray", "grey": "gray", "iron": "iron", "rgb": "rgb"}
MADE = {"masks", "images_mirr"}  # what the published scripts write beside the pictures
PUBLISHED = {"pictures": 2556, "subjects": 142}

BOX = "face"
# Left and right are those of the picture, as in dlib; points come in this order.
GROUPS = {
    "chin": 17,
    "left_eyebrow": 5,
    "right_eyebrow": 5,
    "nose_bridge": 4,
    "nose_tip": 5,
    "left_eye": 6,
    "right_eye": 6,
    "lips": 6,
}
MIDLINE = (49, 52, 53, 51)  # of the mouth, from top to bottom
LIPS = tuple(f"lip_p{number}" for number in range(1, 7))  # as which real labels have the mouth, each a point

CARD = DataSetCard(
    title="SF-TL54",
    url="https://huggingface.co/datasets/issai/SFTL54",
    licence="MIT, according to its page on the Hub",
    redistribution="yes, under MIT; they are pictures of people, so this project passes none on",
    citation="Kuzdeuov et al., SF-TL54: A Thermal Facial Landmark Dataset with Visual Pairs, SII 2022",
    notes="Its people are those of TFW indoors: what was trained on one has seen the other's (YOLO5Face-TFW, for "
    "instance). Grey levels, not temperatures. All 54 points are among iBUG's 68.",
    labels="human",
    boxes="face",
)


class Config(OneCamera):
    """Which pictures are read, what their labels count from, and which subjects are tested.

    `source`: the palette. `paired`: pictures without a visible twin are left out. `outline`: what is subtracted
    from a labelme coordinate to count from pixel centres.
    `split`: by `folders`, where a person in two of them goes as a whole to the stricter one; or by
    `speakingfaces`, that corpus's own lists (100 subjects train, 20 validate, 22 test).
    """

    source: Literal["gray", "iron"] = "gray"
    paired: bool = False
    outline: float = 0.5
    split: Literal["folders", "speakingfaces"] = "folders"


@dataclass(frozen=True)
class Sorted:
    """Files, relative to the raw root, by palette; pictures and `json` files there by part and name."""

    pictures: dict[str, dict[Key, PurePosixPath]]
    json: dict[str, dict[Key, PurePosixPath]]
    lines: dict[str, list[PurePosixPath]]


def load(root: Path, config: Config) -> Loaded:
    """Return one frame and one face a labelled picture; raises DataError when there is none."""
    findings = Findings()
    return labelled(root, config, listed(root, findings), findings)


def labelled(root: Path, config: Config, files: Sorted, findings: Findings) -> Loaded:
    """Return the same of files that are listed already, and note in `findings` what is wrong."""
    pictures = _of_somebody(files.pictures.get(config.source, {}), findings)
    labels = _labels(root, files, config.source, findings)
    keys = sorted(labels.keys() & pictures.keys())
    if config.paired:
        visible = {stem for _, stem in files.pictures.get("rgb", {})}
        keys = [key for key in keys if speakingfaces.visible(key[1]) in visible]
    require_any(len(keys), f"labelled SF-TL54 picture in {config.source}", root.name, findings)
    findings.add("missing_image", *("/".join(key) for key in sorted(labels.keys() - pictures.keys())))
    findings.add("missing_annotation", *(path.as_posix() for key, path in pictures.items() if key not in labels))
    _note(keys, labels, files, findings)
    faces = _faces(keys, [labels[key] for key in keys], config, findings)
    subjects = len(np.unique(faces.subjects))
    findings.check(
        conventions.sides(faces.xy, EYES),
        conventions.inside(faces.xy, faces.prompts),
        conventions.people(len(findings.lists.get("group_in_two_parts", [])), subjects),
        conventions.counts({"pictures": len(keys), "subjects": subjects}, [PUBLISHED]),
    )
    paths = (pictures[key].as_posix() for key in keys)
    return Loaded(build_frames(faces.ids, faces.subjects, paths, MODALITY), faces, findings)


def read(path: Path, config: Config) -> NDArray[np.uint8]:
    """Return the grey levels (H, W) uint8 of a picture in either palette; raises DataError when unreadable."""
    return speakingfaces.grey(path)


def listed(root: Path, findings: Findings) -> Sorted:
    """Return the files below `root` that lie in folders of a palette and of a part."""
    files = Sorted({}, {}, {})
    for path in map(PurePosixPath, tree.files(root)):
        folders = tuple(name.lower() for name in path.parts[:-1])
        palette = next((PALETTES[name] for name in folders if name in PALETTES), "")
        part = speakingfaces.part(folders)
        if MADE & set(folders) or not (palette and part):
            continue
        suffix = path.suffix.lower()
        if suffix == ".jsonl":
            files.lines.setdefault(palette, []).append(path)
        elif suffix == ".json" or suffix in SUFFIXES:
            kind, table = ("annotation", files.json) if suffix == ".json" else ("image", files.pictures)
            if table.setdefault(palette, {}).setdefault((part, path.stem), path) is not path:
                findings.add(f"duplicate_{kind}", path.as_posix())
    return files


def _of_somebody(pictures: dict[Key, PurePosixPath], findings: Findings) -> dict[Key, PurePosixPath]:
    """Return the pictures whose name holds the subject; note the others."""
    identified = {key: path for key, path in pictures.items() if speakingfaces.subject(key[1]) is not None}
    findings.add("unknown_subject", *(path.as_posix() for key, path in pictures.items() if key not in identified))
    return identified


def _labels(root: Path, files: Sorted, source: str, findings: Findings) -> dict[Key, labelme.LabelmeFace]:
    """Return the usable labels: of the palette, else of the other one, whose pictures are the same."""
    labels: dict[Key, labelme.LabelmeFace] = {}
    for palette in (source, "iron" if source == "gray" else "gray"):
        entries = [*_from_json(root, files.json.get(palette, {}), findings)]
        entries = entries or [*_from_lines(root, files.lines.get(palette, []), findings)]
        for key, entry, where in entries:
            if speakingfaces.subject(key[1]) is None:
                findings.add("unknown_subject", where)
                continue
            try:
                label = labelme.label(entry, GROUPS, BOX, where, {"lips": LIPS})
            except DataError as error:
                findings.add("bad_annotation", error.cause)
                continue
            if labels.setdefault(key, label) is not label:
                findings.add("duplicate_annotation", where)
        if entries:
            findings.facts["labels_of"] = palette
            break
    return labels


def _from_json(root: Path, files: dict[Key, PurePosixPath], findings: Findings) -> Iterator[tuple[Key, Any, str]]:
    """Yield part and name, content, and the words that name it, of each labelme file."""
    for key, path in files.items():
        where = f"{key[0]}/{path.name}"
        try:
            entry = json.loads((root / path).read_text(encoding="utf-8-sig"))
        except (OSError, ValueError, RecursionError) as error:
            findings.add("bad_annotation", f"{where} is no JSON ({error})")
            continue
        if isinstance(entry, dict):
            entry.pop("imageData", None)  # labelme stores the picture too
        yield key, entry, where


def _from_lines(root: Path, files: list[PurePosixPath], findings: Findings) -> Iterator[tuple[Key, Any, str]]:
    """Yield the same of each line of `labels.jsonl`."""
    for path in files:
        part = speakingfaces.part(path.parts[:-1])
        text = (root / path).read_text(encoding="utf-8-sig", errors="replace")
        for number, line in enumerate(text.splitlines(), start=1):
            where = f"{part}/{path.name}, line {number}"
            try:
                entry = json.loads(line) if line.strip() else None
            except (ValueError, RecursionError) as error:
                findings.add("bad_annotation", f"{where} is no JSON ({error})")
                continue
            name = entry.get("image") if isinstance(entry, dict) else None
            if isinstance(name, str):
                yield (part, Path(name.replace("\\", "/")).stem), entry, where
            elif entry is not None:
                findings.add("bad_annotation", f"{where} names no image")


def _note(keys: list[Key], labels: dict[Key, labelme.LabelmeFace], files: Sorted, findings: Findings) -> None:
    """Note pairs without a visible picture, and what tells the order of the mouth's points."""
    visible = {stem for _, stem in files.pictures.get("rgb", {})}
    unpaired = [stem for _, stem in keys if speakingfaces.visible(stem) not in visible]
    findings.facts["visible_pairs"] = len(keys) - len(unpaired)
    if visible:
        findings.add("missing_visible", *unpaired)
    findings.add("missing_box", *("/".join(key) for key in keys if np.isnan(labels[key].box).any()))
    y = np.stack([labels[key].xy[list(MIDLINE), 1] for key in keys])
    labelled = y[np.isfinite(y).all(axis=1)]
    ordered = (np.diff(labelled) >= 0).all(axis=1)
    findings.facts["mouth_midline_in_order"] = float(ordered.mean()) if len(labelled) else None


def _faces(keys: list[Key], labels: list[labelme.LabelmeFace], config: Config, findings: Findings) -> Faces:
    parts, names = strings(part for part, _ in keys), [stem for _, stem in keys]
    people = [speakingfaces.subject(stem) or 0 for stem in names]
    subjects = strings(f"sub_{number}" for number in people)
    if config.split == "folders":
        chosen = speakingfaces.held_out(subjects, parts, findings)
    else:
        chosen = strings(speakingfaces.corpus_split(number) for number in people)
    splits.require(chosen, ["train", *sorted(set(map(str, parts)))] if config.split == "folders" else [])
    ids = strings("/".join(key) for key in keys)
    xy = (np.stack([label.xy for label in labels]) - config.outline).astype(np.float32)
    tight = bounding_box(xy)
    boxes = (np.stack([label.box for label in labels]) - config.outline).astype(np.float32)
    prompts = np.where(np.isnan(boxes).any(axis=1, keepdims=True), tight, boxes)
    strata = {
        "position": strings(map(speakingfaces.position, names)),
        "session": strings(map(speakingfaces.session, names)),
    }
    return build_faces(ids, subjects, chosen, VOCABULARY, xy, boxes=tight, prompts=prompts, strata=strata)
