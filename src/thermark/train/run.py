"""What every recipe shares: the settings of a run, its data, its first weights, and what it leaves behind."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, TypeVar

import cv2
import numpy as np
import scipy
import torch
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat, model_validator
from torch import Tensor, nn

from thermark import landmarks, train
from thermark.core import arithmetic, code, files, seeds
from thermark.core.config import nearest
from thermark.core.errors import ConfigError
from thermark.core.runs import MADE_OF, matching
from thermark.nets import complexity
from thermark.nets.card import ModelCard
from thermark.nets.cspnext import STRIDE
from thermark.nets.rtmpose import Architecture, RTMPose
from thermark.train import data, losses, precision, processes, validation
from thermark.train.augment import Augment
from thermark.train.checkpoint import Checkpoint, Progress, State
from thermark.train.codecs import Codec
from thermark.train.codecs.networks import codec_of
from thermark.train.codecs.simcc import Label
from thermark.train.data import Batch, Samples
from thermark.train.loop import Settings
from thermark.train.losses import Targets

Built = TypeVar("Built")
NOBODY = "none"  # the teacher of a run that has none
Loss = Callable[[Any, Targets, Codec[Any]], Tensor]


class Run(Settings):
    """A run's section of params.yaml, as far as all recipes agree.

    `train`: the face set whose train and val splits are used; `labels`: the vocabulary they are labelled in; the
    network of `size` sees `padding` times the prompt at `input_size` pixels and predicts the points of
    `vocabulary`; `objective`: a module of train/losses; `label`: what a point looks like on its axes.
    `extra_data`: a second face set, `teacher_data`: the one that the run `teacher` sees, `known`: the teacher's
    vocabulary. In recipes that do not use them (`uses`) they must be empty or plain: the train set again, no
    teacher, the own vocabulary.
    """

    uses: ClassVar[frozenset[str]] = frozenset()

    recipe: str
    objective: str
    train: str
    labels: str
    vocabulary: str
    size: Architecture = "t"
    input_size: int = Field(128, ge=STRIDE, multiple_of=STRIDE)
    padding: PositiveFloat = 1.25
    label: Label = "gaussian"
    augment: Augment = Augment()
    extra_data: str = ""
    teacher_data: str = ""
    teacher: str = NOBODY
    known: str = ""

    @model_validator(mode="after")
    def _says_nothing_in_vain(self) -> Self:
        plain = {"extra_data": self.train, "teacher_data": self.train, "teacher": NOBODY, "known": self.vocabulary}
        for name, wanted in plain.items():
            if name not in self.uses and getattr(self, name) not in ("", wanted):
                raise ValueError(f"{self.recipe} does not use `{name}`: set it to {wanted}")
        return self


@dataclass(frozen=True)
class Ready:
    """The data and the machine of one run; `pictures` are the `sets`, or those that pseudo-labels were made on."""

    config: Run
    seed: int
    sets: tuple[str, ...]
    pictures: tuple[str, ...]
    device: torch.device
    exact: Literal["fp32", "bf16"]
    faces: Samples
    held_out: Samples
    loss: Loss
    codec: Codec[Any]

    @property
    def steps(self) -> int:
        """Steps an epoch."""
        return len(self._orders(0))

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Yield the epoch's batches, each the part of this process."""
        return self.built(
            epoch, lambda rows: data.assemble(self.faces, rows, self.seed, epoch, self.config.augment)
        )

    def built(self, epoch: int, build: Callable[[NDArray[np.int64]], Built]) -> Iterator[Built]:
        """Yield `build(rows)` for the rows of each batch of the epoch, each the part of this process."""
        return data.ahead(build, [processes.part(rows) for rows in self._orders(epoch)], self.config.workers)

    def autocast(self) -> AbstractContextManager[None]:
        """Return the context in which forward passes run."""
        return precision.autocast(self.exact, self.device)

    def labelled(self, outputs: Any, batch: Batch) -> Tensor:
        """Return the loss of outputs against a batch's labels, scaled to the batch of all processes."""
        xy, weight = (torch.from_numpy(array).to(self.device) for array in (batch.xy, batch.weight))
        # It sums over the batch, and the loop takes the mean over processes.
        return self.loss(outputs, Targets(xy, weight), self.codec) * processes.count()

    def validate(self, model: nn.Module) -> float:
        """Return the validation error of a network, or of the student of a pupil."""
        return validation.nme(model, self.codec, self.held_out, self.config.batch, self.device, self.exact)

    def _orders(self, epoch: int) -> list[NDArray[np.int64]]:
        return data.order(len(self.faces), self.config.batch, self.seed, epoch)


@dataclass(frozen=True)
class Finished:
    """The network of one seed, and how its training went."""

    card: ModelCard
    weights: State
    progress: Progress


