"""How metrics are called and printed in tables."""

import re
from typing import Any

from thermark.metrics.registry import describe, parse_name

UNITS = {"fraction": "%", "px": "px"}


def unit(metric: str) -> str:
    """Return `%`, `px` or what is counted."""
    stored = describe(metric).unit
    return UNITS.get(stored, stored)


def scale(metric: str) -> int:
    """Return what a value is multiplied by to be in `unit`."""
    return 100 if unit(metric) == "%" else 1


def title(name: str) -> str:
    """Return what a metric is called, such as `NME diagonal` or `PCK @ 10 px`."""
    key, limit = parse_name(name)
    called = describe(name).label or key.partition("@")[0]
    return called if limit is None else f"{called} @ {limit:g} {key.partition('@')[2]}"


def label(name: str) -> str:
    """Return a column title with unit and arrow, such as `NME diagonal, % ↓` or `PCK @ 10 px, % ↑`."""
    metric = describe(name)
    arrow = {True: " ↑", False: " ↓", None: ""}[metric.higher_is_better]
    return f"{title(name)}{'' if metric.is_count else f', {unit(name)}'}{arrow}"


def shown(name: str, value: Any) -> str:
    """Return a value as printed: per cent and px with two digits, counts plain; – if absent."""
    if value is None:
        return "–"
    return f"{value:.0f}" if describe(name).is_count else f"{scale(name) * value:.2f}"


def long_unit(metric: str) -> str:
    """Return the unit and of what: `% of the distance of the outer eye corners` or `px of the source image`."""
    return f"{unit(metric)} of the {describe(metric).whole or 'source image'}"


def interval(name: str, low: float | None, high: float | None) -> str:
    """Return an interval as printed, such as `4.63–6.01`; empty where there is none."""
    return "" if low is None or high is None else f"{shown(name, low)}–{shown(name, high)}"


def signed(value: float | None, name: str) -> str:
    """Return a difference as printed: px, or percentage points, with its sign; – for none."""
    return "–" if value is None else plus(scale(name) * value)


def plus(number: float, digits: int = 2) -> str:
    """Return a number with its sign."""
    return f"{number:+.{digits}f}".replace("-", "−")


def points(name: str) -> str:
    """Return the unit in which differences of a metric are printed."""
    return "% points" if unit(name) == "%" else unit(name)


def probability(p: float | None) -> str:
    """Return p as printed, three digits; – for none."""
    return "–" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"


def natural(text: str) -> list[tuple[float, str]]:
    """Return a sort key by which `2 ft` comes before `10 ft`."""
    parts = re.split(r"([0-9]+(?:\.[0-9]+)?)", text)
    return [(float(part), "") if index % 2 else (-1.0, part) for index, part in enumerate(parts)]
