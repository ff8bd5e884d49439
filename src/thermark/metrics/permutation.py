"""Sign-flip p values of paired differences: would subjects differ as much if a and b were one and the same?

Where two contestants are equal, a subject's mean difference is as likely to have the other sign. p is the
part of all patterns of signs, or of many drawn ones, whose mean over subjects is at least as far from zero as the
observed one. Every subject weighs the same, however many faces there are of it: this is the mean of subject means,
whereas intervals are those of the mean over faces. Variation between trainings is not covered: p is about these
predictions.
"""

import numpy as np
from numpy.typing import NDArray

from thermark.core.seeds import rng
from thermark.metrics.distances import Floats

EXACT = 14  # subjects up to which all 2^G patterns are looked at
FLIPS = 9999  # patterns that are drawn for more
CHUNK = 1_000_000  # cells of a table held at once
ROUNDING = 1e-9  # of the sum of all sizes: sums that differ by less are equal


def subject_means(values: Floats, subjects: NDArray[np.generic]) -> Floats:
    """Return the mean of the finite `values` (N,) of each subject, (G,) in the order of names, NaN without any."""
    names, member = np.unique(subjects, return_inverse=True)
    finite = np.isfinite(values)
    count = np.bincount(member[finite], minlength=len(names))
    total = np.bincount(member[finite], values[finite], len(names))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def sign_flips(means: Floats, flips: int = FLIPS, seed: int = 0) -> Floats:
    """Return the two-sided p of each row of subject means (P, G), NaN = not there, as (P,).

    Exact up to EXACT subjects, so at least 2 / 2^G; beyond that (b + 1) / (m + 1) of m drawn `flips`. NaN with
    fewer than two subjects: one alone is never unlikely. Rows of as many subjects share their patterns.
    """
    finite = np.isfinite(means)
    counts = finite.sum(axis=1)
    p = np.full(len(means), np.nan)
    for count in np.unique(counts[counts > 1]):
        rows = counts == count
        complete = means[rows][finite[rows]].reshape(-1, count)
        p[rows] = _exact(complete) if count <= EXACT else _drawn(complete, flips, seed)
    return p


def _exact(means: Floats) -> Floats:
    """Return p of rows (P, G) from all patterns; of a pattern and its opposite, which are as far, one is made."""
    subjects = means.shape[1]
    numbers = np.arange(2 ** (subjects - 1))
    signs = 1.0 - 2.0 * (numbers[:, None] >> np.arange(subjects) & 1)  # the last subject keeps its sign
    step = max(1, CHUNK // len(signs))
    parts = [means[start : start + step] for start in range(0, len(means), step)]
    return np.concatenate([_reached(signs, part) for part in parts]) / len(signs)


def _drawn(means: Floats, flips: int, seed: int) -> Floats:
    """Return p of rows (P, G) from drawn patterns and the one that was seen."""
    generator = rng(seed, "sign flips", means.shape[1])
    step = max(1, CHUNK // max(means.shape))
    reached = np.zeros(len(means))
    for start in range(0, flips, step):
        size = (min(step, flips - start), means.shape[1])
        reached += _reached(1.0 - 2.0 * generator.integers(0, 2, size, dtype=np.int8), means)
    return (reached + 1) / (flips + 1)


def _reached(signs: NDArray[np.floating], means: Floats) -> Floats:
    """Return how many patterns (M, G) bring the sum of each row (P, G) as far from zero as it is, (P,)."""
    seen = np.abs(means.sum(axis=1)) - ROUNDING * np.abs(means).sum(axis=1)
    return np.asarray((np.abs(means @ signs.T) >= seen[:, None]).sum(axis=1), np.float64)
