"""ThermalImagesDataset: six people at the wheel of a car in the long-wave infrared, 54 points by a network.

Layout: a folder a recording, `<person>_<Man|Woman>_<Glasses1|Glasses2|NoGlasses>_<Normal|Yawning><take>/`, with
`Jpg/Imag_<frame>.jpg`, 320 x 240, grey, beside `Face & Keypoints/labels/Imag_<frame>.txt` (in some recordings
`Face & Kpts`), one line a face as YOLOv8 writes it. At any depth.

Confirmed on half of the recordings, every tenth picture: all of the above, one face a picture, points in SF-TL54's
order. Inferred: fractions of the picture count from its outline, as everywhere in YOLO. Unknown: the other half of
the recordings; what the two pairs of glasses are.
"""

import re
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt

from thermark.core import tree
from thermark.core.faces import Faces
from thermark.core.frames import Modality
from thermark.datasets.checks import conventions, splits
from thermark.datasets.checks.sanity import Scheme
from thermark.datasets.readers import speakingfaces, yolo
from thermark.datasets.readers.card import DataSetCard
from thermark.datasets.readers.loaded import (
    Findings,
    Loaded,
    OneCamera,
    Share,
    build_faces,
    build_frames,
    require_any,
    strings,
)
from thermark.datasets.readers.stride import Key, apart

MODALITY: Modality = "thermal"
VOCABULARY = "sftl54"
POINTS = 54
EYES = (36, 45)
SCHEMES = {VOCABULARY: Scheme(POINTS, eyes=EYES)}
RECORDING = re.compile(r"(?P<person>\d+)_(?:Man|Woman)_(?P<glasses>\w*Glasses\d*)_(?P<state>[A-Za-z]+)\d*")
FRAME = re.compile(r"\w*?(\d+)")
GLASSES = {"NoGlasses": "none"}
SIZE = (320, 240)
PUBLISHED = {"recordings": 28, "people": 6}

CARD = DataSetCard(
    title="ThermalImagesDataset",
    url="https://github.com/mat02/ThermalImagesDataset",
    licence="academic research only, unmodified, with citation",
    redistribution="no",
    citation="Knapik, Cyganek, Balon, Electronics 13, 3502 (2024)",
    notes="Labels and boxes are a YOLOv8-face's, corrected by nobody: an error here is a distance from that "
    "network. It has learned SF-TL54's points; who has learned from SF-TL54 agrees with it more easily. Six "
    "people in a car: frames of a recording look alike, so intervals go by person. Grey levels, not temperatures.",
    labels="machine",
    boxes="face",
)


class Config(OneCamera):
    """Which pictures are read, and which subjects are tested.

    `stride`: of each recording the labelled pictures whose numbers are so far apart at least. `min_confidence`:
    points of which the network was less sure have no label. `outline`: what is subtracted from a coordinate to
    count from pixel centres. `train`, `val`: people to learn from, such as `person_1`; all others are tested.
    """

    stride: PositiveInt = 10
    min_confidence: Share = 0.5
    outline: float = 0.5
    train: tuple[str, ...] = ()
    val: tuple[str, ...] = ()


def load(root: Path, config: Config) -> Loaded:
    """Return one frame and one face a labelled picture; raises DataError when there is none."""
    findings = Findings()
    pictures, labels = _sorted(root, findings)
    findings.add("missing_image", *("/".join(key) for key in sorted(labels.keys() - pictures.keys())))
    findings.add("missing_annotation", *("/".join(key) for key in sorted(pictures.keys() - labels.keys())))
    both = [(recording, _number(name), name) for recording, name in labels.keys() & pictures.keys()]
    labelled = yolo.largest(root, apart(both, config.stride), pictures, labels, POINTS, SIZE, findings)
    require_any(len(labelled), "labelled picture of ThermalImagesDataset", root.name, findings)
    faces = _faces(labelled, config)
    counts = {"recordings": len({name for name, _ in labelled}), "people": len(np.unique(faces.subjects))}
    findings.check(
        conventions.sides(faces.xy, EYES),
        conventions.inside(faces.xy, faces.prompts),
        conventions.counts(counts, [PUBLISHED]),
    )
    paths = (face.picture.as_posix() for face in labelled.values())
    return Loaded(build_frames(faces.ids, faces.subjects, paths, MODALITY), faces, findings)


def read(path: Path, config: Config) -> NDArray[np.uint8]:
    """Return the grey levels (H, W) uint8 of a picture; raises DataError when unreadable."""
    return speakingfaces.grey(path)


def _sorted(root: Path, findings: Findings) -> tuple[dict[Key, PurePosixPath], dict[Key, PurePosixPath]]:
    """Return pictures and files of labels below `root`, by recording and name."""
    pictures: dict[Key, PurePosixPath] = {}
    labels: dict[Key, PurePosixPath] = {}
    for path in map(PurePosixPath, tree.files(root)):
        named = [name for name in path.parts[:-1] if RECORDING.fullmatch(name)]
        if not (named and FRAME.fullmatch(path.stem)):
            continue
        suffix, folder = path.suffix.lower(), path.parent.name.lower()
        kind = pictures if (folder, suffix) == ("jpg", ".jpg") else labels
        if kind is labels and (folder, suffix) != ("labels", ".txt"):
            continue
        if kind.setdefault((named[-1], path.stem), path) is not path:
            findings.add("duplicate_image" if kind is pictures else "duplicate_annotation", path.as_posix())
    return pictures, labels


def _number(name: str) -> int:
    """Return which picture of its recording a name is."""
    number = FRAME.fullmatch(name)
    return int(number[1]) if number else 0


def _faces(labelled: dict[Key, yolo.LabelledPicture], config: Config) -> Faces:
    recordings = [match for name, _ in labelled if (match := RECORDING.fullmatch(name))]
    people = strings(f"person_{int(match['person'])}" for match in recordings)
    xy = np.stack([face.xy(config.outline, config.min_confidence) for face in labelled.values()])
    ids = strings("/".join(key) for key in labelled)
    strata = {
        "glasses": strings(GLASSES.get(match["glasses"], match["glasses"].lower()) for match in recordings),
        "state": strings(match["state"].lower() for match in recordings),
        "person": people,
    }
    chosen = splits.by_list(people, config.val, config.train, others="test")
    prompts = np.stack([face.box(config.outline) for face in labelled.values()])
    return build_faces(ids, people, chosen, VOCABULARY, xy, prompts=prompts, strata=strata)
