"""How numbers are printed in posts and tables: all of them come through here."""

import re
from hashlib import sha256

from thermark.metrics.registry import describe
from thermark.report.markdown import PLAIN
from thermark.report.numbers import shown
from thermark.report.numbers import unit as unit
from thermark.report.results.record import Estimate


def printed(metric: str, value: float | None) -> str:
    """Return a value with two digits, fractions in per cent; `p` is a probability, with three; – if absent."""
    if value is None:
        return "–"
    if metric == "p":
        return f"{value:.3f}" if value >= 0.001 else "< 0.001"
    return shown(metric, round(value) if describe(metric).is_count else value)


def plain(value: float) -> str:
    """Return a number of a figure with two digits."""
    return f"{value:.2f}"


def measure(metric: str) -> str:
    """Return the unit and what it is of, such as `% of the distance of the outer eye corners`."""
    whole = describe(metric).whole
    return f"{unit(metric)} of the {whole}" if whole else unit(metric)


def ends(metric: str, low: float | None, high: float | None) -> str:
    """Return an interval such as `7.90–10.59`, `n/a` where there is none."""
    return "n/a" if low is None or high is None else f"{printed(metric, low)}–{printed(metric, high)}"


def bounded(metric: str, estimate: Estimate | None) -> str:
    """Return a value with its interval, – where there is none."""
    if estimate is None or estimate.value is None:
        return "–"
    return f"{printed(metric, estimate.value)} ({ends(metric, estimate.low, estimate.high)})"


def signed(metric: str, value: float, low: float | None, high: float | None) -> str:
    """Return a difference with its sign and its interval, such as `−0.26 (−0.91 to +0.39)`, in percentage points
    of fractions.
    """
    limits = "n/a" if low is None or high is None else f"{plus(metric, low)} to {plus(metric, high)}"
    return f"{plus(metric, value)} ({limits})"


def plus(metric: str, value: float | None) -> str:
    """Return a value with its sign, – if absent."""
    if value is None:
        return "–"
    return f"{'−' if value < 0 else '+'}{printed(metric, abs(value))}"


def points(metric: str) -> str:
    """Return the unit of a difference: percentage points where values are per cent."""
    return "percentage points" if unit(metric) == "%" else unit(metric)


def found_by(name: str) -> str:
    """Return a name that may stand in a file's name: itself where it is plain, else so that no two are alike."""
    if PLAIN.fullmatch(name) and not name.startswith("."):
        return name
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '_', name).strip('_')}-{sha256(name.encode()).hexdigest()[:8]}"
