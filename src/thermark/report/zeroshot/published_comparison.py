"""Our number for each published cell of parts 1 and 3 of the posts."""

from collections.abc import Mapping

from thermark.core.origin import Origin
from thermark.report.columns import Values
from thermark.report.reference_results import Published, PublishedCell
from thermark.report.reference_results.compare import NO_PROFILE, CellComparison, Ours, compare_cells

TABLES = ("part1", "part3")  # part 2 scores heads in their own crops, a cascade predicts in the frame


def compare(
    posts: Published, values: Values, unseen: Mapping[str, str], origin: Origin, seeds: Mapping[str, int]
) -> list[CellComparison]:
    """Compare every number of parts 1 and 3 with `values`.

    `unseen` is why a contestant of the profile has none, `seeds` of how many seeds are those that we trained.
    """

    def ours(cell: PublishedCell) -> Ours | str:
        noses, number = (values.get((cell.protocol, cell.run, "", metric)) for metric in ("noses", cell.metric))
        if noses is None:
            return unseen.get(cell.run, NO_PROFILE)
        return Ours(number, seeds.get(cell.run, 0), origin=origin, noses=noses)

    return compare_cells(posts.cells(*TABLES), ours)
