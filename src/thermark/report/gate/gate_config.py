"""What the gate looks at, and how much worse a metric may be."""

from typing import Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt

from thermark.core.config import Section


class Margin(Section):
    """How much worse a metric may be: `absolute` in its unit, or as a part of the base's, whichever is more."""

    absolute: NonNegativeFloat = 0.0
    relative: NonNegativeFloat = 0.0

    def of(self, base: float) -> float:
        """Return the margin in the unit of the metric."""
        return max(self.absolute, self.relative * abs(base))


class Config(Section):
    """What the gate looks at.

    `results`: where a project has its records, below its root.
    `margins` by metric; of a main metric, and of its mean over all faces, faces are paired, every other metric is
    compared as it stands. `exact`: numbers of `Record.exact` that must not move by more than `tolerance` of
    themselves. `scores`: `exact` where the same code must give the same scores, as in one arithmetic on one CPU:
    then no metric may move by more than `tolerance`, for better or worse. `ignore`: contestants that are not
    gated. `replicates` and `seed` of the interval.
    """

    results: str
    margins: dict[str, Margin]
    exact: tuple[str, ...] = ("parameters", "macs")
    tolerance: NonNegativeFloat = 1e-6
    scores: Literal["margin", "exact"] = "margin"
    ignore: tuple[str, ...] = ()
    replicates: NonNegativeInt = Field(2000, ge=100)
    seed: NonNegativeInt = 0
