"""Percentile bootstrap of a mean, resampled by subject, since frames of one person are not independent."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.core.seeds import rng
from thermark.metrics.distances import Floats

CHUNK = 4_000_000  # cells of the (replicates, subjects) table held at once


def interval(
    values: Floats, subjects: NDArray[np.str_], replicates: int, seed: int, level: float = 0.95
) -> tuple[float, float] | None:
    """Return the central `level` interval of the mean of the finite `values` (N,), drawn by `subjects` (N,).

    None with fewer than two subjects or no replicates. Every contestant on the same faces and seed sees the
    same draws, which makes the intervals comparable.
    """
    names, member = np.unique(subjects, return_inverse=True)
    if len(names) < 2 or replicates < 1 or not np.isfinite(values).any():
        return None
    finite = np.isfinite(values)
    total = _sums(member, np.where(finite, values, 0.0))
    count = _sums(member, finite)
    means = np.concatenate(_replicates(total, count, replicates, seed))
    low, high = np.nanpercentile(means, [50 * (1 - level), 50 * (1 + level)])
    return float(low), float(high)


def _sums(member: NDArray[np.intp], values: NDArray[Any]) -> Floats:
    return np.asarray(np.bincount(member, values), np.float64)


def _replicates(total: Floats, count: Floats, replicates: int, seed: int) -> list[Floats]:
    generator = rng(seed, "bootstrap")
    subjects = len(total)
    means = []
    step = max(1, CHUNK // subjects)
    for start in range(0, replicates, step):
        drawn = generator.integers(0, subjects, (min(step, replicates - start), subjects), dtype=np.int32)
        found = count[drawn].sum(axis=1)
        # A draw of subjects without a single found face has no mean.
        means.append(np.where(found > 0, total[drawn].sum(axis=1) / np.maximum(found, 1), np.nan))
    return means
