"""Somebody finds persons, or tells where they are, and what was trained here finds the points in each.

That is a network of ours, or a tiny head on a frozen backbone, whose weights are then the bundle's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from thermark.core.bundle import Bundle
from thermark.core.config import Section
from thermark.core.errors import ConfigError, DataError
from thermark.core.runs import seed_folders, skipped
from thermark.fewshot import model as heads
from thermark.fewshot.backbone import Absent
from thermark.fewshot.model import HeadModel
from thermark.models import learned
from thermark.models.inference import contract, persons
from thermark.models.inference.contract import Floats, Given, Image, Instances, Unavailable
from thermark.models.learned import Learned
from thermark.train import precision

Find = Callable[[Sequence[Image]], list[tuple[Floats, Floats]]]


class Config(Section):
    """Where the learned network looks.

    `run`: the run, each of whose seeds is one contestant. `given`: the whole `frame` (one answer a frame, its
    ceiling), the `labelled` persons, the `prompt` of each face, or its `own` persons, which `detector` finds, a
    file of the bundle `weights` (which holds the backbone of a head, and is not used otherwise); `detector_score`
    and `nms` are its thresholds, `threads` those of onnxruntime. `padding`: how many longer sides of a box are
    seen, by default as in training.
    """

    family: str
    weights: str
    run: str
    given: Given
    detector: str | None = None
    detector_score: float = Field(default=0.7, ge=0, le=1)
    nms: float = Field(default=0.45, ge=0, le=1)
    threads: PositiveInt = 2
    padding: PositiveFloat | None = None

    @model_validator(mode="after")
    def _boxes_have_one_source(self) -> "Config":
        if (self.given == "own") != (self.detector is not None):
            raise ValueError("`given: own` needs a detector, any other `given` must have none")
        return self


@dataclass(frozen=True)
class Cascade:
    """`network` on the persons that `find` finds in a frame, or on the boxes that are `given`.

    A frame without persons has no instances: the whole frame never stands in for one.
    """

    network: Learned | HeadModel
    given: Given
    box_source: str
    find: Find | None = None
    batch: int = 32

    @property
    def vocabulary(self) -> str:
        """What the network speaks."""
        return self.network.vocabulary

    @property
    def trained_on(self) -> tuple[str, ...]:
        """The face sets that the network has learned from."""
        return self.network.trained_on

    @property
    def providers(self) -> Mapping[str, Sequence[str]]:
        """What onnxruntime runs the detector on; our own networks need none."""
        return contract.providers(self.find)

    def __call__(self, images: Sequence[Image], boxes: Sequence[Floats | None]) -> list[Instances]:
        """Return what the network sees in the boxes of each image; the crops of all images are one batch."""
        told = [(box, np.full(len(box), np.nan, np.float32)) for box in boxes if box is not None]
        found = told if self.find is None else self.find(images)
        answers = self.network.on_boxes(images, [box for box, _ in found])
        return [
            Instances(xy, score, box, confidence)
            for (xy, score), (box, confidence) in zip(answers, found, strict=True)
        ]


def load(config: Config, bundle: Bundle, device: str, model: Path) -> Cascade:
    """Return the cascade with the seed of a run in `model`, or with the first seed of the run there.

    Raises Unavailable for a run that could not be trained, DataError for a run without seeds or damaged weights of
    either stage, SetupError for an absent GPU, ConfigError for a `padding` that a head cannot obey.
    """
    if reason := skipped(model):
        raise Unavailable(f"{model.name} was not trained: {reason}")
    seed = next(iter(seed_folders(model)), model)
    if not seed.name.startswith("seed"):
        raise DataError(f"{model} holds no seed<k> folder", "run `dvc repro` to train the model")
    network = trained(seed, bundle, precision.chosen(device).type)
    if config.padding is not None:
        if isinstance(network, HeadModel) and network.card.geometry == "posts":
            raise ConfigError(
                f"`padding` changes nothing of {config.run}, whose crops are those of part 2", "leave it out"
            )
        network = replace(network, padding=config.padding)
    if config.detector is None:
        return Cascade(network, config.given, config.given)
    find = persons.load(bundle, config.detector, config.detector_score, config.nms, device, config.threads)
    return Cascade(network, config.given, Path(config.detector).stem, find)


def trained(folder: Path, bundle: Bundle, device: str) -> Learned | HeadModel:
    """Return what one seed of a run left in `folder`; the backbone of a head is in the bundle."""
    if not (folder / heads.CARD).is_file():
        return learned.load(folder, device)
    try:
        return heads.load(folder, bundle, device)
    except Absent as error:
        raise Unavailable(str(error)) from error
