"""Who did not run, where and why."""

from collections.abc import Mapping

from thermark.report.results.record import ResultSet

HEADER = ("contestants", "data sets", "status", "why")


def absent(sets: Mapping[str, ResultSet]) -> list[tuple[str, str, str, str]]:
    """Return rows of HEADER; contestants share a row who have the same reason on the same data sets."""
    sharing: dict[tuple[str, str], dict[str, list[str]]] = {}
    for name, results in sets.items():
        for record in results.records:
            if not record.ran:
                who = sharing.setdefault((record.status, record.reason), {})
                who.setdefault(record.contestant, []).append(name)
    rows = []
    for (status, reason), who in sharing.items():
        where: dict[tuple[str, ...], list[str]] = {}
        for contestant, on in who.items():
            where.setdefault(tuple(on), []).append(contestant)
        for on_sets, names in where.items():
            told = "all" if len(on_sets) == len(sets) else ", ".join(on_sets)
            rows.append((", ".join(names), told, status, reason))
    return rows
