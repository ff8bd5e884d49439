"""Percentile bootstrap of a mean, resampled by subject, since frames of one person are not independent."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.core.seeds import rng
from thermark.metrics.distances import Floats

CHUNK = 4_000_000  # cells of the (replicates, subjects) table held at once


def interval(
    values: Floats, subjects: NDArray[np.str_], replicates: int, seed: int, level: float = 0.95
) -> tuple[float, float] | None:
    """Return the central `level` interval of the mean of the finite `values`, drawn by `subjects` (N,).

    `values` is (N,), or (S, N) for S seeds of one run: then a drawn subject brings its faces of all seeds, and
    the interval is that of the mean over seeds of each seed's mean. None with fewer than two subjects or no
    replicates, and when a seed has no finite value. Every contestant on the same faces and seed sees the same
    draws, which makes the intervals comparable.
    """
    names, member = np.unique(subjects, return_inverse=True)
    finite = np.isfinite(values := np.atleast_2d(values))
    if len(names) < 2 or replicates < 1 or not finite.any(axis=1).all():
        return None
    total = [_sums(member, row) for row in np.where(finite, values, 0.0)]
    count = [_sums(member, row) for row in finite]
    means = np.concatenate(list(_replicates(total, count, replicates, seed)))
    low, high = np.nanpercentile(means, [50 * (1 - level), 50 * (1 + level)])
    return float(low), float(high)


def _sums(member: NDArray[np.intp], values: NDArray[Any]) -> Floats:
    return np.asarray(np.bincount(member, values), np.float64)


def _replicates(total: list[Floats], count: list[Floats], replicates: int, seed: int) -> Iterator[Floats]:
    """Yield chunks of the mean over seeds; `total` and `count` are each seed's sums by subject, (M,)."""
    generator = rng(seed, "bootstrap")
    subjects = len(total[0])
    step = max(1, CHUNK // subjects)
    for start in range(0, replicates, step):
        drawn = generator.integers(0, subjects, (min(step, replicates - start), subjects), dtype=np.int32)
        yield np.mean([_mean(own[drawn], found[drawn]) for own, found in zip(total, count, strict=True)], axis=0)


def _mean(total: Floats, count: Floats) -> Floats:
    """Return means (R,) of drawn subjects (R, M); a draw without a single found face has none."""
    found = count.sum(axis=1)
    return np.where(found > 0, total.sum(axis=1) / np.maximum(found, 1), np.nan)
