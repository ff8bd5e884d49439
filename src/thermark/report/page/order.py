"""The order of contestants on a data set, and which of them are drawn in colour."""

from collections.abc import Sequence
from itertools import chain, zip_longest

from thermark.metrics.scores import GIVEN
from thermark.report.results.ranking import FLOOR, ranked, whole
from thermark.report.results.record import Estimate, Record, ResultSet

UNKNOWN = Estimate(value=None, faces=0, subjects=0)


def of_all(results: ResultSet, record: Record) -> Estimate:
    """Return a contestant's mean error over all faces, a miss at the stated cap."""
    return record.metrics.get(f"{results.protocol.main}_all", UNKNOWN)


def of_found(results: ResultSet, record: Record) -> Estimate:
    """Return a contestant's mean error over the faces that it found."""
    return record.metrics.get(results.protocol.main, UNKNOWN)


def found(record: Record) -> Estimate:
    """Return the part of the faces that a contestant found."""
    return record.metrics.get("found", UNKNOWN)


def partial(results: ResultSet, record: Record) -> bool:
    """Return whether a contestant answers fewer landmarks than others, so that its mean is of other points."""
    return not whole(record, results)


def given(record: Record) -> bool:
    """Return whether a contestant was given the boxes of the faces."""
    return record.boxes in GIVEN


def leading(sets: Sequence[ResultSet], count: int) -> list[str]:
    """Return up to `count` contestants to be drawn in colour: the best of each set in turn, and the mean shape."""
    boards = [
        [record.contestant for record in ranked(results) if not partial(results, record)] for results in sets
    ]
    in_turn = dict.fromkeys(name for name in chain.from_iterable(zip_longest(*boards)) if name is not None)
    # Of two that answer alike everywhere, such as two settings of one network, the first stands for both.
    alike: dict[tuple[float | None, ...], str] = {}
    for name in in_turn:
        errors = tuple(
            of_all(results, record).value for results in sets if (record := results.of(name)) is not None
        )
        alike.setdefault(errors, name)
    mean_shapes = dict.fromkeys(
        record.contestant for results in sets for record in results.records if record.ran and record.kind == FLOOR
    )
    names = [name for name in alike.values() if name not in mean_shapes]
    floor = list(mean_shapes)[:1]
    return [*names[: count - len(floor)], *floor]
