"""Contestants that did not run, on which data sets and why."""

from collections.abc import Mapping

from thermark.report.results.record import ResultSet

HEADER = ("contestants", "data sets", "status", "why")


def absent(sets: Mapping[str, ResultSet]) -> list[tuple[str, str, str, str]]:
    """Return rows of HEADER; contestants share a row that have the same reason on the same data sets."""
    by_reason: dict[tuple[str, str], dict[str, list[str]]] = {}
    for name, results in sets.items():
        for record in results.records:
            if not record.ran:
                absent_ones = by_reason.setdefault((record.status, record.reason), {})
                absent_ones.setdefault(record.contestant, []).append(name)
    rows = []
    for (status, reason), absent_ones in by_reason.items():
        by_sets: dict[tuple[str, ...], list[str]] = {}
        for contestant, on in absent_ones.items():
            by_sets.setdefault(tuple(on), []).append(contestant)
        for on_sets, names in by_sets.items():
            where = "all" if len(on_sets) == len(sets) else ", ".join(on_sets)
            rows.append((", ".join(names), where, status, reason))
    return rows
