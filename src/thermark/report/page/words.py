"""Numbers as the page prints them: units, intervals, and why one is absent."""

from collections.abc import Sequence

from thermark.report.notices import kind
from thermark.report.number_format import interval as between
from thermark.report.number_format import long_unit as long_unit
from thermark.report.number_format import scale as scale
from thermark.report.number_format import shown
from thermark.report.number_format import unit as unit
from thermark.report.results.record import DataSet, Estimate, Record, ResultSet

PICTURES = {"rendered": "rendered data", "thermalised": "thermalised data", "real": "real data"}
DASH = "\N{EN DASH}"


def origin(data_set: DataSet) -> str:
    """Return in a few words where pictures and labels come from, `rendered data` among them."""
    text = PICTURES[data_set.origin]
    return f"{text}, machine labels" if kind(data_set) == "machine" else text


def titled(data_set: DataSet) -> str:
    """Return a data set's title, which names rendered data and machine labels as such."""
    text = origin(data_set)
    qualifiers: tuple[str, ...] = (
        ("rendered",)
        if data_set.origin == "rendered"
        else ("thermalised",)
        if data_set.origin == "thermalised"
        else ()
    )
    qualifiers += ("machine labels",) if kind(data_set) == "machine" else ()
    missing = [word for word in qualifiers if word not in data_set.title]
    return f"{data_set.title} ({text})" if missing else data_set.title


def interval(metric: str, estimate: Estimate | None) -> str:
    """Return a 95 % interval as printed, such as `4.63–6.01`; empty where there is none."""
    return "" if estimate is None else between(metric, estimate.low, estimate.high)


def no_interval(record: Record, estimate: Estimate | None) -> str:
    """Return why a number has no interval."""
    if estimate is None or estimate.value is None:
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


def value(main: str, number: float | None) -> str:
    """Return a number of the main metric with its unit, such as `5.30 %`."""
    return "no value" if number is None else f"{shown(main, number)} {unit(main)}"


def with_interval(results: ResultSet, name: str, estimate: Estimate) -> str:
    """Return a number with unit and interval, such as `5.30 % (95 % interval 4.63–6.01)`."""
    unit_text = "%" if name == "found" else unit(results.protocol.main)
    ends = interval(name, estimate)
    bounds = f" (95 % interval {ends})" if ends else ""
    return f"{shown(name, estimate.value)} {unit_text}{bounds}"
