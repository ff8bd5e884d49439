"""Runs on raw pictures without the pipeline, in seconds: what `stages/transfer_score.py` prints."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from thermark.core.bundle import Bundle
from thermark.core.predictions import Predictions
from thermark.core.runs import seed_folders
from thermark.models import facemesh, learned
from thermark.models.inference import detectors
from thermark.models.inference.contract import Assets, Floats, Model
from thermark.models.inference.learned_config import Flip
from thermark.report.transfer import camera, content, found, others, tables
from thermark.report.transfer.boxes import Boxes, kinds
from thermark.report.transfer.camera import Image, Located, Pictures
from thermark.report.transfer.content import Content

MESH = "facemesh_given"
FOUND, SUREST = "found", "surest"  # kinds of boxes
ByBox = Mapping[str, Sequence[Predictions]]


def scored(
    pictures: Pictures,
    runs: Sequence[Path],
    mesh: Path | None,
    flip: Flip,
    only: Collection[str] = (),
    detector: Path | None = None,
) -> Content:
    """Return all numbers of runs, of the mean face of other people, and of FaceMesh if its weights are given.

    `runs` are folders of a run with its seeds, or of one of these; `only` names kinds of boxes, by default all;
    the boxes of a `detector`, an ONNX file of ours, are one more, `found`; runs are also tried in several places
    of these, `surest`. What it finds is `detection`.
    Raises DataError for a folder without a network.
    """
    by_kind = {kind: boxes for kind, boxes in kinds(pictures.faces).items() if not only or kind in only}
    in_boxes = {kind: others.mean_of_others(pictures.faces, boxes) for kind, boxes in by_kind.items()}
    detection = {}
    if detector is not None:
        finder, threshold = found.opened(detector)
        detection = found.numbers(pictures, finder, threshold)
        by_kind[FOUND] = found.in_boxes(pictures, finder, threshold)
    predicted: dict[str, ByBox] = {others.NAME: _single(in_boxes)}
    predicted |= {name_of(run): of_run(run, flip, pictures, by_kind) for run in runs}
    if mesh is not None:
        predicted[MESH] = _single(of_mesh(mesh, pictures, by_kind))
    contestants = {
        name: {kind: (pictures.faces, seeds) for kind, seeds in by.items()} for name, by in predicted.items()
    }
    made = content.made(contestants, pictures.faces, MESH)
    return made | ({"detection": detection} if detection else {})


def _single(by_box: Mapping[str, Predictions]) -> ByBox:
    return {kind: [one] for kind, one in by_box.items()}


def of_run(folder: Path, flip: Flip, pictures: Pictures, by_kind: Mapping[str, Boxes]) -> ByBox:
    """Return kind of box -> the predictions of each seed of a run, or of the one whose folder this is."""
    folders = seed_folders(folder) or [folder]
    seeds = [_of_seed(each, flip, pictures, by_kind) for each in folders]
    return {kind: [one[kind] for one in seeds] for kind in seeds[0]}


def _of_seed(folder: Path, flip: Flip, pictures: Pictures, by_kind: Mapping[str, Boxes]) -> dict[str, Predictions]:
    model = learned.read(folder, flip=flip)
    named = name_of(folder), model.vocabulary, model.on_boxes, pictures
    made = camera.predictions(*named, by_kind)
    return made | ({SUREST: found.surest(*named, by_kind[FOUND])} if FOUND in by_kind else {})


def of_mesh(folder: Path, pictures: Pictures, by_kind: Mapping[str, Boxes]) -> dict[str, Predictions]:
    """Return what FaceMesh says of each kind of box; its detector is not used."""
    names = [facemesh.FILE, detectors.DESIGNS["short_range"].file]
    config = facemesh.Config(family="facemesh", weights=folder.name, detector="given")
    assets = Assets(Bundle(folder, "ok", "", {name: {} for name in names}))
    model = facemesh.load(config, assets, "cpu")
    return camera.predictions(MESH, model.vocabulary, _located(model), pictures, by_kind)


def _located(model: Model) -> Located:
    def located(images: Sequence[Image], boxes: Sequence[Floats]) -> list[tuple[Floats, Floats]]:
        colour = [np.repeat(image[..., None], 3, axis=2) for image in images]
        return [(each.xy, each.score) for each in model(colour, list(boxes))]

    return located


def name_of(folder: Path) -> str:
    """Return what a run is called by its folder: `<run>`, or `<run>/seed<k>`."""
    own = folder.resolve()
    return own.name if seed_folders(own) else f"{own.parent.name}/{own.name}"


def text(made: Content, details: bool) -> str:
    """Return one line a contestant; with `details` every table of every kind of box."""
    if details:
        return content.page(made)
    shown = [content.heading(made), tables.overview(made["contestants"]), tables.noise(made["noise"])]
    if "detection" in made:
        shown.append(tables.detection(made["detection"]))
    return "\n\n".join(shown)
