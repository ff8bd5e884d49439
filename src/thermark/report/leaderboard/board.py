"""The input of the report: the records of each data set, their order, and which numbers may be compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from thermark.report.grouping import grouped
from thermark.report.results.comparisons import Comparisons
from thermark.report.results.estimates import value
from thermark.report.results.ranking import Groups, overall, ranked
from thermark.report.results.record import DataSet, Record, ResultSet, open_set


@dataclass(frozen=True)
class Board:
    """The results of one data set, and the letter of each contestant's group."""

    results: ResultSet
    groups: Groups

    @property
    def data_set(self) -> DataSet:
        """What the data set is."""
        return self.results.data_set

    @property
    def main(self) -> str:
        """The metric that ranks, which the labels decide: `nme_io`, `nme_diag` or `error_px_mean`."""
        return self.results.protocol.main

    @property
    def finders(self) -> bool:
        """Whether any contestant got its boxes otherwise than with the faces."""
        return any(record.boxes not in ("prompt", "") for record in self.ran)

    @property
    def ran(self) -> list[Record]:
        """Those with numbers, from best to worst."""
        return ranked(self.results, self.groups)

    @property
    def records(self) -> list[Record]:
        """All from best to worst; those without numbers come last."""
        without_numbers = [record for record in self.results.records if not record.ran]
        return self.ran + sorted(without_numbers, key=lambda record: record.contestant)


def boards(results: Path, made: Comparisons) -> list[Board]:
    """Read the records of each data set that was compared; raises DataError where they are missing."""
    return [Board(open_set(results / f"{name}.json"), matrix.groups) for name, matrix in made.matrices.items()]


def few_misses(record: Record) -> bool:
    """Whether at most 1 % of the prompted faces were missed, so that means over found faces leave little out."""
    missed = value(record, "missed_prompted")
    prompted = record.faces - (value(record, "unprompted") or 0)
    return (record.missed if missed is None else missed) <= 0.01 * prompted


def idle(boards: Sequence[Board]) -> dict[str, Record]:
    """Return those that have no numbers on any of several boards for one and the same reason, each with a record.

    Empty where no contestant has numbers at all: the boards state that themselves.
    """
    records = grouped((record.contestant, record) for board in boards for record in board.records)
    without_numbers = {name: group for name, group in records.items() if not any(record.ran for record in group)}
    if len(without_numbers) == len(records):
        return {}
    return {
        name: group[0]
        for name, group in without_numbers.items()
        if len(group) > 1 and len({record.reason for record in group}) == 1
    }


def without(absent: Mapping[str, Record], board: Board) -> Board:
    """Return a board without the contestants that are listed elsewhere."""
    left = tuple(record for record in board.results.records if record.contestant not in absent)
    return replace(board, results=board.results.model_copy(update={"records": left}))


def order(boards: Sequence[Board]) -> list[str]:
    """Return all contestants from best to worst by their mean place on the boards, of equals the first named."""
    groups = {board.data_set.name: board.groups for board in boards}
    return overall({board.data_set.name: board.results for board in boards}, groups)
