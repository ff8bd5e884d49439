"""ThermEval-D: 192 x 256 thermal frames with several people, boxes for person, chest, forehead and nose.

Layout, at any depth: `Thermal_N.png` (8-bit), `Thermal_N.tiff` (deg C), `annotations_{1,2}.json` (COCO; the second
names `.jpg` files that are `.png` on disk; its image ids restart). A frame's key is (annotation file, stem).
A face is a nose with the smallest person box around it, its point the centre of the nose box. Frames of
annotations_1 keep the file's order, those of annotations_2 go by image id, as protocols do.
"""

import re
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from thermark.core import images, origin, tree
from thermark.core.annotations import concatenate
from thermark.core.faces import Faces
from thermark.core.frames import Frames, Modality
from thermark.core.radiometry import Celsius, in_celsius
from thermark.datasets.checks import known_temperatures, release, splits
from thermark.datasets.checks.sanity import Scheme
from thermark.datasets.readers import coco, located
from thermark.datasets.readers.annotated import annotated
from thermark.datasets.readers.card import DataSetCard
from thermark.datasets.readers.entries import smallest_around
from thermark.datasets.readers.loaded import (
    Findings,
    Loaded,
    OneCamera,
    Row,
    build_frames,
    column,
    faces_of,
    require_any,
    strings,
)

MODALITY: Modality = "thermal"
VOCABULARY = "nose1"
SCHEMES = {VOCABULARY: Scheme(1)}
ANNOTATIONS = {"1": "annotations_1.json", "2": "annotations_2.json"}
IDS = {"person": 0, "chest": 1, "forehead": 2, "nose": 3}
OPTIONAL = {"head": ("chest",), "person": ("chest", "forehead")}  # by prompt
SUFFIXES = {"png": (".png",), "luma": (".png",), "tiff": (".tif", ".tiff")}
FOLDERS = {"png": "images", "luma": "images", "tiff": "Temp_Matrix"}  # as published
DTYPES = ("uint16", "int16", "int32", "float32", "float64")

# Frames 241-1050 are 18 sessions of 45 frames, 15 a distance; those before are the office part.
OFFICE, LAST, SESSION, STEP = 240, 1050, 45, 15
DISTANCES = ("2ft", "6ft", "10ft")

# A head box from a forehead box, never from the nose, from the brows to the chin, in widths of the forehead.
# Medians over rendered heads (landmark box against forehead box); real ones may differ.
HEAD_SIDE, HEAD_RISE = 1.55, 0.05

CARD = DataSetCard(
    title="ThermEval-D",
    url="https://www.kaggle.com/datasets/shriayush/thermeval",
    licence="see the Kaggle page",
    redistribution="no",
    citation="Shrivastava et al., ThermEval, KDD 2026, arXiv 2602.14989",
    notes="annotations_1 begins with office scenes of several people, annotations_2 is mostly one person at 2 ft: "
    "numbers on the two measure different things.",
    labels="human",
    boxes="head",
)


class Config(OneCamera):
    """What is read and which sessions of annotations_1 validate; annotations_2 is the test split.

    `source`: `tiff`, degrees Celsius through `tone`; the 8-bit picture as stored (`png`), as parts 1 and 3 of the
    posts have it, or as grey (`luma`), as part 2 has it.
    `outline`: what is subtracted from a COCO coordinate to count from pixel centres. `prompt`: what a top-down
    contestant crops from, the `head` box below the forehead or the whole `person`.
    """

    source: Literal["tiff", "png", "luma"] = "tiff"
    val: tuple[str, ...] = ("session_04", "session_05")
    outline: float = 0.5
    prompt: Literal["head", "person"] = "head"


def load(root: Path, config: Config) -> Loaded:
    """Return the annotated frames and their faces; raises DataError when there is none."""
    findings = Findings()
    paths = [PurePosixPath(name) for name in tree.files(root)]
    pictures = _pictures(root, paths, config.source, findings)
    frames: dict[str, Path] = {}
    rows: list[Row] = []
    used: set[str] = set()
    annotation_files = coco.find(root, ANNOTATIONS, findings)
    require_any(len(annotation_files), "annotations_[12].json", root.name, findings)
    parts = {part: coco.read(path) for part, path in annotation_files.items()}
    for part, tables in parts.items():
        scene = coco.instances(tables, IDS, findings, by_id=part == "2", optional=OPTIONAL[config.prompt])
        findings.facts[f"frames_annotations_{part}"] = len(scene)
        for name, instances in scene.items():
            stem = _stem(name)
            used.add(stem)
            if stem not in pictures:
                findings.add("missing_image", f"{tables.path.name}: {stem}")
                continue
            frames[f"{part}/{stem}"] = pictures[stem]
            rows += _rows(part, PurePosixPath(pictures[stem].relative_to(root)), instances, config, findings)
    require_any(len(rows), "annotated nose", root.name, findings)
    findings.add("missing_annotation", *(stem for stem in pictures if stem not in used))
    _check(root, paths, pictures, config, findings)
    annotations = concatenate([annotated(tables, IDS, part, pictures, _stem) for part, tables in parts.items()])
    return Loaded(_frames(frames, root), _faces(rows, config), findings, annotations)


def read(path: Path, config: Config) -> Celsius | NDArray[np.uint8]:
    """Return degrees Celsius (H, W) float32 of a TIFF, or a PNG (H, W[, 3]) uint8, grey or RGB.

    Raises DataError when unreadable, or when no known unit makes the temperatures plausible.
    """
    if config.source == "tiff":
        return in_celsius(images.single(path, *DTYPES), path.name)
    return images.luma(path) if config.source == "luma" else images.eight_bit(path)


