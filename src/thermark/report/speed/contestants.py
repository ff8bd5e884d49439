"""Contestants as `predict` has them, with the pictures that they are timed on: source pixels in, points out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from thermark.core import bundle, pictures
from thermark.core.bundle import Bundle
from thermark.core.config import nearest, parse
from thermark.core.errors import ConfigError, DataError
from thermark.core.faces import open_table
from thermark.core.pictures import BASE
from thermark.core.runs import seed_folders, skipped
from thermark.models import Predictor, mean_shape
from thermark.models.inference import run
from thermark.models.inference.contract import Floats, Given, Image
from thermark.models.inference.images import PROMPTED, untaught
from thermark.models.inference.keys import Learned, Setting, mean_settings, run_folder
from thermark.models.inference.sweep import boxes_for, frames_of
from thermark.report.speed import parameters
from thermark.report.speed.options import Contestants

Question = tuple[Image, Floats | None]  # a picture, and the boxes that a contestant is told
DEVICE = "cpu"


@dataclass(frozen=True)
class Loaded:
    """A contestant whose `answer` to picture n of so many `pictures` are points (M, K, 2) in its pixels.

    `dataset`: whose pictures they are; `boxes`: which it is told, `own` for none; `parameters`: how many numbers
    it has learned, as far as they can be counted.
    """

    answer: Callable[[int], Floats]
    pictures: int
    dataset: str
    boxes: Given
    parameters: Callable[[], int | None]


@dataclass(frozen=True)
class RecordingBundle(Bundle):
    """A bundle that records which of its files were opened."""

    opened: list[Path] = field(default_factory=list)

    def file(self, name: str) -> Path:
        """Return the path of a file, as any bundle."""
        path = super().file(name)
        self.opened.append(path)
        return path


def dataset_for(section: Mapping[str, Any], options: Contestants, setting: Setting) -> str:
    """Return the data set whose pictures a contestant is timed on, empty where there is none for it."""
    only = list(section.get("only", setting.datasets))
    if options.dataset in only:
        return options.dataset
    return next((name for name in only if name in setting.datasets), "")


def reason_not_timed(name: str, section: Mapping[str, Any], options: Contestants, setting: Setting) -> str:
    """Return why a contestant cannot be timed, as far as files tell, or nothing.

    Raises ConfigError for a data set that is not scored, DataError for frames that are not prepared.
    """
    if options.dataset not in setting.datasets:
        raise ConfigError(
            f"speed.contestants.dataset is {options.dataset}, which is not scored",
            nearest(options.dataset, list(setting.datasets)),
        )
    dataset = dataset_for(section, options, setting)
    if not dataset:
        return f"its settings say `only: [{', '.join(section['only'])}]`"
    if reason := skipped(setting.places.faces / dataset):
        return reason
    pictures.read(setting.places.frames / dataset / BASE)
    if section["family"] in PROMPTED:
        return untaught(name, section, setting.places)
    weights = bundle.read(setting.places.bundle(str(section["weights"])))
    return "" if weights.status == "ok" else weights.reason


def load(name: str, section: Mapping[str, Any], options: Contestants, setting: Setting) -> Loaded:
    """Return a contestant, the first of its seeds, with what it is asked.

    Raises what `predict` would: Absent and Unavailable for want of a package, DataError for damaged weights.
    """
    dataset = dataset_for(section, options, setting)
    if section["family"] in PROMPTED:
        predictor = _prompted(name, section, setting)
        inputs = questions(dataset, "prompt", options.pictures, setting)
        boxes = [np.zeros((0, 4), np.float32) if own is None else own for _, own in inputs]
        return Loaded(
            lambda n: predictor(inputs[n][0], boxes[n])[0],
            len(inputs),
            dataset,
            "prompt",
            lambda: parameters.counted(predictor),
        )
    whole = bundle.read(setting.places.bundle(str(section["weights"])))
    model = run_folder(str(section["run"]), setting) if "run" in section else None
    places = setting.places
    where = run.Places(whole.folder, model, places.faces, places.frames, places.framed)
    assets, more, _ = run.turns(where, Path())[0]
    weights = RecordingBundle(**vars(bundle.read(assets)))
    own = {key: value for key, value in section.items() if key != "only"}
    framed = run.contestant_of(name, own, weights, more, DEVICE, options.threads).get()
    inputs = questions(dataset, framed.given, options.pictures, setting)
    return Loaded(
        lambda n: framed([inputs[n][0]], [inputs[n][1]])[0].xy,
        len(inputs),
        dataset,
        framed.given,
        lambda: parameters.counted(framed, weights.opened),
    )


def questions(dataset: str, given: Given, count: int, setting: Setting) -> list[Question]:
    """Return at most `count` frames that hold scored faces, evenly spaced, with the boxes that `given` means.

    Raises DataError for none.
    """
    table = open_table(setting.places.faces / dataset)
    seen = pictures.read(setting.places.frames / dataset / BASE)
    rows = np.flatnonzero((table.splits == "test") | (setting.datasets[dataset] == "all"))
    frames = frames_of(seen, table, rows, told=True)
    if not frames:
        raise DataError(f"no frame of {dataset} holds a scored face", "time contestants on another set")
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int))
    asked = []
    for place, own in (frames[number] for number in chosen):
        image = np.array(seen.image(place))  # read now, not when the clock runs
        asked.append((image, boxes_for(given, table, own, image)))
    return asked


def _prompted(name: str, section: Mapping[str, Any], setting: Setting) -> Predictor:
    """Return somebody whom `predict` shows packed crops, as who crops from a picture."""
    if section["family"] == "mean_shape":
        return mean_shape.load(mean_settings(section, name), setting.places.faces)
    # Imported here: it brings PyTorch, which nobody else need wait for.
    from thermark.models import learned

    config = parse(dict(section), Learned, f"contestants.{name}")
    return learned.load(seed_folders(setting.places.models / config.run)[0], DEVICE, config.flip)
