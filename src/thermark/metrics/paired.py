"""The difference between two contestants on the same faces, with the doubt that faces and trainings leave."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from thermark.core.errors import DataError
from thermark.core.seeds import rng
from thermark.metrics.bootstrap import interval
from thermark.metrics.distances import Floats

Errors = Mapping[str, NDArray[Any]]
Verdict = Literal["lower error", "higher error", "no difference shown"]


@dataclass(frozen=True)
class Paired:
    """The error of a minus that of b, in the unit of the errors.

    `difference` is the mean over the `faces` that both found, None without any; `left_out` were missed by either.
    `low` and `high` bound its 95 % interval, None with fewer than two subjects. `varied` says what was let vary in
    it: `subjects` alone, so that it speaks of these weights, or `subjects and seeds`, so that it speaks of the
    trainings; `seeds` counts those of a and of b.
    """

    difference: float | None
    low: float | None
    high: float | None
    faces: int
    left_out: int
    seeds: tuple[int, int]
    varied: Literal["subjects", "subjects and seeds"]

    @property
    def verdict(self) -> Verdict:
        """Whether a has the lower or the higher error: only where the interval leaves out zero."""
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return "no difference shown"
        return "lower error" if self.high < 0 else "higher error"


def paired(a: Errors, b: Errors, column: str, replicates: int, seed: int) -> Paired:
    """Compare the per-face errors `column` (N,) of two contestants, means over their seeds, infinite = missed.

    Both hold `ids` and `subjects` (N,) of the same faces in the same order. Where both also hold `per_seed`
    (S, N), the errors of each of at least two seeds, the interval includes the spread between seeds. Raises
    DataError for different faces or columns of different length.
    """
    _require_same_faces(a, b, column)
    kept = np.isfinite(a[column]) & np.isfinite(b[column])
    gap = np.where(kept, np.subtract(a[column], b[column], where=kept, out=np.zeros(len(kept))), np.nan)
    seeds = (len(_per_seed(a, column)), len(_per_seed(b, column)))
    trainings = min(seeds) > 1
    if trainings:
        first, second = (_per_seed(errors, column)[:, kept] for errors in (a, b))
        bounds = _with_seeds(first, second, a["subjects"][kept], replicates, seed)
    else:
        bounds = interval(gap, a["subjects"], replicates, seed)
    return Paired(
        difference=float(gap[kept].mean()) if kept.any() else None,
        low=bounds[0] if bounds else None,
        high=bounds[1] if bounds else None,
        faces=int(kept.sum()),
        left_out=int((np.isinf(a[column]) | np.isinf(b[column])).sum()),
        seeds=seeds,
        varied="subjects and seeds" if trainings else "subjects",
    )


def _require_same_faces(a: Errors, b: Errors, column: str) -> None:
    for name in ("ids", "subjects"):
        if not np.array_equal(a[name], b[name]):
            raise DataError(f"two contestants were scored on different faces ({name})", "run `dvc repro`")
    for errors in (a, b):
        if errors[column].shape != a["ids"].shape or _per_seed(errors, column).shape[1:] != a["ids"].shape:
            raise DataError(f"`{column}` or `per_seed` has not one value a face", "run `dvc repro`")


def _per_seed(errors: Errors, column: str) -> Floats:
    """Return the errors of each seed (S, N); those of a contestant that has no seeds are one row."""
    return np.atleast_2d(errors.get("per_seed", errors[column]))


def _with_seeds(
    a: Floats, b: Floats, subjects: NDArray[np.str_], replicates: int, seed: int
) -> tuple[float, float] | None:
    """Return the 95 % interval of mean(a) - mean(b) for errors (S_a, N) and (S_b, N), all finite.

    Subjects are resampled. Seeds are too few for that: intervals that resample three of them hold the truth in
    about 80 % of cases instead of 95. What seeds add is drawn from Student's t with S_a + S_b - 2 degrees of
    freedom, scaled by the standard error of the seeds' means, as in the two-sample t-test. Each draw is used with
    both signs, so that a - b and b - a get mirrored intervals.
    """
    names, member = np.unique(subjects, return_inverse=True)
    if len(names) < 2 or replicates < 1:
        return None
    count = np.bincount(member).astype(np.float64)
    total = np.stack([np.bincount(member, row) for row in (*a, *b)])
    generator = rng(seed, "paired")
    freedom = len(a) + len(b) - 2
    draws = np.empty((replicates, 2))
    for replicate, student in enumerate(generator.standard_t(freedom, replicates)):
        times = np.bincount(generator.integers(0, len(names), len(names)), minlength=len(names))
        means = total @ times / (count @ times)
        first, second = means[: len(a)], means[len(a) :]
        variance = (len(a) * first.var() + len(b) * second.var()) / freedom
        doubt = student * np.sqrt(variance * (1 / len(a) + 1 / len(b)))
        draws[replicate] = first.mean() - second.mean() + np.array([-doubt, doubt])
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(low), float(high)
