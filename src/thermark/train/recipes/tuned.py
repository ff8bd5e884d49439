"""Fine-tuning from a teacher's weights by labels alone: what distillation from the same start must beat.

L = 0.1 L_kp, weighted as in the distillation that it is compared with. It is also how a converted checkpoint with
a fresh head becomes a teacher.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field

from thermark.core.errors import ConfigError
from thermark.train.distillation import distillation_config, training
from thermark.train.run import Finished


class LabelLambda(distillation_config.Plain):
    """The weight of the labels; nothing is distilled."""

    kp: float = Field(0.1, gt=0)
    fm: float = Field(0.0, ge=0, le=0)
    lg: float = Field(0.0, ge=0, le=0)


class Config(distillation_config.Config):
    """A run's section of params.yaml; `teacher` is the run that it starts from, `teacher_data` is `train`."""

    recipe: Literal["tuned"]
    start: Literal["teacher"] = "teacher"
    lambdas: LabelLambda = LabelLambda()


def train(config: Config, seed: int, faces_root: Path, models_root: Path, checkpoint: Path) -> Finished:
    """Train with one seed; arguments and errors are those of `distillation.training.train`.

    Raises ConfigError when `teacher_data` is not `train`: the teacher gives its weights and is shown no picture.
    """
    if config.teacher_data != config.train:
        raise ConfigError(
            f"tuned learns from {config.train} alone, but `teacher_data` is {config.teacher_data}",
            f"set `teacher_data: {config.train}`",
        )
    return training.train(config, seed, faces_root, models_root, checkpoint)
