"""Another run's network, turned to other landmarks and other crops by labels alone.

All weights are taken over; a point that the other run did not have begins as the mean of those that a bridge
reads it from. A few dozen labels are enough to go on from there, where they are far too few to begin with.
"""

from pathlib import Path
from typing import ClassVar, Literal

import torch

from thermark import landmarks
from thermark.core import files
from thermark.core.errors import DataError
from thermark.core.runs import teacher_folder
from thermark.nets import card
from thermark.nets.card import ModelCard
from thermark.train import supervision
from thermark.train.checkpoint import State
from thermark.train.run import Finished, Run


class Config(Run):
    """A run's section of params.yaml.

    `teacher`: the run whose network is adapted, of the same `size` and `input_size`; `known`: its vocabulary.
    """

    uses: ClassVar[frozenset[str]] = frozenset({"teacher", "known"})

    recipe: Literal["adapted"]
    teacher: str
    known: str


def train(config: Config, seed: int, faces_root: Path, models_root: Path, checkpoint: Path) -> Finished:
    """Train with one seed from `models_root/<teacher>/seed<k>`; other arguments and errors as `supervision.train`.

    Raises DataError too for a teacher that is absent or other than stated, ConfigError where no bridge leads
    from its vocabulary to this one.
    """
    folder = teacher_folder(models_root / config.teacher, seed)
    network, about = card.read(folder)
    if (about.size, about.input_size, about.vocabulary) != (config.size, config.input_size, config.known):
        raise DataError(
            f"{config.teacher} is of size {about.size} at {about.input_size} px and predicts {about.vocabulary}, "
            "other than stated",
            "give both the same `size` and `input_size`, and name its vocabulary as `known`",
        )
    start = supervision.Start(
        run=config.teacher,
        sha256=files.sha256(folder / "model.safetensors"),
        trained_on=about.trained_on,
        weights=adapted(network.state_dict(), about, config.vocabulary),
    )
    return supervision.train(config, seed, faces_root, checkpoint, [config.train], start)


def adapted(weights: State, about: ModelCard, vocabulary: str) -> State:
    """Return RTMPose weights for `vocabulary`: the last convolution has a filter a landmark, all else has none."""
    if about.vocabulary == vocabulary:
        return weights
    bridge = landmarks.weights(about.vocabulary, vocabulary)
    matrix = torch.from_numpy(bridge).to(torch.float32)
    layer = {name: weights[f"head.final_layer.{name}"] for name in ("weight", "bias")}
    return weights | {f"head.final_layer.{name}": torch.tensordot(matrix, old, 1) for name, old in layer.items()}
