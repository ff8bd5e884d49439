"""A detector or labels give the boxes of persons or faces, and a network trained here the points in each.

That is a network of ours, or a tiny head on a frozen backbone, whose weights are then the bundle's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import PositiveFloat

from thermark.core.bundle import Bundle
from thermark.core.errors import ConfigError, DataError
from thermark.core.runs import seed_folders, skipped
from thermark.fewshot import model as heads
from thermark.fewshot.backbone import PackageAbsent
from thermark.fewshot.model import HeadModel
from thermark.models import learned
from thermark.models.inference import contract
from thermark.models.inference.boxes import Detect, PersonBoxes, boxes_in, person_detector
from thermark.models.inference.contract import Assets, Floats, Given, Image, Instances, Unavailable
from thermark.models.learned import Learned
from thermark.train import precision


class Config(PersonBoxes):
    """Where the learned network looks.

    `run`: the run, each of whose seeds is one model. The bundle `weights` holds the detector or the backbone of a
    head, and is not used otherwise. `padding`: how many longer sides of a box are seen, by default as in training.
    """

    run: str
    padding: PositiveFloat | None = None


@dataclass(frozen=True)
class Cascade:
    """`network` on the persons that `find` finds in a frame, or on the boxes that are `given`.

    A frame without persons has no instances: the whole frame never stands in for one.
    """

    network: Learned | HeadModel
    given: Given
    box_source: str
    find: Detect | None = None
    batch: int = 32

    @property
    def vocabulary(self) -> str:
        """The vocabulary of the network."""
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
        """Return the network's instances in the boxes of each image; the crops of all images are one batch."""
        persons = boxes_in(images, boxes, self.find)
        predictions = self.network.on_boxes(images, [xyxy for xyxy, _ in persons])
        return [Instances(*both, *person) for both, person in zip(predictions, persons, strict=True)]


def load(config: Config, assets: Assets, device: str) -> Cascade:
    """Return the cascade with the seed of a run in `assets`, or with the first seed of the run there.

    Raises Unavailable for a run that could not be trained, DataError for a run without seeds or damaged weights of
    either stage, SetupError for an absent GPU, ConfigError for a `padding` that a head cannot obey.
    """
    if assets.run is None:
        raise DataError(f"there is no run {config.run}", "run `dvc repro` to train the model")
    if reason := skipped(assets.run):
        raise Unavailable(f"{assets.run.name} was not trained: {reason}")
    seed = next(iter(seed_folders(assets.run)), assets.run)
    if not seed.name.startswith("seed"):
        raise DataError(f"{assets.run} holds no seed<k> folder", "run `dvc repro` to train the model")
    network = trained(seed, assets.weights, precision.chosen(device).type)
    if config.padding is not None:
        if isinstance(network, HeadModel) and network.card.geometry == "posts":
            raise ConfigError(
                f"`padding` changes nothing of {config.run}, whose crops are those of part 2", "leave it out"
            )
        network = replace(network, padding=config.padding)
    find, source = person_detector(config, assets.weights, device)
    return Cascade(network, config.given, source, find)


def trained(folder: Path, bundle: Bundle, device: str) -> Learned | HeadModel:
    """Return what one seed of a run left in `folder`; the backbone of a head is in the bundle."""
    if not (folder / heads.CARD).is_file():
        return learned.read(folder, device)
    try:
        return heads.load(folder, bundle, device)
    except PackageAbsent as error:
        raise Unavailable(str(error)) from error
