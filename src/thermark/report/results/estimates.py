"""The estimates of a record, and what stands beside a printed one: interval, spread over seeds, what it covers."""

from thermark.report.number_format import interval as between
from thermark.report.number_format import shown
from thermark.report.results.record import Bounded, Estimate, Record

UNKNOWN = Estimate(value=None, faces=0, subjects=0)


def estimate(record: Record, metric: str) -> Estimate:
    """Return an estimate of a contestant, one without a value where there is none."""
    return record.metrics.get(metric, UNKNOWN)


def value(record: Record, metric: str) -> float | None:
    """Return the value of a metric, None where there is none."""
    return estimate(record, metric).value


def bounds(metric: str, bounded: Bounded) -> str:
    """Return a 95 % interval as printed, such as `4.63–6.01`; empty where there is none."""
    return between(metric, bounded.low, bounded.high)


def interval(record: Record, name: str) -> str:
    """Return the interval of a metric as printed; n/a where one subject or none was drawn from."""
    return bounds(name, estimate(record, name)) or "n/a"


def plus_minus(record: Record, name: str) -> str:
    """Return the standard deviation of a metric over several seeds as printed behind it, nothing for one seed."""
    spread = estimate(record, name).seed_std
    return "" if spread is None else f" ± {shown(name, spread)}"


def covered(record: Record, main: str) -> str:
    """Return what an interval covers: subjects only, or seeds as well; nothing where there is no interval."""
    if interval(record, main) == "n/a":
        return ""
    if record.seeds > 1:
        return f"subjects and {record.seeds} seeds"
    return "subjects only, 1 seed" if record.seeds else "subjects only"
