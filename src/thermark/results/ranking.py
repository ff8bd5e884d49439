"""Who comes before whom on a data set, by records alone."""

from collections.abc import Mapping

from thermark.results.record import Record, ResultSet


def ranked(results: ResultSet) -> list[Record]:
    """Return those who ran, from best to worst by the error over all faces, a miss at the stated cap.

    Nobody gets better by finding fewer faces. Who has not all landmarks of the others comes after all who have.
    """
    name = f"{results.protocol.main}_all"
    ran = [record for record in results.records if record.ran]
    return sorted(
        ran, key=lambda record: (not whole(record, results), value(record, name) or 0.0, record.contestant)
    )


def whole(record: Record, results: ResultSet) -> bool:
    """Return whether a contestant is scored on all landmarks that anybody is scored on here."""
    return record.points == max((other.points for other in results.records), default=0)


def value(record: Record, metric: str) -> float | None:
    """Return the value of a metric, None where there is none."""
    estimate = record.metrics.get(metric)
    return None if estimate is None else estimate.value


def most_found(results: ResultSet) -> list[Record]:
    """Return all who have found the most faces, from best to worst: often it is not one alone."""
    ran = ranked(results)
    most = max((value(record, "found") or 0.0 for record in ran), default=0.0)
    return [record for record in ran if value(record, "found") == most]


def standing(sets: Mapping[str, ResultSet]) -> list[str]:
    """Return all contestants from best to worst by their mean place on several sets, of equals the first named."""
    places: dict[str, list[int]] = {}
    for results in sets.values():
        order = [record.contestant for record in ranked(results)]
        for record in results.records:
            ran = record.contestant in order
            place = order.index(record.contestant) if ran else len(results.records)
            places.setdefault(record.contestant, []).append(place)
    return sorted(places, key=lambda name: sum(places[name]) / len(places[name]))


def kinds(sets: Mapping[str, ResultSet]) -> dict[str, str]:
    """Return contestant -> recipe or family."""
    return {record.contestant: record.kind for results in sets.values() for record in results.records}
