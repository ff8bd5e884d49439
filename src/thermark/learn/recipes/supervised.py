"""Supervised training of RTMPose on one or several face sets."""

import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import torch
from pydantic import Field, PositiveFloat
from torch import Tensor, nn

from thermark import core, landmarks, learn, nets
from thermark.core import seeds
from thermark.core.config import nearest
from thermark.core.errors import ConfigError
from thermark.learn import checkpoint as checkpoints
from thermark.learn import data, loop, objectives, precision, validation
from thermark.learn.augment import Augment
from thermark.learn.checkpoint import Checkpoint
from thermark.learn.data import Batch
from thermark.learn.publish import publish
from thermark.learn.simcc import Pair
from thermark.learn.targets import Targets
from thermark.nets import complexity
from thermark.nets.card import ModelCard
from thermark.nets.cspnext import STRIDE, Size
from thermark.nets.inputs import normalised
from thermark.nets.rtmpose import RTMPose

Objective = Callable[[Pair, Targets], Tensor]


class Config(loop.Settings):
    """A run's section of params.yaml.

    `train`: the face set whose train and val splits are used; `labels`: the vocabulary they are labelled in; the
    network of `size` sees `padding` times the prompt at `input_size` pixels and predicts the points of
    `vocabulary`; `objective`: a module of learn/objectives. What has no default names a file that the pipeline
    depends on.
    """

    recipe: Literal["supervised"]
    objective: str
    train: str
    labels: str
    vocabulary: str
    size: Size = "t"
    input_size: int = Field(128, ge=STRIDE, multiple_of=STRIDE)
    padding: PositiveFloat = 1.25
    augment: Augment = Augment()


def train(config: Config, faces_root: Path, checkpoint: Path, out: Path, history: Path) -> None:
    """Train on `faces_root/<set>` and write out/{model.safetensors, model.json} and the CSV file `history`.

    `checkpoint` is a folder for the state of this run; it is emptied when `out` is written. Raises DataError for
    absent or empty data and for a loss that is not finite, ConfigError for an unknown objective or vocabulary and
    for a batch larger than the training set.
    """
    device = precision.prepare(config)
    exact = precision.resolved(config, device)
    loss = objective(config.objective)
    sets = [config.train]
    data.check_labels(faces_root, sets, config.labels)
    seen = (config.vocabulary, config.input_size, config.padding)
    faces = data.gather(faces_root, sets, "train", *seen)
    held_out = data.gather(faces_root, sets, "val", *seen)
    model = precision.placed(initial(config), device)
    size = (config.input_size, config.input_size)

    def batches(epoch: int) -> Iterator[Batch]:
        rows = data.order(len(faces), config.batch, config.seed, epoch)
        return data.ahead(lambda part: data.assemble(faces, part, config.seed, epoch, config.augment), rows)

    def terms(model: nn.Module, batch: Batch, epoch: int) -> loop.Terms:
        xy, weight = (torch.from_numpy(array).to(device) for array in (batch.xy, batch.weight))
        with precision.autocast(exact, device):
            outputs = model(normalised(batch.images, device))
        return {config.objective: loss(outputs, Targets(xy, weight, size))}

    def validate(mean: nn.Module) -> float:
        return validation.nme(mean, held_out, config.batch, device, exact)

    code = checkpoints.fingerprint(core, landmarks, learn, nets)
    versions = [module.__version__ for module in (cv2, np, torch)]
    identity = [config.model_dump(), exact, versions, code, data.fingerprint(faces_root, sets)]
    store = Checkpoint(checkpoint, sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest())
    steps = len(data.order(len(faces), config.batch, config.seed, epoch=0))
    trained = loop.fit(model, terms, batches, validate, config, steps, store, f"train {out.name}")

    about = ModelCard(
        recipe=config.recipe,
        objective=config.objective,
        size=config.size,
        points=len(landmarks.load(config.vocabulary)),
        vocabulary=config.vocabulary,
        input_size=config.input_size,
        padding=config.padding,
        modality="rgb" if faces.colour else "thermal",
        trained_on=sets,
        params=complexity.parameters(model),
        seed=config.seed,
        precision=exact,
        best_epoch=trained.progress.best_epoch,
        val_nme=trained.progress.best,
    )
    publish(out, about, trained.weights, history, trained.progress.history)
    store.clear()


def initial(config: Config) -> RTMPose:
    """Return the network before the first step, random by the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.integer("initial", config.seed))
        return RTMPose(config.size, len(landmarks.load(config.vocabulary)), config.input_size)


def objective(name: str) -> Objective:
    """Return the `loss` of the module learn/objectives/<name>.py; raises ConfigError when there is none."""
    if not name.isidentifier() or name.startswith("_") or find_spec(f"{objectives.__name__}.{name}") is None:
        known = sorted(path.stem for path in Path(objectives.__path__[0]).glob("[a-z]*.py"))
        raise ConfigError(f"there is no objective {name!r}", nearest(name, known))
    return import_module(f"{objectives.__name__}.{name}").loss
