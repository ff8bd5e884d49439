"""Runs on raw pictures without the pipeline, in seconds."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from thermark.core.bundle import Bundle
from thermark.core.predictions import Predictions
from thermark.core.runs import seed_folders
from thermark.landmarker.result import Landmarks
from thermark.models import facemesh, learned
from thermark.models.inference import detectors
from thermark.models.inference.contract import Assets, Floats
from thermark.models.inference.learned_config import Flip
from thermark.report.transfer import boxes, detected
from thermark.report.transfer.boxes import MEAN_OF_OTHERS, Boxes
from thermark.report.transfer.camera import Image, Pictures, predict
from thermark.report.transfer.camera_scores import Numbers, summarise

MESH = "facemesh_given"
FOUND, SUREST, OWN_BOXES = "found", "surest", "detected"  # kinds of boxes
ByKind = Mapping[str, Sequence[Predictions]]


def scored(
    pictures: Pictures,
    runs: Sequence[Path],
    mesh: Path | None,
    flip: Flip,
    only: Collection[str] = (),
    detector: Path | None = None,
    landmarker: Callable[[Image], Landmarks] | None = None,
) -> Numbers:
    """Return all numbers of runs, of the mean face of other people, and of FaceMesh if its weights are given.

    `runs` are folders of a run with its seeds, or of one of these; `only` names kinds of boxes, by default all;
    the boxes of a `detector`, an ONNX file of ours, are one more, `found`; runs are also tried in several places
    of these, `surest`. What it finds is `detection`. A `landmarker` has boxes of its own, `detected`.
    Raises DataError for a folder without a network.
    """
    by_kind = {kind: given for kind, given in boxes.kinds(pictures.faces).items() if not only or kind in only}
    floor = {kind: [boxes.mean_of_others(pictures.faces, given)] for kind, given in by_kind.items()}
    detection = {}
    if detector is not None:
        finder, threshold = detected.opened(detector)
        found = detected.polarities(pictures, finder)
        detection = {name: detected.numbers(pictures, some, threshold) for name, some in found.items()}
        by_kind[FOUND] = detected.boxes_of_faces(pictures, found[detected.AS_IT_IS], threshold)
    predicted: dict[str, ByKind] = {MEAN_OF_OTHERS: floor}
    predicted |= {name_of(run): of_run(run, flip, pictures, by_kind) for run in runs}
    if mesh is not None:
        predicted[MESH] = of_mesh(mesh, pictures, by_kind)
    if landmarker is not None:
        predicted[detected.LANDMARKER] = {OWN_BOXES: [detected.landmarks(landmarker, pictures)]}
    contestants = {
        name: {kind: (pictures.faces, seeds) for kind, seeds in kinds.items()} for name, kinds in predicted.items()
    }
    numbers = summarise(contestants, pictures.faces, MESH)
    return numbers | ({"detection": detection} if detection else {})


def of_run(folder: Path, flip: Flip, pictures: Pictures, by_kind: Mapping[str, Boxes]) -> ByKind:
    """Return kind of box -> the predictions of each seed of a run, or of the one whose folder this is."""
    predicted: dict[str, list[Predictions]] = {}
    for seed in seed_folders(folder) or [folder]:
        model = learned.read(seed, flip=flip)
        contestant = name_of(seed), model.vocabulary, model.on_boxes, pictures
        for kind, given in by_kind.items():
            predicted.setdefault(kind, []).append(predict(*contestant, given))
        if FOUND in by_kind:
            predicted.setdefault(SUREST, []).append(detected.surest(*contestant, by_kind[FOUND]))
    return predicted


def of_mesh(folder: Path, pictures: Pictures, by_kind: Mapping[str, Boxes]) -> ByKind:
    """Return what FaceMesh predicts in each kind of box; its detector is not used."""
    names = [facemesh.FILE, detectors.DESIGNS["short_range"].file]
    config = facemesh.Config(family="facemesh", weights=folder.name, detector="given")
    model = facemesh.load(config, Assets(Bundle(folder, "ok", "", {name: {} for name in names})), "cpu")

    def locate(images: Sequence[Image], boxes: Sequence[Floats]) -> list[tuple[Floats, Floats]]:
        colour = [np.repeat(image[..., None], 3, axis=2) for image in images]
        return [(found.xy, found.score) for found in model(colour, list(boxes))]

    return {kind: [predict(MESH, model.vocabulary, locate, pictures, given)] for kind, given in by_kind.items()}


def name_of(folder: Path) -> str:
    """Return what a run is called by its folder: `<run>`, or `<run>/seed<k>`."""
    folder = folder.resolve()
    return folder.name if seed_folders(folder) else f"{folder.parent.name}/{folder.name}"
