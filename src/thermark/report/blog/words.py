"""How numbers are printed in posts and their tables."""

import re
from hashlib import sha256

from thermark.metrics.registry import describe
from thermark.report.number_format import shown
from thermark.report.results.estimates import interval, value
from thermark.report.results.record import Record

PLAIN = re.compile(r"[A-Za-z0-9_@+-][A-Za-z0-9_.@+-]*")


def printed(metric: str, value: float | None) -> str:
    """Return a value with two digits, fractions in per cent; – if absent."""
    return shown(metric, round(value) if value is not None and describe(metric).is_count else value)


def bounded(record: Record, metric: str) -> str:
    """Return a value with its interval, – where there is none."""
    number = value(record, metric)
    return "–" if number is None else f"{printed(metric, number)} ({interval(record, metric)})"


def found_by(name: str) -> str:
    """Return a name that may stand in a file's name: itself where it is plain, else so that no two are alike."""
    if PLAIN.fullmatch(name):
        return name
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '_', name).strip('_')}-{sha256(name.encode()).hexdigest()[:8]}"
