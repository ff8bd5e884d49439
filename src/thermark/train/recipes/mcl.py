"""Model compression learning: a thermal KTL network teaches a smaller thermal student (MLCM-KD, equation 9).

L = 0.1 L_kp + gamma(t) 1e-3 (L_fm + L_lg); both networks see the same thermal image.
"""

from pathlib import Path
from typing import Literal

from thermark.core.errors import ConfigError
from thermark.train.distillation import distillation_config, training
from thermark.train.run import Finished


class Config(distillation_config.Config):
    """A run's section of params.yaml; the options are those of `distillation_config.Config`."""

    recipe: Literal["mcl"]
    lambdas: distillation_config.Plain = distillation_config.Plain()


def train(config: Config, seed: int, faces_root: Path, models_root: Path, checkpoint: Path) -> Finished:
    """Train with one seed; arguments and errors are those of `distillation.training.train`.

    Raises ConfigError when the teacher is not shown the student's images.
    """
    if config.teacher_data != config.train:
        raise ConfigError(
            f"in mcl both networks see {config.train}, but `teacher_data` is {config.teacher_data}",
            f"set `teacher_data: {config.train}`, or use the recipe `kd` or `ktl`",
        )
    return training.train(config, seed, faces_root, models_root, checkpoint)
