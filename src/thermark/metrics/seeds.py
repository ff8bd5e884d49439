"""Numbers of several seeds of one run as one set of numbers."""

from collections.abc import Sequence

import numpy as np

from thermark.metrics.names import describe

COUNTS = ("faces", "points", "seeds", "frames", "detections")


def combined(summaries: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the mean over seeds of each metric, and of each count the largest, which hides no seed's misses.

    A metric that is undefined for one seed is NaN.
    """
    names = dict.fromkeys(name for summary in summaries for name in summary)
    return {name: _one(name, [summary.get(name, np.nan) for summary in summaries]) for name in names}


def spread(values: Sequence[float]) -> float:
    """Return the sample standard deviation over seeds, NaN for one seed."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")


def _one(name: str, values: Sequence[float]) -> float:
    return max(values) if describe(name).unit in COUNTS else float(np.mean(values))
