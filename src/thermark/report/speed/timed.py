"""Contestants as `predict` has them, with the pictures that they are timed on: source pixels in, points out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from thermark.core import bundle, packed_images
from thermark.core.bundle import Bundle
from thermark.core.config import nearest
from thermark.core.errors import ConfigError, DataError
from thermark.core.faces import open_table
from thermark.core.packed_images import BASE
from thermark.core.runs import skipped
from thermark.models.inference import contestant
from thermark.models.inference.contract import Floats, Given, Image
from thermark.models.inference.families import CROP_FAMILIES
from thermark.models.inference.predict_everyone import untrained
from thermark.models.inference.setting import Setting
from thermark.models.inference.sweep import boxes_for, frames_of
from thermark.report.speed import parameters
from thermark.report.speed.speed_config import Contestants

Input = tuple[Image, Floats | None]  # a picture, and the boxes that a contestant is given
DEVICE = "cpu"


@dataclass(frozen=True)
class TimedContestant:
    """A contestant whose `predict` to picture n of so many `pictures` are points (M, K, 2) in its pixels.

    `dataset`: whose pictures they are; `boxes`: which it is given, `own` for none; `parameters`: how many numbers
    it has learned, as far as they can be counted.
    """

    predict: Callable[[int], Floats]
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
    if reason := skipped(setting.paths.faces / dataset):
        return reason
    packed_images.read(setting.paths.frames / dataset / BASE)
    if section["family"] in CROP_FAMILIES:
        return untrained(section, setting.paths)
    weights = bundle.read(setting.paths.bundle(str(section["weights"])))
    return "" if weights.status == "ok" else weights.reason


def load(name: str, section: Mapping[str, Any], options: Contestants, setting: Setting) -> TimedContestant:
    """Return a contestant, the first of its seeds, with its inputs.

    Raises what `predict` would: ContestantAbsent and Unavailable for want of a package, DataError for damaged
    weights.
    """
    dataset = dataset_for(section, options, setting)
    assets, _ = contestant.seeds(section, setting, Path())[0]
    weights = RecordingBundle(**vars(assets.weights))
    plain = {key: value for key, value in section.items() if key != "only"}
    model = contestant.load_model(name, plain, replace(assets, weights=weights), DEVICE, options.threads).get()
    inputs = inputs_of(dataset, model.given, options.pictures, setting)
    return TimedContestant(
        lambda n: model([inputs[n][0]], [inputs[n][1]])[0].xy,
        len(inputs),
        dataset,
        model.given,
        lambda: parameters.counted(model, weights.opened),
    )


def inputs_of(dataset: str, given: Given, count: int, setting: Setting) -> list[Input]:
    """Return at most `count` frames that hold scored faces, evenly spaced, with the boxes that `given` means.

    Raises DataError for none.
    """
    table = open_table(setting.paths.faces / dataset)
    seen = packed_images.read(setting.paths.frames / dataset / BASE)
    rows = np.flatnonzero((table.splits == "test") | (setting.datasets[dataset] == "all"))
    frames = frames_of(seen, table, rows, of_faces=True)
    if not frames:
        raise DataError(f"no frame of {dataset} holds a scored face", "time contestants on another set")
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int))
    pairs = []
    for place, members in (frames[number] for number in chosen):
        image = np.array(seen.image(place))  # read now, not when the clock runs
        pairs.append((image, boxes_for(given, table, members, image)))
    return pairs
