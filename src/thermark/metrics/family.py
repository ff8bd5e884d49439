"""Comparisons that are read together: Holm's p within families that were declared before anybody looked."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from thermark.core.errors import ConfigError
from thermark.metrics.distances import Floats

Pair = tuple[str, str]


def holm(p: Floats) -> Floats:
    """Return Holm's adjusted p (M,) of raw ones (M,), in their order and at most 1.

    To call those at most 0.05 different is wrong anywhere in the family in at most 5 % of studies, however the
    comparisons depend on each other. NaN, a comparison that could not be made, stays NaN and does not count.
    """
    p = np.asarray(p, np.float64)
    finite = np.flatnonzero(np.isfinite(p))
    order = finite[np.argsort(p[finite], kind="stable")]
    adjusted = np.full(len(p), np.nan)
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def adjusted(
    families: Mapping[str, Sequence[Pair]], raw: Mapping[Pair, float | None]
) -> dict[str, dict[Pair, float]]:
    """Return the adjusted p of each declared pair, family by family, as it was declared.

    `raw` holds two-sided p, so a pair is found either way round; one that is None or not there is NaN. Raises
    ConfigError for a pair of one contestant with itself, and for one that stands in its family twice.
    """
    for name, pairs in families.items():
        _require_pairs(name, pairs)
    by_pair = {frozenset(pair): value for pair, value in raw.items()}
    by_family = {}
    for name, pairs in families.items():
        values = holm(np.array([by_pair.get(frozenset(pair)) for pair in pairs], np.float64))
        by_family[name] = dict(zip(pairs, values.tolist(), strict=True))
    return by_family


def _require_pairs(name: str, pairs: Sequence[Pair]) -> None:
    for a, b in pairs:
        if a == b:
            raise ConfigError(f"family {name} compares {a} with itself", "name two contestants")
    twice = [pair for pair, count in Counter(map(frozenset, pairs)).items() if count > 1]
    if twice:
        raise ConfigError(f"family {name} has {' and '.join(sorted(twice[0]))} twice", "leave one out")