def _pictures(root: Path, paths: list[PurePosixPath], source: str, findings: Findings) -> dict[str, Path]:
    """Return `Thermal_N` -> file, however N is padded; where it is unclear which is the frame, none."""
    copies_by_stem: dict[str, list[PurePosixPath]] = {}
    for path in paths:
        stem = _stem(path.stem)
        if stem.startswith("Thermal_") and path.suffix.lower() in SUFFIXES[source]:
            copies_by_stem.setdefault(stem, []).append(path)
    kept: dict[str, Path] = {}
    for stem, copies in copies_by_stem.items():
        chosen = located.trusted(root, copies, FOLDERS[source])
        findings.add("duplicate_image", *(path.as_posix() for path in copies if path != chosen))
        if chosen is None:
            findings.add("ambiguous_image", f"{stem}: {' and '.join(map(str, copies))} differ")
        else:
            kept[stem] = root / chosen
    return kept


def _stem(name: str) -> str:
    """Return `Thermal_N` without padding, or the name as it is."""
    match = re.fullmatch(r"Thermal_0*(\d+)", name, re.IGNORECASE)
    return f"Thermal_{match[1]}" if match else name


def _rows(
    part: str,
    picture: PurePosixPath,
    instances: dict[str, NDArray[np.float64]],
    config: Config,
    findings: Findings,
) -> list[Row]:
    """Return one row a nose; a nose outside of every person is noted and left out."""
    stem, outline = _stem(picture.stem), config.outline
    frame, strata = f"{part}/{stem}", {"distance": distance(stem), "source": f"annotations_{part}"}
    people = instances["person"] - outline
    noses = _centres(instances["nose"] - outline)
    foreheads = instances["forehead"] - outline
    owners = [smallest_around(centre, people) for centre in _centres(foreheads)]
    rows = []
    for index, nose in enumerate(noses):
        owner = smallest_around(nose, people)
        if owner is None:
            findings.add("nose_without_person", f"{frame}/{index}")
            continue
        boxes = [box for box, person in zip(foreheads, owners, strict=True) if person == owner]
        if not boxes:
            findings.add("nose_without_forehead", f"{frame}/{index}")
        forehead = max(boxes, key=_area) if boxes else np.full(4, np.nan)
        person, head = people[owner].astype(np.float32), head_box(forehead).astype(np.float32)
        name, xy = f"{frame}/{index}", nose[None].astype(np.float32)
        prompt = person if config.prompt == "person" else head
        rows.append(Row(name, frame, _session(stem), picture, xy, part, person, prompt, strata=strata))
    return rows


def _centres(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def _area(box: NDArray[np.float64]) -> float:
    return float((box[2] - box[0]) * (box[3] - box[1]))


def head_box(forehead: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the square head boxes (..., 4) below forehead boxes (..., 4); NaN stays NaN."""
    width = forehead[..., 2] - forehead[..., 0]
    centre = (forehead[..., 0] + forehead[..., 2]) / 2
    top = forehead[..., 3] - HEAD_RISE * width
    side = HEAD_SIDE * width
    return np.stack([centre - side / 2, top, centre + side / 2, top + side], axis=-1)


def _frame_number(stem: str) -> int:
    """Return N of `Thermal_N`; a number beyond the known order for any other name."""
    return int(digits) if (digits := stem.removeprefix("Thermal_")).isdecimal() else LAST + 1


def _session(stem: str) -> str:
    """Return the subject that is likely in a frame: the session, the office, or the frame itself where unknown."""
    number = _frame_number(stem)
    if number <= OFFICE:
        return "office"
    return f"session_{(number - OFFICE - 1) // SESSION:02d}" if number <= LAST else stem


def distance(stem: str) -> str:
    """Return `office`, `2ft`, `6ft`, `10ft`, or nothing beyond the numbers whose order is known."""
    number = _frame_number(stem)
    if number <= OFFICE:
        return "office"
    return DISTANCES[(number - OFFICE - 1) % SESSION // STEP] if number <= LAST else ""


def _check(
    root: Path, paths: list[PurePosixPath], pictures: dict[str, Path], config: Config, findings: Findings
) -> None:
    """Compare what was loaded with what is published of the release, and temperatures with known ones."""
    beyond = sum(_frame_number(stem) > LAST for stem in pictures)
    if beyond:
        findings.facts[f"frames_beyond_{LAST}"] = beyond
    findings.check(release.classes([text for text in findings.lists.get("warning", []) if "categories" in text]))
    real = origin.origin(root) == "real"
    if real:
        findings.check(release.annotated(*(findings.facts.get(f"frames_annotations_{part}", 0) for part in "12")))
    if config.source == "tiff":
        tables = [path for path in paths if path.name == known_temperatures.FILE]
        if tables:
            chosen = next((path for path in tables if "T6" in path.parts), tables[0])
            reader = known_temperatures.Reader(lambda path: images.single(path, *DTYPES), in_celsius)
            known_temperatures.compare(root / chosen, pictures, _stem, reader, findings)
        elif real:
            findings.check(known_temperatures.absent())


def _frames(frames: dict[str, Path], root: Path) -> Frames:
    stems = [name.split("/")[1] for name in frames]
    paths = (path.relative_to(root).as_posix() for path in frames.values())
    return build_frames(strings(frames), strings(map(_session, stems)), paths, MODALITY)


def _faces(rows: list[Row], config: Config) -> Faces:
    parts = column(rows, "part")
    chosen = np.where(parts == "2", "test", splits.by_list(column(rows, "subject"), config.val, []))
    splits.require(chosen, [*(["val"] if config.val else []), *(["test"] if "2" in parts else [])])
    return faces_of(rows, chosen, VOCABULARY)
