"""95 % intervals of means that hold for other subjects and, where a run has several seeds, for other trainings.

Frames of one person are not independent, so whole subjects are resampled. What a bootstrap cannot know is how
little it saw: ten subjects resampled hold the truth in 91 % of cases instead of 95, three seeds in 80 %. So each
side of an interval is the root of two squares (the method of variance estimates recovery, Zou and Donner 2008):

- of subjects, the distance from the estimate to the percentile of the bootstrap, widened from the normal's
  quantile to Student's with G - 1 degrees of freedom, which G subjects have;
- of seeds, never resampled, Student's quantile times the standard error of the mean over seeds, with the degrees
  of freedom of Welch and Satterthwaite. What seeds and subjects do to each other is in both: it is taken off once.

Limits: with two seeds the second square is very large (Student's quantile is 12.7). From three on, simulated
intervals hold the truth in 93 to 99 % of cases: too often where seeds differ on single subjects alone, too rarely
where errors of ten subjects are skewed. Where seeds of one of two equal runs differ five times as much as those of
the other, 6 to 7 % of intervals of their difference leave out zero. Seeds of two runs are taken to be independent:
where those of one number share something, such as a teacher, the interval is wider than it need be.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from thermark.core.seeds import rng
from thermark.metrics.distances import Floats
from thermark.metrics.spread import TAIL, Spread

Bounds = tuple[float, float]
EVERYWHERE = (-np.inf, np.inf)
CHUNK = 1_000_000  # cells of the (replicates, subjects) table held at once
KEPT = 250_000  # cells of a table that is kept for the next call: subsets have the same few numbers of subjects


def interval(
    values: Floats, subjects: NDArray[np.str_], replicates: int, seed: int, within: Bounds = EVERYWHERE
) -> Bounds | None:
    """Return the 95 % interval of the mean of the finite `values`, drawn by `subjects` (N,).

    `values` is (N,), or (S, N) for S seeds of one run: then it is that of the mean over seeds of each seed's mean,
    for other subjects and other seeds. No end lies outside of `within`, where no mean can be. None where fewer
    than two subjects have a finite value, without replicates, and when a seed has no finite value. Every
    contestant on the same faces and seed sees the same draws, which makes the intervals comparable.
    """
    if (spread := _spread([np.atleast_2d(values)], subjects, replicates, seed)) is None:
        return None
    low, high = spread.bounds()
    return max(low, within[0]), min(high, within[1])


def difference(a: Floats, b: Floats, subjects: NDArray[np.str_], replicates: int, seed: int) -> Bounds | None:
    """Return the 95 % interval of what `interval` is about, of `a` less that of `b`, (S_a, N) and (S_b, N)."""
    spread = difference_spread(a, b, subjects, replicates, seed)
    return spread.bounds() if spread else None


def difference_spread(
    a: Floats, b: Floats, subjects: NDArray[np.str_], replicates: int, seed: int
) -> Spread | None:
    """Return the uncertainty of a difference at every level; `difference` is its 95 % interval."""
    return _spread([np.atleast_2d(a), np.atleast_2d(b)], subjects, replicates, seed)


def _spread(runs: Sequence[Floats], subjects: NDArray[np.str_], replicates: int, seed: int) -> Spread | None:
    """Return the uncertainty of the mean of one run, or of the first run less the second."""
    table = np.concatenate(runs)
    finite = np.isfinite(table)
    if replicates < 1 or not finite.any(axis=1).all():
        return None
    names, member = np.unique(subjects, return_inverse=True)
    count = np.stack([_sums(member, row, len(names)) for row in finite])
    total = np.stack([_sums(member, row, len(names)) for row in np.where(finite, table, 0.0)])
    present = int(count.any(axis=0).sum())
    if present < 2:
        return None
    draws = np.concatenate([_means(total, count, times) for times in _resamples(len(names), replicates, seed)])
    draws = draws[np.isfinite(draws).all(axis=1)]  # a draw may hold no subject that a seed found
    if not len(draws):
        return None
    estimates = total.sum(axis=1) / count.sum(axis=1)
    starts = np.cumsum([len(run) for run in runs])[:-1]
    parts = list(zip(np.split(estimates, starts), np.split(draws, starts, axis=1), strict=True))
    estimate, drawn = _contrast([mean for mean, _ in parts]), _contrast([means for _, means in parts])
    low, high = np.percentile(drawn, [100 * TAIL, 100 * (1 - TAIL)])
    below, above = max(float(estimate - low), 0.0), max(float(high - estimate), 0.0)
    return Spread(float(estimate), below, above, present, *_of_seeds(parts, present / (present - 1)))


def _sums(member: NDArray[np.intp], values: NDArray[np.generic], subjects: int) -> Floats:
    return np.asarray(np.bincount(member, values, subjects), np.float64)


def _contrast(parts: Sequence[Floats]) -> Floats:
    """Return the mean over seeds, the last axis; of two runs the first's less the second's."""
    means = [part.mean(axis=-1) for part in parts]
    return np.asarray(means[0] if len(means) == 1 else means[0] - means[1])


def _of_seeds(parts: Sequence[tuple[Floats, Floats]], few: float) -> tuple[float, float, float]:
    """Return the variance of the estimate between seeds, its degrees of freedom, and what subjects have of it.

    `parts` holds the means of each seed of a run, (S,), and those of each draw, (R, S). No variance where no run
    has several.
    """
    errors, freedom, common = [], [], 0.0
    for means, draws in parts:
        if (seeds := len(means)) < 2:
            continue
        errors.append(means.var(ddof=1) / seeds)
        freedom.append(seeds - 1)
        # How the seeds' distances from their mean vary with the subjects is no difference between seeds.
        off = draws - draws.mean(axis=1, keepdims=True)
        common += few * off.var(axis=0).sum() / (seeds * (seeds - 1))
    if not (square := float(sum(errors))):
        return 0.0, np.inf, 0.0
    together = square**2 / sum(error**2 / degrees for error, degrees in zip(errors, freedom, strict=True))
    return square, float(together), float(common)


def _means(total: Floats, count: Floats, times: Floats) -> Floats:
    """Return the means (R, S) of `total` / `count` (S, M), with each subject taken so many `times` (R, M).

    NaN for a draw without a found face.
    """
    counted = times @ count.T
    return np.where(counted > 0, times @ total.T / np.maximum(counted, 1), np.nan)


def _resamples(subjects: int, replicates: int, seed: int) -> Iterator[Floats]:
    """Yield chunks (R, M) of how often each subject is drawn, whole numbers."""
    if subjects * replicates <= KEPT:
        yield _kept(subjects, replicates, seed)
        return
    yield from _drawn(subjects, replicates, seed)


@lru_cache(maxsize=32)
def _kept(subjects: int, replicates: int, seed: int) -> Floats:
    return np.concatenate(list(_drawn(subjects, replicates, seed)))


def _drawn(subjects: int, replicates: int, seed: int) -> Iterator[Floats]:
    generator = rng(seed, "bootstrap")
    step = max(1, CHUNK // subjects)
    for start in range(0, replicates, step):
        rows = min(step, replicates - start)
        drawn = generator.integers(0, subjects, (rows, subjects), dtype=np.int32)
        flat = (drawn + np.arange(rows)[:, None] * subjects).ravel()
        yield np.bincount(flat, minlength=rows * subjects).reshape(rows, subjects).astype(np.float64)
