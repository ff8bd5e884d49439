"""How large a difference has to be for a comparison of this size to show it."""

import numpy as np

from thermark.metrics.spread import TAIL, Spread

POWER = 0.8


def detectable(spread: Spread) -> float:
    """Return the minimal detectable effect: a true difference that is shown at 5 %, two-sided, in 80 % of studies.

    Student's quantiles for 95 % and 80 % together, times the standard error (Bloom 1995); with subjects alone that
    is (t_0.975 + t_0.8) SE with G - 1 degrees of freedom. Both quantiles are taken of subjects and of seeds by the
    same rule as the interval's ends, of which it is half the width and the 80 % more. In the errors' unit.
    """
    return float(np.mean(spread.reach(TAIL)) + np.mean(spread.reach(1 - POWER)))
