"""Numbers as the page prints them: units, intervals, and why one is absent."""

from collections.abc import Mapping, Sequence
from typing import Any

from thermark.report.notices import kind
from thermark.report.number_format import shown, unit
from thermark.report.results.estimates import bounds
from thermark.report.results.record import DataSet, Estimate, Record

DASH = "\N{EN DASH}"


def origin(data_set: DataSet) -> str:
    """Return in a few words where pictures and labels come from, `rendered data` among them."""
    labels = ", machine labels" if kind(data_set) == "machine" else ""
    return f"{data_set.origin} data{labels}"


def titled(data_set: DataSet) -> str:
    """Return a data set's title, which names rendered data and machine labels as such."""
    qualifier = {"machine": "machine labels"}.get(kind(data_set), kind(data_set))
    return data_set.title if qualifier in data_set.title else f"{data_set.title} ({origin(data_set)})"


def no_interval(record: Record, estimate: Estimate) -> str:
    """Return why a number has no interval."""
    if estimate.value is None:
        return "no face was found" if record.faces and record.missed >= record.faces else "undefined here"
    if estimate.subjects < 2:
        return "one subject only"
    return "not computed for this metric"


def covered(record: Record) -> str:
    """Return what the intervals of a contestant cover."""
    if record.seeds > 1:
        return f"subjects and {record.seeds} seeds"
    return "subjects only, 1 seed" if record.seeds == 1 else "subjects only, weights as they came"


def milliseconds(number: float) -> str:
    """Return a time as printed, three digits that count."""
    return f"{number:,.0f}" if number >= 1000 else f"{number:.3g}"


def quartiles(timing: Mapping[str, Any]) -> str:
    """Return between what the middle half of the times lies, as printed; empty where that is not known."""
    low, high = timing.get("ms_low"), timing.get("ms_high")
    return "" if low is None or high is None else f"{milliseconds(low)}{DASH}{milliseconds(high)}"


def amount(number: float) -> str:
    """Return a large number for people: 4.1 M, 410 k."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {letter}"
    return f"{number:g}"


def listed(names: Sequence[str], most: int = 5) -> str:
    """Return names as a sentence lists them, those beyond `most` as a number."""
    texts = list(names[:most]) + ([f"{len(names) - most} more"] if len(names) > most else [])
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}" if texts else ""


def value(metric: str, number: float | None) -> str:
    """Return a number with its unit, such as `5.30 %`."""
    return "no value" if number is None else f"{shown(metric, number)} {unit(metric)}"


def ends(metric: str, values: Mapping[str, float], where: str) -> tuple[str, str]:
    """Return the least and the greatest of some values with their units, and behind each `where` it is."""
    least, most = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
    first, last = (f"{value(metric, values[key])} {where.format(key)}" for key in (least, most))
    return first, last


def with_interval(metric: str, estimate: Estimate) -> str:
    """Return a number with unit and interval, such as `5.30 % (95 % interval 4.63–6.01)`."""
    within = bounds(metric, estimate)
    return f"{shown(metric, estimate.value)} {unit(metric)}" + (f" (95 % interval {within})" if within else "")
