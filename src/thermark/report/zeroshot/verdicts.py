"""The posts' numbers beside ours, with a verdict for each cell."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from textwrap import shorten
from typing import Any

from thermark.core.origin import Origin
from thermark.report.leaderboard import reference
from thermark.report.leaderboard.reference import NO_PROFILE, Compared, Ours, Tolerance
from thermark.report.markdown import code, escaped, table
from thermark.report.reference_results import Cell, Published
from thermark.report.zeroshot.showing import HEADS, Values

TABLES = ("part1", "part3")  # part 2 asks heads in their crops: a cascade's nearest answer is another thing
LEGEND = (
    "Each cell is *published / ours*, rates in %, errors in px. *Reproduced*: a rate differs by at most {noses} "
    "of the table's noses ({rates}), which is what a doubtful match moves; an error in px by at most {px:g} px, "
    "which is what a pixel convention alone moves. *Outside*: by more. *Not comparable* and *not run* say why. "
    "A run of ours with fewer than three seeds has numbers and no verdict."
)
LONGEST = 120  # letters of a reason in the table; the JSON has all of it


def compare(
    posts: Published,
    values: Values,
    unseen: Mapping[str, str],
    origin: Origin,
    allowed: Tolerance,
    seeds: Mapping[str, int],
) -> list[Compared]:
    """Compare every number of parts 1 and 3 with `values`.

    `unseen` says why a contestant of the profile has none, `seeds` of how many seeds are those that we trained.
    """

    def ours(cell: Cell) -> Ours | str:
        noses, own = (values.get((cell.protocol, cell.run, "", metric)) for metric in ("noses", cell.metric))
        if noses is None:
            return unseen.get(cell.run, NO_PROFILE)
        return Ours(own, seeds.get(cell.run, 0), origin=origin, noses=noses)

    return reference.compare(posts.cells(*TABLES), ours, allowed)


def section(posts: Published, rows: Sequence[Compared], allowed: Tolerance, absent: str) -> str:
    """Return the comparison as Markdown: a line a published row, the verdicts of its cells at its end."""
    tables = {name: posts.tables[name] for name in dict.fromkeys(row.cell.table for row in rows)}
    rates = ", ".join(f"{allowed.noses}/{count}" for count in sorted({each.noses for each in tables.values()}))
    legend = LEGEND.format(noses="one" if allowed.noses == 1 else allowed.noses, rates=rates, px=allowed.px)
    parts = ["## Published and ours", f"{escaped(posts.source)}. {legend}"]
    for name, each in tables.items():
        own = [row for row in rows if row.cell.table == name]
        parts += [f"### {escaped(each.title)}", _table(own), *map(escaped, each.remarks)]
        parts += [f"{escaped(row.row)}: {escaped(row.doubt)}." for row in each.rows if row.doubt]
    return "\n\n".join([*parts, escaped(absent)])


def plain(row: Compared) -> dict[str, Any]:
    """Return a comparison as plain data."""
    told = {name: getattr(row.cell, name) for name in ("table", "row", "run", "metric")}
    return told | {"published": row.cell.value, "ours": row.value, "verdict": row.said}


def _table(rows: Sequence[Compared]) -> str:
    heads = {row.cell.metric: HEADS[row.cell.metric] for row in rows}
    lines = []
    for (name, run), own in groupby(rows, key=lambda row: (row.cell.row, row.cell.run)):
        told = list(own)
        pairs = {row.cell.metric: (row.cell.value, row.value) for row in told}
        both = {metric: " / ".join(map(heads[metric].shown, pair)) for metric, pair in pairs.items()}
        lines.append([escaped(name), code(run), *(both.get(metric, "") for metric in heads), _said(told)])
    return table(["row", "contestant", *(head.title for head in heads.values()), "verdict"], lines)


def _said(rows: Sequence[Compared]) -> str:
    """Return the verdict that most cells of a row have, and after it the cells that have another."""
    said: list[str] = []
    for verdict, _ in Counter(row.said for row in rows).most_common():
        cells = [HEADS[row.cell.metric].title.partition(",")[0] for row in rows if row.said == verdict]
        short = escaped(shorten(verdict, LONGEST, placeholder=" …"))
        said.append(f"{', '.join(cells)}: {short}" if said else short)
    return "; ".join(said)
