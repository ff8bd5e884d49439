"""Tables of published numbers beside ours."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from textwrap import shorten
from typing import Any

from thermark.report.columns import FORMATS
from thermark.report.markdown import code, escaped, table
from thermark.report.reference_results import Published
from thermark.report.reference_results.compare import TOLERATED_NOSES, TOLERATED_PX, CellComparison

LEGEND = (
    "Each cell is *published / ours*, rates in %, errors in px. *Reproduced*: rates differ by at most {noses} of "
    "the table's noses ({rates}), the effect of one ambiguous match; errors by at most {px:g} px, the effect of "
    "the pixel convention. *Outside*: they differ by more. *Not comparable* and *not run* give the reason. Our "
    "runs with fewer than three seeds have numbers and no verdict."
)
LONGEST = 120  # letters of a reason in the table; the JSON has all of it


def reference_table(compared: Sequence[CellComparison]) -> list[dict[str, Any]]:
    """Return a row for each cell, as plain data in the cell's unit; None where there is no number of ours."""
    fields = {"source", "table", "row", "unit", "run", "dataset", "protocol", "doubt"}
    return [
        row.cell.model_dump(include=fields)
        | {"column": row.cell.title, "published": row.cell.value, "ours": row.value}
        | {"verdict": row.verdict, "reason": row.reason}
        for row in compared
    ]


def markdown(compared: Sequence[CellComparison]) -> str:
    """Return the reference table as Markdown, a heading a source and table."""
    parts: dict[str, list[list[str]]] = {}
    for row in compared:
        cell, ours = row.cell, "–" if row.value is None else f"{row.value:g}"
        texts = [cell.row, cell.title, cell.run or "–", row.text, cell.doubt]
        lines = parts.setdefault(f"### {escaped(cell.source)}: {escaped(cell.table)}", [])
        lines.append([*map(escaped, texts), f"{cell.value:g}", ours, cell.unit])
    header = ["row", "column", "contestant", "verdict", "doubt", "published", "ours", "unit"]
    return "\n\n".join(f"{title}\n\n{table(header, lines, texts=5)}" for title, lines in parts.items())


def posts_section(posts: Published, rows: Sequence[CellComparison], absent: str) -> str:
    """Return the comparison with posts as Markdown: a line a published row, with the verdicts of its cells."""
    tables = {name: posts.tables[name] for name in dict.fromkeys(row.cell.table for row in rows)}
    rates = ", ".join(
        f"{TOLERATED_NOSES}/{count}" for count in sorted({published.noses for published in tables.values()})
    )
    legend = LEGEND.format(noses="one" if TOLERATED_NOSES == 1 else TOLERATED_NOSES, rates=rates, px=TOLERATED_PX)
    parts = ["## Published and ours", f"{escaped(posts.source)}. {legend}"]
    for name, published in tables.items():
        cells = [row for row in rows if row.cell.table == name]
        parts += [f"### {escaped(published.title)}", _table(cells), *map(escaped, published.remarks)]
        parts += [f"{escaped(row.row)}: {escaped(row.doubt)}." for row in published.rows if row.doubt]
    return "\n\n".join([*parts, escaped(absent)])


def posts_row(row: CellComparison) -> dict[str, Any]:
    """Return a comparison with a post as plain data."""
    cell = row.cell.model_dump(include={"table", "row", "run", "metric"})
    return cell | {"published": row.cell.value, "ours": row.value, "verdict": row.text}


def _table(rows: Sequence[CellComparison]) -> str:
    formats = {row.cell.metric: FORMATS[row.cell.metric] for row in rows}
    lines = []
    for (name, run), group in groupby(rows, key=lambda row: (row.cell.row, row.cell.run)):
        cells = list(group)
        pairs = {row.cell.metric: (row.cell.value, row.value) for row in cells}
        both = {metric: " / ".join(map(formats[metric].text, pair)) for metric, pair in pairs.items()}
        lines.append([escaped(name), code(run), *(both.get(metric, "") for metric in formats), _verdicts(cells)])
    return table(["row", "contestant", *(column.title for column in formats.values()), "verdict"], lines)


def _verdicts(rows: Sequence[CellComparison]) -> str:
    """Return the verdict that most cells of a row have, and after it the cells that have another."""
    texts: list[str] = []
    for verdict, _ in Counter(row.text for row in rows).most_common():
        cells = [FORMATS[row.cell.metric].title.partition(",")[0] for row in rows if row.text == verdict]
        short = escaped(shorten(verdict, LONGEST, placeholder=" …"))
        texts.append(f"{', '.join(cells)}: {short}" if texts else short)
    return "; ".join(texts)
