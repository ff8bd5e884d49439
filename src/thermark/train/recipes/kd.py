"""Conventional distillation, what MLCM-KD is compared with: feature maps, logits or both, and no injection.

L = 0.1 L_kp + gamma(t) 1e-3 (L_fm + L_lg), DWPose's losses. FD is `lambdas: {lg: 0}`, LD `lambdas: {fm: 0}`.
"""

from pathlib import Path
from typing import Literal

from thermark.train.distillation import distillation_config, training
from thermark.train.run import Finished


class Config(distillation_config.Config):
    """A run's section of params.yaml; the options are those of `distillation_config.Config`."""

    recipe: Literal["kd"]
    lambdas: distillation_config.Plain = distillation_config.Plain()


def train(config: Config, seed: int, faces_root: Path, models_root: Path, checkpoint: Path) -> Finished:
    """Train with one seed; arguments and errors are those of `distillation.training.train`."""
    return training.train(config, seed, faces_root, models_root, checkpoint)
