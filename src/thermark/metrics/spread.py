"""How far an estimate may lie from the truth: at any level, as an interval, or as the p at which it meets zero."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri, stdtrit

TAIL = 0.025  # outside of a 95 % interval, on each side
NORMAL = 1.959963984540054  # the normal's quantile there
POWER = 0.8
SMALLEST = 1e-12  # smaller two-sided p values are given as this one


@dataclass(frozen=True)
class Spread:
    """An estimate, and the doubt that subjects and seeds leave about it, each with its degrees of freedom.

    `below` and `above`: from the estimate to the percentiles of the bootstrap of `subjects`, at TAIL. `variance`
    is that of the estimate between seeds, 0 without several, with `freedom`; `common` is the part of it that is in
    the doubt of subjects already.
    """

    estimate: float
    below: float
    above: float
    subjects: int
    variance: float = 0.0
    freedom: float = np.inf
    common: float = 0.0

    def reach(self, tail: float = TAIL) -> tuple[float, float]:
        """Return how far below and above the estimate the truth may lie, with `tail` outside on each side.

        Both sources are widened from the normal's quantile to Student's; their squares are added.
        """
        few = self.subjects / (self.subjects - 1)  # a bootstrap's variance is that of a sample, divided by G
        widening = stdtrit(self.subjects - 1, 1 - tail) / NORMAL * np.sqrt(few)
        trained = 0.0
        if self.variance:
            square = stdtrit(self.freedom, 1 - tail) ** 2 * self.variance - ndtri(1 - tail) ** 2 * self.common
            trained = float(np.sqrt(max(square, 0.0)))
        return float(np.hypot(widening * self.below, trained)), float(np.hypot(widening * self.above, trained))

    def bounds(self) -> tuple[float, float]:
        """Return the 95 % interval."""
        below, above = self.reach()
        return self.estimate - below, self.estimate + above

    def p(self) -> float:
        """Return the two-sided p of an estimate of zero: below 0.05 just where the 95 % interval leaves out zero.

        It is the level at which the interval meets zero; SMALLEST stands for all below.
        """
        side, gap = (0, self.estimate) if self.estimate > 0 else (1, -self.estimate)

        def short(log_p: float) -> float:
            return gap - self.reach(np.exp(log_p) / 2)[side]

        if gap == 0:
            return 1.0
        if short(np.log(SMALLEST)) >= 0:
            return SMALLEST
        return float(np.exp(brentq(short, np.log(SMALLEST), 0.0, xtol=1e-9)))

    def detectable(self) -> float:
        """Return the minimal detectable effect: a true difference shown at 5 %, two-sided, in 80 % of studies.

        Student's quantiles for 95 % and 80 % together, times the standard error (Bloom 1995); with subjects alone
        that is (t_0.975 + t_0.8) SE with G - 1 degrees of freedom. Both quantiles are of subjects and of seeds
        by the rule of the interval's ends, of which it is half the width and the 80 % more. In the errors' unit.
        """
        return float(np.mean(self.reach(TAIL)) + np.mean(self.reach(1 - POWER)))
