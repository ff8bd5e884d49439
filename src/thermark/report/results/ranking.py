"""The order of contestants on a data set, and on several, by records and groups alone."""

from collections.abc import Mapping
from math import inf
from types import MappingProxyType

from thermark.report.results.estimates import value
from thermark.report.results.record import Record, ResultSet

Groups = Mapping[str, str]  # contestant -> letter
FLOOR = "mean_shape"  # looks at no picture: every contestant must beat it
NONE: Groups = MappingProxyType({})


def whole(record: Record, results: ResultSet) -> bool:
    """Return whether no contestant of this data set is scored on more landmarks."""
    return record.points == max((other.points for other in results.records), default=0)


def ranked(results: ResultSet, groups: Groups = NONE) -> list[Record]:
    """Return the contestants that ran from best to worst: by group, and within one by the error over all faces.

    A missed face counts the stated cap, so that finding fewer faces never improves a place. A contestant without
    a letter stands by its error among those with one. One without an error comes last, and one without all
    landmarks comes after those with all.
    """
    ran = [record for record in results.records if record.ran]
    errors = {record.contestant: _error(record, results) for record in ran}

    def letter(record: Record) -> str:
        """Return a contestant's letter, or the last of those that are no worse."""
        before = (groups.get(name, "") for name, error in errors.items() if error <= errors[record.contestant])
        return groups.get(record.contestant) or max(before, default="")

    def order(record: Record) -> tuple[bool, str, float, str]:
        return not whole(record, results), letter(record), errors[record.contestant], record.contestant

    return sorted(ran, key=order)


def _error(record: Record, results: ResultSet) -> float:
    error = value(record, f"{results.protocol.main}_all")
    return inf if error is None else error


def most_found(results: ResultSet) -> list[Record]:
    """Return all that have found the most faces, from best to worst: often it is not one alone."""
    ran = ranked(results)
    most = max((value(record, "found") or 0.0 for record in ran), default=0.0)
    return [record for record in ran if value(record, "found") == most]


def overall(sets: Mapping[str, ResultSet], groups: Mapping[str, Groups] = MappingProxyType({})) -> list[str]:
    """Return all contestants from best to worst by their mean place on several sets, of equals the first named.

    `groups`: data set -> groups. A contestant that did not run has the last place.
    """
    places: dict[str, list[int]] = {record.contestant: [] for on in sets.values() for record in on.records}
    for name, results in sets.items():
        order = {record.contestant: place for place, record in enumerate(ranked(results, groups.get(name, NONE)))}
        for record in results.records:
            places[record.contestant].append(order.get(record.contestant, len(results.records)))
    return sorted(places, key=lambda name: sum(places[name]) / len(places[name]))


def kinds(sets: Mapping[str, ResultSet]) -> dict[str, str]:
    """Return contestant -> recipe or family."""
    return {record.contestant: record.kind for results in sets.values() for record in results.records}
