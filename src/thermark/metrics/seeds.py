"""Numbers of several seeds of one run as one set of numbers."""

import math
from collections.abc import Sequence

import numpy as np

from thermark.metrics.registry import describe


def combined(summaries: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the mean over seeds of each metric, and of each count the largest, which hides no seed's misses.

    A metric that is undefined for one seed is NaN; of a count those seeds that have it are looked at.
    """
    names = dict.fromkeys(name for summary in summaries for name in summary)
    return {name: _combine(name, [summary.get(name, math.nan) for summary in summaries]) for name in names}


def _combine(name: str, values: Sequence[float]) -> float:
    if describe(name).is_count:
        return max((value for value in values if not math.isnan(value)), default=math.nan)
    return float(np.mean(values))


def spread(values: Sequence[float]) -> float:
    """Return the sample standard deviation over seeds, NaN for one seed."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
