"""What a calibration prints: numbers with intervals, and whether there is a difference at all."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.core.point_errors import PCK_LIMITS, mean_of_finite, median_of_finite, pck
from thermark.core.seeds import rng
from thermark.metrics.bootstrap import interval
from thermark.metrics.distances import Floats
from thermark.metrics.paired import Paired, paired

REPLICATES = 2000
FEW = 20
Names = NDArray[np.str_]
Bounds = tuple[float, float] | None


@dataclass(frozen=True)
class Number:
    """A value, None over nothing, and its 95 % interval by group, None where there is none; a whole one counts."""

    value: float | int | None
    bounds: Bounds

    def text(self) -> str:
        """Return `3.10 (2.25 to 4.01)`, a count without decimals."""
        if self.value is None:
            return "n/a"
        if isinstance(self.value, int):
            return str(self.value)
        if self.bounds is None:
            return f"{self.value:.2f}"
        return f"{self.value:.2f} ({self.bounds[0]:.2f} to {self.bounds[1]:.2f})"


def summary(errors: Floats, groups: Names, seed: int) -> dict[str, Number]:
    """Return `mean`, `median`, `pck@3px` .. `pck@20px` and `missed` of errors (N,) in px, infinite = missed.

    Mean and median are over what was found; a miss fails every PCK. A PCK of 0 or 1 has no interval: to resample
    what is all the same shows no doubt, and there is some.
    """
    finite = np.where(np.isfinite(errors), errors, np.nan)
    some = bool(np.isfinite(finite).any())
    numbers = {
        "mean": Number(
            mean_of_finite(errors) if some else None,
            interval(finite, groups, REPLICATES, seed, within=(0.0, np.inf)),
        ),
        "median": Number(median_of_finite(errors) if some else None, median_interval(finite, groups, seed)),
    }
    for limit in PCK_LIMITS:
        hits = (errors <= limit).astype(np.float64)
        bounds = interval(hits, groups, REPLICATES, seed, within=(0.0, 1.0)) if 0 < hits.mean() < 1 else None
        numbers[f"pck@{limit}px"] = Number(pck(errors, limit), bounds)
    return numbers | {"missed": Number(int(np.isinf(errors).sum()), None)}


def median_interval(values: Floats, groups: Names, seed: int) -> Bounds:
    """Return the 95 % bootstrap interval of the median of the finite `values` (N,), drawn by group."""
    finite = np.isfinite(values)
    return _bounds(_medians(values[finite][None], groups[finite], seed)[:, 0])


@dataclass(frozen=True)
class Improvement:
    """After minus before on the same rows: of the mean (a few gross errors decide it), and of the median."""

    mean: Paired
    median: Number
    missed: tuple[int, int]

    @property
    def helps(self) -> bool:
        """Whether one of the two is shown to be lower, the other not to be higher, and no more is missed.

        Each is wrong in 2.5 % of cases in this direction, so both together in 5 % at most.
        """
        lower = self.mean.verdict == "lower error" or _below(self.median)
        higher = self.mean.verdict == "higher error" or _above(self.median)
        return lower and not higher and self.missed[1] <= self.missed[0]


def paired_gain(before: Floats, after: Floats, names: Names, groups: Names, seed: int) -> Improvement:
    """Compare errors (N,) in px of the same rows before and after, infinite = missed."""
    columns = {"ids": names, "subjects": groups}
    mean = paired(columns | {"error": after}, columns | {"error": before}, "error", REPLICATES, seed)
    both = np.isfinite(before) & np.isfinite(after)
    median = Number(None, None)
    if both.any():
        medians = _medians(np.stack([after[both], before[both]]), groups[both], seed)
        difference = float(np.median(after[both]) - np.median(before[both]))
        median = Number(difference, _bounds(medians[:, 0] - medians[:, 1]))
    return Improvement(mean, median, (int(np.isinf(before).sum()), int(np.isinf(after).sum())))


def _medians(rows: Floats, groups: Names, seed: int) -> Floats:
    """Return bootstrap medians (R, S) of finite rows (S, N), columns drawn by group; R is 0 with one group."""
    names, member = np.unique(groups, return_inverse=True)
    if len(names) < 2:
        return np.zeros((0, len(rows)))
    rows_of = [np.flatnonzero(member == index) for index in range(len(names))]
    draws = rng(seed, "bootstrap").integers(0, len(names), (REPLICATES, len(names)), dtype=np.int32)
    return np.stack(
        [np.median(rows[:, np.concatenate([rows_of[index] for index in draw])], axis=1) for draw in draws]
    )


def _bounds(draws: Floats) -> Bounds:
    if not len(draws):
        return None
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(low), float(high)


def _below(number: Number) -> bool:
    return number.bounds is not None and number.bounds[1] < 0


def _above(number: Number) -> bool:
    return number.bounds is not None and number.bounds[0] > 0


def table(columns: Mapping[str, dict[str, Number]]) -> str:
    """Return columns of numbers side by side with their intervals."""
    lines = [("", *columns)]
    for name in next(iter(columns.values())):
        unit = ", px" if name in ("mean", "median") else ""
        lines.append((name + unit, *(column[name].text() for column in columns.values())))
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns) + 1)]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(line.rstrip() for line in padded)


def verdict(gain: Improvement) -> str:
    """Return the two differences and one honest sentence about them."""
    mean = gain.mean
    if mean.difference is None:
        return "Nothing can be said: no label was found both before and after."
    if mean.low is None or mean.high is None or gain.median.bounds is None or gain.median.value is None:
        return f"The mean error changes by {mean.difference:+.2f} px; too few groups to say more."
    low, high = gain.median.bounds
    change = (
        f"the mean error changes by {mean.difference:+.2f} px (95 %: {mean.low:+.2f} to {mean.high:+.2f}), "
        f"the median error by {gain.median.value:+.2f} px ({low:+.2f} to {high:+.2f})"
    )
    if gain.helps and mean.verdict == "lower error":
        return f"Calibration helps: {change}."
    if gain.helps:
        return f"Calibration helps on the typical picture: {change}. A few gross errors decide the mean."
    if mean.verdict == "higher error" or _above(gain.median):
        return f"Calibration makes it worse: {change}."
    if gain.missed[1] > gain.missed[0]:
        return f"{gain.missed[1]} instead of {gain.missed[0]} labels are missed, whatever is gained: {change}."
    return f"Nothing was gained that these labels could show: {change}, and both intervals hold 0."


def constant_verdict(better: Improvement) -> str:
    """Return whether the calibrated head beats the constant prediction, by the interval of their difference."""
    mean = better.mean.difference
    difference = "" if mean is None else f" (mean error {mean:+.2f} px against it)"
    if better.helps:
        return f"It is better than a constant place, the mean of the labels{difference}."
    return (
        f"It is no better than a constant place, the mean of the labels{difference}: it has not learned to look."
    )


def plain(numbers: dict[str, Number]) -> dict[str, Any]:
    """Return numbers as plain data for JSON."""
    return {name: asdict(number) for name, number in numbers.items()}
