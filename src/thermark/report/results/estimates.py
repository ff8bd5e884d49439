"""What stands beside a printed metric: its interval, its spread over seeds, and what the interval covers."""

from thermark.report.number_format import interval as between
from thermark.report.number_format import shown
from thermark.report.results.record import Record


def interval(record: Record, name: str) -> str:
    """Return the interval of a metric as printed; n/a where one subject or none was drawn from."""
    estimate = record.metrics.get(name)
    return (between(name, estimate.low, estimate.high) if estimate else "") or "n/a"


def plus_minus(record: Record, name: str) -> str:
    """Return the standard deviation of a metric over several seeds as printed behind it, nothing for one seed."""
    estimate = record.metrics.get(name)
    return "" if estimate is None or estimate.seed_std is None else f" ± {shown(name, estimate.seed_std)}"


def covered(record: Record, main: str) -> str:
    """Return what an interval covers: subjects only, or seeds as well; nothing where there is no interval."""
    if interval(record, main) == "n/a":
        return ""
    if record.seeds > 1:
        return f"subjects and {record.seeds} seeds"
    return "subjects only, 1 seed" if record.seeds else "subjects only"
