"""Which trainings one head takes: the published split with several seeds, and budgets of labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field, NonNegativeInt, PositiveInt

from thermark.core import seeds
from thermark.core.seeds import distinct
from thermark.fewshot import samples, training
from thermark.fewshot.crops import CropSet
from thermark.fewshot.scoring import Numbers
from thermark.train.codecs.heatmap import Method

ALL, PUBLISHED = "all", "published"
Rows = NDArray[np.int64]


class Config(training.Config):
    """A head's section of params.yaml.

    `backbone`, `crops`: whose features of which crops. It is trained with each of the `seeds` on the published
    labels, and again on so many labels of the pool (`budget`, and all), another choice with each seed, for as
    many steps: the curve is about labels, not about the time of training. `decode`: how predictors read its maps.
    """

    backbone: str
    crops: str
    seeds: Annotated[tuple[NonNegativeInt, ...], AfterValidator(distinct)] = Field((0, 1, 2, 3, 4), min_length=1)
    budget: Annotated[tuple[PositiveInt, ...], AfterValidator(distinct)] = (5, 10, 20, 40)
    decode: Method = "argmax"


@dataclass(frozen=True)
class HeadTraining:
    """One training, of so many `steps` an epoch; `budget` is a number of labels, `all`, or `published`."""

    budget: str
    seed: int
    train: Rows
    val: Rows
    steps: int


@dataclass(frozen=True)
class TrainedHead:
    """What one training gave: weights, if it is published, and the numbers of each test scope by each decoder.

    Training that failed to learn has a `reason`, no weights, and misses every point.
    """

    job: HeadTraining
    weights: Mapping[str, NDArray[Any]]
    best_epoch: int
    val_error: float
    numbers: Mapping[tuple[str, Method], Numbers]
    reason: str = ""


def planned(crops: CropSet, config: Config) -> list[HeadTraining]:
    """Return all trainings, the longest first, so that no process is left with one at the end.

    With one seed, few labels are part of more; with another, they are others. Budgets that the pool does not hold
    are left out, and crops without a label, which would count as one.
    """
    pool, main, val = (
        samples.labelled(crops.xy, crops.part(part, published), purpose)
        for part, published, purpose in (
            ("train", False, "train"),
            ("train", True, "train"),
            ("val", True, "validate"),
        )
    )
    steps = config.steps or len(samples.batches(len(main), config.batch, 0, 0))
    jobs = []
    for seed in config.seeds:
        order = seeds.rng(seed, "budget").permutation(pool)
        chosen = {str(count): np.sort(order[:count]) for count in config.budget if count < len(pool)}
        for name, rows in {PUBLISHED: main, **chosen, ALL: pool}.items():
            jobs.append(HeadTraining(name, seed, rows, val, steps))
    return sorted(jobs, key=lambda job: -len(job.train))
