"""Knowledge transfer learning: from an RGB teacher to a thermal student by paired images (MLCM-KD, equation 8).

L = 0.1 L_kp + gamma(t) 1e-3 (L_fm + L_lg + L_fi + L_ri), with dual injection: the teacher's features through the
student's head (fi), the student's features through the teacher's head (ri). A lambda of 0 leaves a term out, as
the ablations of Tables III and IV do.
"""

from pathlib import Path
from typing import Literal

from thermark.core.errors import ConfigError
from thermark.train.distillation import distillation_config, training
from thermark.train.run import Finished


class Config(distillation_config.Config):
    """A run's section of params.yaml; the options are those of `distillation_config.Config`."""

    recipe: Literal["ktl"]


def train(config: Config, seed: int, faces_root: Path, models_root: Path, checkpoint: Path) -> Finished:
    """Train with one seed; arguments and errors are those of `distillation.training.train`.

    Raises ConfigError when there are no pairs: teacher and student would be shown the same images.
    """
    if config.teacher_data == config.train:
        raise ConfigError(
            f"ktl pairs two face sets, but both `train` and `teacher_data` are {config.train}",
            "set `teacher_data` to the colour side, or use the recipe `kd` or `mcl`",
        )
    return training.train(config, seed, faces_root, models_root, checkpoint)
