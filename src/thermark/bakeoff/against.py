"""The posts' numbers beside ours, with a verdict for each cell."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from textwrap import shorten

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt

from thermark.bakeoff.showing import HEADS, shown
from thermark.core.config import Section
from thermark.core.origin import Origin
from thermark.report.markdown import code, escaped, table
from thermark.report.verdicts import withheld

LEGEND = (
    "Each cell is *published / ours*, rates in %, errors in px. *Reproduced*: a rate differs by at most {noses} "
    "of the table's noses ({rates}), which is what a doubtful match moves; an error in px by at most {px:g} px, "
    "which is what a pixel convention alone moves. *Outside*: by more. *Not comparable* and *not run* say why. "
    "A run of ours with fewer than three seeds has numbers and no verdict."
)
HALF_DIGIT = {True: 0.0005, False: 0.005}  # of a rate, printed as 68.5 %, and of an error, as 4.16 px
LONGEST = 120  # letters of a reason in the table; the JSON has all of it
UNFOUND = "not run: nothing was found"
Measured = Mapping[str, Mapping[str, Mapping[str, float]]]


class Row(Section):
    """A row of a published table.

    `run`: the contestant of ours that corresponds. `values`: metric -> value, rates as fractions. `incomparable`
    says why none of it can be compared, `unmeasured` why one metric cannot; `remark`: what else must be known.
    """

    row: str
    run: str
    values: dict[str, float]
    incomparable: str = ""
    unmeasured: dict[str, str] = Field(default_factory=dict)
    remark: str = ""


class Table(Section):
    """A published table: our `protocol` that measures the same, and how many `noses` it counts."""

    title: str
    protocol: str
    noses: PositiveInt
    incomparable: str = ""
    remarks: tuple[str, ...] = ()
    rows: tuple[Row, ...]


class Posts(Section):
    """The series: where it is, what of it is not in the file, its tables."""

    source: str
    absent: str
    tables: dict[str, Table]


class Tolerance(Section):
    """What may differ: so many noses of a rate, so many px of an error."""

    noses: NonNegativeInt = 1
    px: NonNegativeFloat = 0.5


@dataclass(frozen=True)
class Compared:
    """A published number and ours, None where there is none, and what follows."""

    table: str
    row: str
    run: str
    metric: str
    published: float
    ours: float | None
    verdict: str


def compare(
    posts: Posts,
    measured: Measured,
    skipped: Mapping[str, str],
    origin: Origin,
    allowed: Tolerance,
    seeds: Mapping[str, int],
) -> list[Compared]:
    """Compare every published number with `measured`: protocol -> contestant -> metric -> number.

    `skipped` says why a contestant of the profile has none, `seeds` of how many seeds are those that we trained.
    """
    made = []
    for name, each in posts.tables.items():
        for row in each.rows:
            own = measured.get(each.protocol, {}).get(row.run)
            absent = f"not run: {skipped.get(row.run, 'not in this profile')}" if own is None else UNFOUND
            for metric, value in row.values.items():
                ours = (own or {}).get(metric)
                verdict = _barred(each, row, metric, own, origin) if own is not None else ""
                if ours is None:
                    verdict = verdict or absent
                else:
                    few = withheld(seeds.get(row.run, 0))
                    verdict = verdict or few or _verdict(metric, ours - value, each.noses, allowed)
                made.append(Compared(name, row.row, row.run, metric, value, ours, verdict))
    return made


def section(posts: Posts, rows: Sequence[Compared], allowed: Tolerance) -> str:
    """Return the comparison as Markdown: a line a published row, the verdicts of its cells at its end."""
    counts = sorted({each.noses for each in posts.tables.values()})
    rates = ", ".join(f"{allowed.noses}/{count}" for count in counts)
    legend = LEGEND.format(noses="one" if allowed.noses == 1 else allowed.noses, rates=rates, px=allowed.px)
    parts = ["## Published and ours", f"{escaped(posts.source)}. {legend}"]
    for name, each in posts.tables.items():
        own = [row for row in rows if row.table == name]
        parts += [f"### {escaped(each.title)}", _table(own), *map(escaped, each.remarks)]
        parts += [f"{escaped(row.row)}: {escaped(row.remark)}." for row in each.rows if row.remark]
    return "\n\n".join([*parts, escaped(posts.absent)])


def _barred(each: Table, row: Row, metric: str, own: Mapping[str, float], origin: Origin) -> str:
    """Return why a cell of a contestant that ran cannot be compared, nothing where it can."""
    noses = own.get("noses", own.get("crops", each.noses))
    reasons = [
        row.unmeasured.get(metric, ""),
        f"{origin} data" if origin != "real" else "",
        row.incomparable,
        each.incomparable,
        f"{noses:.0f} noses here" if noses != each.noses else "",
    ]
    return next((f"not comparable: {reason}" for reason in reasons if reason), "")


def _verdict(metric: str, difference: float, noses: int, allowed: Tolerance) -> str:
    if metric in ("predictions", "matched"):
        limit: float = allowed.noses
    else:
        rate = HEADS[metric].rate
        limit = HALF_DIGIT[rate] + (allowed.noses / noses if rate else allowed.px)
    return "reproduced" if abs(difference) <= limit + 1e-9 else "outside"


def _table(rows: Sequence[Compared]) -> str:
    metrics = list(dict.fromkeys(row.metric for row in rows))
    lines = []
    for (name, run), own in groupby(rows, key=lambda row: (row.row, row.run)):
        cells = {row.metric: row for row in own}
        numbers = [_cell(cells.get(metric)) for metric in metrics]
        lines.append([escaped(name), code(run), *numbers, _said(list(cells.values()))])
    return table(["row", "contestant", *(HEADS[metric].title for metric in metrics), "verdict"], lines)


def _cell(row: Compared | None) -> str:
    return "" if row is None else f"{shown(row.metric, row.published)} / {shown(row.metric, row.ours)}"


def _said(rows: Sequence[Compared]) -> str:
    """Return the verdict that most cells of a row have, and after it the cells that have another."""
    counted = Counter(row.verdict for row in rows)
    said = []
    for place, (verdict, _) in enumerate(counted.most_common()):
        cells = [HEADS[row.metric].title.partition(",")[0] for row in rows if row.verdict == verdict]
        short = escaped(shorten(verdict, LONGEST, placeholder=" …"))
        said.append(f"{', '.join(cells)}: {short}" if place else short)
    return "; ".join(said)
