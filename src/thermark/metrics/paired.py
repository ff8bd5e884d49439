"""The difference between two contestants on the same faces, with the uncertainty from subjects and seeds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from thermark.core.errors import DataError
from thermark.metrics.bootstrap import difference_spread
from thermark.metrics.distances import Floats
from thermark.metrics.spread import Spread

Errors = Mapping[str, NDArray[Any]]
Verdict = Literal[
    "lower error", "higher error", "no difference shown", "one seed: no verdict", "two seeds: no verdict"
]
NEEDED = 3  # seeds of a run, below which nothing is said about how it was trained
TOO_FEW: dict[int, Verdict] = {1: "one seed: no verdict", 2: "two seeds: no verdict"}


@dataclass(frozen=True)
class Paired:
    """The error of a minus that of b, in the unit of the errors.

    `difference` is the mean over the `faces` that both found, None without any; `left_out` were missed by either.
    `low` and `high` bound its 95 % interval, None with fewer than two subjects. `varied` is what the
    interval covers: `subjects` (other people, these weights) or `subjects and seeds` (other people, and the method
    trained again); `seeds` counts those of a and of b, 0 for predictions that come from no training of ours.
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
        """Whether a has the lower or the higher error: only where the interval leaves out zero.

        A run with fewer than three seeds has no verdict, whatever its interval.
        """
        fewest = min((count for count in self.seeds if count), default=NEEDED)
        if fewest < NEEDED:
            return TOO_FEW[fewest]
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return "no difference shown"
        return "lower error" if self.high < 0 else "higher error"


def paired(a: Errors, b: Errors, column: str, replicates: int, seed: int) -> Paired:
    """Compare the per-face errors `column` (N,) of two contestants, means over their seeds, infinite = missed.

    Both hold `ids` and `subjects` (N,) of the same faces in the same order, and `per_seed` (S, N), the errors of
    each seed of a run; predictions that come from no training of ours have none. Unless a run has one seed only,
    the interval includes what seeds leave in doubt. Raises DataError for different faces or columns of different
    length.
    """
    return paired_with_spread(a, b, column, replicates, seed)[0]


def paired_with_spread(
    a: Errors, b: Errors, column: str, replicates: int, seed: int
) -> tuple[Paired, Spread | None]:
    """Return `paired`, and the spread of which it has the 95 % interval, None where there is none."""
    require_same_faces(a, b, column)
    kept = np.isfinite(a[column]) & np.isfinite(b[column])
    gap = np.subtract(a[column], b[column], where=kept, out=np.zeros(len(kept)))
    seeds = (len(a.get("per_seed", ())), len(b.get("per_seed", ())))
    trainings = max(seeds) > 1 and 1 not in seeds
    rows = [per_seed(errors, column) if trainings else np.atleast_2d(errors[column]) for errors in (a, b)]
    spread = difference_spread(rows[0][:, kept], rows[1][:, kept], a["subjects"][kept], replicates, seed)
    bounds = spread and spread.bounds()
    result = Paired(
        difference=float(gap[kept].mean()) if kept.any() else None,
        low=bounds[0] if bounds else None,
        high=bounds[1] if bounds else None,
        faces=int(kept.sum()),
        left_out=int((np.isinf(a[column]) | np.isinf(b[column])).sum()),
        seeds=seeds,
        varied="subjects and seeds" if trainings else "subjects",
    )
    return result, spread


def require_same_faces(a: Errors, b: Errors, column: str) -> None:
    """Raise DataError for contestants of different faces or subjects, and for columns of different length."""
    for name in ("ids", "subjects"):
        if not np.array_equal(a[name], b[name]):
            raise DataError(f"two contestants were scored on different faces ({name})", "run `dvc repro`")
    for errors in (a, b):
        if errors[column].shape != a["ids"].shape or per_seed(errors, column).shape[1:] != a["ids"].shape:
            raise DataError(f"`{column}` or `per_seed` has not one value a face", "run `dvc repro`")


def per_seed(errors: Errors, column: str) -> Floats:
    """Return the errors of each seed (S, N); those of a contestant that has no seeds are one row."""
    return np.atleast_2d(errors.get("per_seed", errors[column]))
