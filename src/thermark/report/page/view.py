"""One data set as the page and posts show it: its order, its unit, and which contestants are drawn in colour."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, zip_longest
from typing import Any

from thermark.metrics.scores import GIVEN
from thermark.report.number_format import long_unit, scale, unit
from thermark.report.page import words
from thermark.report.results.comparisons import Comparisons, Matrix
from thermark.report.results.estimates import estimate
from thermark.report.results.face_errors import Errors
from thermark.report.results.ranking import FLOOR, ranked, whole
from thermark.report.results.record import Estimate, Record, ResultSet

NAMED = 8  # contestants with a colour
# Contestant or network -> `ms`, `ms_low`, `ms_high`, `parameters`, `note`.
Speeds = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class View:
    """The `results` of a data set, and what is shown beside them.

    `errors`: contestant -> those of its faces; `names`: contestants drawn in colour on all data sets,
    empty for the best ones of this set; `speeds`: what contestants cost.
    """

    results: ResultSet
    errors: Mapping[str, Errors] = field(default_factory=dict)
    names: Sequence[str] = ()
    comparisons: Comparisons = field(default_factory=Comparisons)
    speeds: Speeds = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the data set is called in files."""
        return self.results.data_set.name

    @property
    def title(self) -> str:
        """What it is called, which names rendered data and machine labels as such."""
        return words.titled(self.results.data_set)

    @property
    def main(self) -> str:
        """The metric that ranks."""
        return self.results.protocol.main

    @property
    def over_all(self) -> str:
        """The same over all faces, a miss at the stated cap."""
        return f"{self.main}_all"

    @property
    def unit(self) -> str:
        """The unit of errors."""
        return unit(self.main)

    @property
    def measure(self) -> str:
        """The unit of errors, and of what they are parts."""
        return long_unit(self.main)

    @property
    def scale(self) -> int:
        """What errors are multiplied by to be in that unit."""
        return scale(self.main)

    @property
    def matrix(self) -> Matrix | None:
        """All pairs of contestants, None where nothing was compared."""
        return self.comparisons.matrices.get(self.name)

    @cached_property
    def ranked(self) -> list[Record]:
        """The contestants that ran, best first."""
        return ranked(self.results)

    @property
    def complete(self) -> list[Record]:
        """Those that predict all landmarks."""
        return [record for record in self.ranked if whole(record, self.results)]

    @cached_property
    def named(self) -> list[Record]:
        """Those that ran and are drawn in colour, in the order of `names`."""
        ran = {record.contestant: record for record in self.ranked}
        return [ran[name] for name in self.names or leading([self.results], NAMED) if name in ran]

    @property
    def with_errors(self) -> list[str]:
        """Those in colour whose errors are known."""
        return [record.contestant for record in self.named if record.contestant in self.errors]

    def error(self, record: Record) -> Estimate:
        """Return a contestant's mean error over all faces."""
        return estimate(record, self.over_all)

    def group(self, record: Record) -> str:
        """Return the letter of a contestant's group, nothing where it was not compared."""
        return self.matrix.groups.get(record.contestant, "") if self.matrix else ""


def given(record: Record) -> bool:
    """Return whether a contestant was given the boxes of the faces."""
    return record.boxes in GIVEN


def leading(sets: Sequence[ResultSet], count: int) -> list[str]:
    """Return up to `count` contestants to be drawn in colour: the best of each set in turn, and the mean shape."""
    boards = [[record.contestant for record in View(results).complete] for results in sets]
    in_turn = dict.fromkeys(name for name in chain.from_iterable(zip_longest(*boards)) if name is not None)
    # Of two that answer alike everywhere, such as two settings of one network, the first stands for both.
    alike: dict[tuple[float | None, ...], str] = {}
    for name in in_turn:
        errors = tuple(View(results).error(record).value for results in sets if (record := results.of(name)))
        alike.setdefault(errors, name)
    mean_shapes = dict.fromkeys(
        record.contestant for results in sets for record in results.records if record.ran and record.kind == FLOOR
    )
    names = [name for name in alike.values() if name not in mean_shapes]
    floor = list(mean_shapes)[:1]
    return [*names[: count - len(floor)], *floor]
