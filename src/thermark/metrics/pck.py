"""Percentage of correct points (PCK), as a fraction of the labelled points."""

import numpy as np

from thermark.metrics.distances import Floats


def pck(errors: Floats, threshold: float) -> float:
    """Return the fraction of labelled points with an error of at most `threshold`; NaN if none is labelled.

    `errors` is NaN where unlabelled and infinite where missed: a miss is a failure. Errors and threshold
    share one unit: source px, or a fraction of a normaliser.
    """
    labelled = ~np.isnan(errors)
    if not labelled.any():
        return float("nan")
    return float((errors[labelled] <= threshold).mean())
