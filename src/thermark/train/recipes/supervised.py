"""Supervised training of RTMPose: the labels of one face set, and nothing else."""

from pathlib import Path
from typing import Literal

from thermark.train import supervision
from thermark.train.run import Finished, Run


class Config(Run):
    """A run's section of params.yaml."""

    recipe: Literal["supervised"]


def train(config: Config, seed: int, faces_root: Path, models_root: Path, checkpoint: Path) -> Finished:
    """Train with one seed; arguments and errors are those of `supervision.train`, no model is read."""
    return supervision.train(config, seed, faces_root, checkpoint, [config.train])
