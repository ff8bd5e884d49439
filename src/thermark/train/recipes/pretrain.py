"""The RGB teacher: supervised training on one or two colour face sets, such as 300W and COCO-WholeBody."""

from pathlib import Path
from typing import ClassVar, Literal

from thermark.train import supervision
from thermark.train.run import Finished, Run


class Config(Run):
    """A teacher's section of params.yaml; `extra_data`: another face set, or `train` again when there is none."""

    uses: ClassVar[frozenset[str]] = frozenset({"extra_data"})

    recipe: Literal["pretrain"]
    extra_data: str


def train(config: Config, seed: int, faces_root: Path, models_root: Path, checkpoint: Path) -> Finished:
    """Train with one seed on both sets; arguments, errors are those of `supervision.train`, no model is read."""
    return supervision.train(
        config, seed, faces_root, checkpoint, list(dict.fromkeys([config.train, config.extra_data]))
    )
