"""Every number of one set of faces, as a flat dictionary; what is undefined is absent."""

import math
from collections.abc import Sequence

import numpy as np
from pydantic import PositiveFloat

from thermark.core.config import Section
from thermark.core.point_errors import PCK_LIMITS
from thermark.metrics.bootstrap import interval
from thermark.metrics.registry import MAIN, METRICS, Metric, with_limit
from thermark.metrics.scores import Scores
from thermark.metrics.seeds import combined, spread


class Thresholds(Section):
    """Limits in source px, as fractions of the inter-ocular distance (io) and of the box diagonal (diag).

    `miss_*`: what a missed face counts in means over all faces, and what a found one counts at most.
    """

    pck_px: tuple[PositiveFloat, ...] = tuple(map(float, PCK_LIMITS))
    pck_io: tuple[PositiveFloat, ...] = (0.05, 0.1)
    pck_diag: tuple[PositiveFloat, ...] = (0.05,)
    auc_px: PositiveFloat = 20.0
    auc_io: PositiveFloat = 0.08
    auc_diag: PositiveFloat = 0.05
    miss_px: PositiveFloat = 50.0
    miss_io: PositiveFloat = 0.5
    miss_diag: PositiveFloat = 0.2

    def of(self, metric: Metric) -> tuple[float, ...]:
        """Return the limits of a metric."""
        limits = getattr(self, metric.limits) if isinstance(metric.limits, str) else metric.limits
        return limits if isinstance(limits, tuple) else (limits,)


Summary = dict[str, float | int | str]
FEW = 0.01


def summarise(
    seeds: Sequence[Scores], main: str, limits: Thresholds, replicates: int, seed: int, part: bool = True
) -> Summary:
    """Return the numbers of `registry.METRICS`, and the 95 % interval of `main`.

    `seeds` are the scores of each seed of a run on the same faces, or the only ones of a contestant without seeds.
    Metrics are means over seeds, with the spread of `main` over several. `interval` is what the interval covers:
    `subjects`, or `subjects and seeds` where there are several. `part`: these are a part of the faces or points.
    """
    by_seed = [_numbers(scores, limits, part) for scores in seeds]
    numbers = combined(by_seed)
    covered: Summary = {}
    for name in dict.fromkeys([main, "nme_io"]):
        values = np.stack([scores.face_errors(MAIN[name]) for scores in seeds])
        bounds = interval(values, seeds[0].subjects, replicates, seed, within=(0.0, np.inf))
        if bounds:
            covered["interval"] = "subjects and seeds" if len(seeds) > 1 else "subjects"
            numbers |= {f"{name}_low": bounds[0], f"{name}_high": bounds[1]}
        numbers[f"{name}_seed_std"] = spread([row[name] for row in by_seed])
    return {name: number for name, number in numbers.items() if math.isfinite(number)} | covered


def _numbers(scores: Scores, limits: Thresholds, part: bool) -> dict[str, float]:
    """Return the numbers of one seed; NaN where a metric is undefined."""
    numbers: dict[str, float] = {}
    for key, metric in METRICS.items():
        if metric.measure is None or (part and not metric.parts):
            continue
        if metric.limits:
            numbers |= {with_limit(key, limit): metric.measure(scores, limit) for limit in limits.of(metric)}
        else:
            numbers[key] = metric.measure(scores)
    return numbers


def main_metric(scores: Scores) -> str:
    """Return the metric that ranks contestants on this set; it depends on the labels alone.

    `nme_io` where at most 1 % of the faces have no eyes, else `nme_diag` where at most 1 % have no box, else
    `error_px_mean`.
    """
    lacking = {name: np.isnan(scores.size(unit)[scores.labelled]).mean() for name, unit in MAIN.items()}
    return next(name for name, part in lacking.items() if part <= FEW)