def ready(config: Run, seed: int, faces_root: Path, sets: Sequence[str]) -> Ready:
    """Open the face sets `faces_root/<set>`, of pseudo-labels those of the seed; choose device and precision.

    Raises DataError for absent or empty data, ConfigError for an unknown objective or vocabulary and for other
    labels than stated.
    """
    loss = loss_of(config.objective)
    device = precision.prepare(config)
    sets = [of_seed(faces_root, name, seed) for name in sets]
    data.check_labels(faces_root, sets, config.labels)
    seen = (config.vocabulary, config.input_size, config.padding)
    return Ready(
        config=config,
        seed=seed,
        sets=tuple(sets),
        pictures=tuple(pictures(faces_root / name) for name in sets),
        device=device,
        exact=precision.resolved(config, device),
        faces=data.gather(faces_root, sets, "train", *seen),
        held_out=data.gather(faces_root, sets, "val", *seen),
        loss=loss,
        codec=codec_of(config, label=config.label),
    )


def of_seed(faces_root: Path, name: str, seed: int) -> str:
    """Return what a face set is called for a seed, below `faces_root`: the head of each seed labels its own."""
    return matching(faces_root / name, seed).relative_to(faces_root).as_posix()


def pictures(folder: Path) -> str:
    """Return the name of the face set whose pictures a face set has: its own, unless it has pseudo-labels."""
    marker = folder / MADE_OF
    return str(files.read_json(marker)["faces"]) if marker.is_file() else folder.name


def initial(config: Run, seed: int) -> RTMPose:
    """Return the network before the first step, random by the seed.

    Runs on one face set begin alike, which makes them comparable; a teacher on another begins elsewhere.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.integer("initial", config.train, seed))
        return RTMPose(config.size, len(landmarks.load(config.vocabulary)), config.input_size)


def store(at: Ready, folder: Path, faces_root: Path, more: Sequence[str] = (), weights: str = "") -> Checkpoint:
    """Return the checkpoint of a run, which is gone on from only when nothing that it depends on has changed.

    `more` names further face sets that it reads, `weights` is the hash of another network's.
    """
    versions = [module.__version__ for module in (cv2, np, scipy, torch)]
    # How many seeds there are and which process assembles batches changes no result.
    options = at.config.model_dump(exclude={"seeds", "workers"})
    read = data.fingerprint(faces_root, list(dict.fromkeys([*at.sets, *more])))
    computed = [at.exact, at.device.type, arithmetic.mode(), versions]
    identity = [options, at.seed, *computed, behind(at.config), read, weights]
    return Checkpoint(folder, sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest())


def behind(config: Run) -> str:
    """Return a hash of the code and the landmark tables that a run is made by."""
    named = {config.vocabulary, config.labels, config.known} - {""}
    tables = [code.TABLES / f"{name}.yaml" for name in sorted(named)]
    tables += [path for path in code.bridges() if {path.parent.name, path.stem} <= named]
    modules = (f"recipes.{config.recipe}", f"losses.{config.objective}")
    return code.key(*(f"{train.__name__}.{name}" for name in modules), *tables)


def finished(
    at: Ready,
    model: nn.Module,
    weights: State,
    progress: Progress,
    extra_data: Sequence[str] = (),
    *,
    teacher: str = "",
    start: str = "",
) -> Finished:
    """Describe a trained network.

    `extra_data`: further face sets whose data its weights depend on, such as those of its teacher. `teacher`: the
    run it was distilled from, `start`: the run that its first weights come from; empty for none.
    """
    config = at.config
    about = ModelCard(
        recipe=config.recipe,
        objective=config.objective,
        size=config.size,
        points=len(landmarks.load(config.vocabulary)),
        vocabulary=config.vocabulary,
        input_size=config.input_size,
        padding=config.padding,
        modality=at.faces.modality,
        trained_on=list(dict.fromkeys([*at.pictures, *extra_data])),
        params=complexity.parameters(model),
        seed=at.seed,
        precision=at.exact,
        best_epoch=progress.best_epoch,
        val_nme=progress.best,
        cropped=at.faces.cropped,
        teacher=teacher,
        start=start,
    )
    return Finished(about, weights, progress)


def loss_of(name: str) -> Loss:
    """Return the `loss` of the module train/losses/<name>.py; raises ConfigError when there is none."""
    if not name.isidentifier() or name.startswith("_") or find_spec(f"{losses.__name__}.{name}") is None:
        known = sorted(path.stem for path in Path(losses.__path__[0]).glob("[a-z]*.py"))
        raise ConfigError(f"there is no objective {name!r}", nearest(name, known))
    loss: Loss = import_module(f"{losses.__name__}.{name}").loss
    return loss
