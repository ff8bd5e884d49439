"""Tables of records, each as one object that is written as Markdown, LaTeX and CSV."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd

from thermark.core import files
from thermark.report import long_table, markdown
from thermark.report.blog import latex, template
from thermark.report.notices import caveat
from thermark.report.number_format import label, shown
from thermark.report.results.comparisons import Family, Pair
from thermark.report.results.estimates import estimate, interval
from thermark.report.results.printed import ABSENT, absent, columns
from thermark.report.results.ranking import ranked, whole
from thermark.report.results.record import DataSet, Record, ResultSet

PAIRS = ("data set", "a", "b", "verdict", "in", "a − b", "95 %", "p", "detectable", "of", "caveat")
PLAIN = re.compile(r"[A-Za-z0-9_@+-][A-Za-z0-9_.@+-]*")
FORMULA = ("=", "+", "-", "@")  # what a spreadsheet runs at the start of a cell


@dataclass(frozen=True)
class PostTable:
    """A table that is printed from `rows` of plain text, the first `texts` columns of which are words.

    `caveat`: what its numbers are no evidence of; `data`: the numbers behind it, as they are in the records.
    """

    name: str
    title: str
    caveat: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    data: pd.DataFrame
    texts: int = 1

    @property
    def caption(self) -> str:
        """The title, and what the numbers are no evidence of."""
        return f"{self.title} ({self.caveat})" if self.caveat else self.title

    def as_markdown(self) -> template.Markdown:
        """Return the caption and a pipe table."""
        cells = [[template.escaped(cell) for cell in row] for row in self.rows]
        body = markdown.table([template.escaped(cell) for cell in self.header], cells, self.texts)
        return template.Markdown(f"*{template.escaped(self.caption)}*\n\n{body}")

    def as_latex(self) -> str:
        """Return a floating table."""
        return latex.table(self.caption, self.name.replace("_", "-"), self.header, self.rows, self.texts)


def write(folder: Path, table: PostTable) -> None:
    """Write `<name>.md`, `<name>.tex` and `<name>.csv`."""
    files.write_text(folder / f"{table.name}.md", table.as_markdown() + "\n")
    files.write_text(folder / f"{table.name}.tex", table.as_latex())
    write_csv(folder / f"{table.name}.csv", table.data)


def write_csv(path: Path, data: pd.DataFrame) -> None:
    """Write six significant digits; text that a spreadsheet would run as a formula has an apostrophe before it."""
    texts = data.select_dtypes(exclude="number").columns
    safe = data.assign(**{name: data[name].map(_safe) for name in texts})
    long_table.write(path, [safe], list(safe))


def _safe(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    line = " ".join(cell.split())  # programs differ in how they read a line break within a cell
    return f"'{line}" if line.startswith(FORMULA) else line


def leaderboard(name: str, results: ResultSet, groups: Mapping[str, str]) -> PostTable:
    """Return the contestants that ran, best first; `groups`: contestant -> letter of its significance group."""
    main, data_set = results.protocol.main, results.data_set
    everyone = ranked(results)
    columns = ("found", f"{main}_all", main)
    header = ["contestant", "learned from", *map(label, columns), "seeds", "landmarks"]
    rows = [
        [
            record.contestant,
            record.trained_on,
            *(_bounded(record, metric) for metric in columns),
            str(record.seeds or "–"),
            str(record.points),
        ]
        for record in everyone
    ]
    if groups:
        header.append("group")
        rows = [[*row, groups.get(record.contestant, "–")] for row, record in zip(rows, everyone, strict=True)]
    return PostTable(
        name=f"leaderboard_{name}",
        title=data_set.title,
        caveat=caveat(data_set),
        header=tuple(header),
        rows=tuple(map(tuple, rows)),
        data=pd.DataFrame([_numbers(name, data_set, results, record, groups) for record in everyone]),
        texts=2,
    )


def _bounded(record: Record, metric: str) -> str:
    """Return a value with its interval, – where there is none."""
    one = estimate(record, metric)
    return "–" if one.value is None else f"{shown(metric, one.value)} ({interval(record, metric)})"


def origin(name: str, data_set: DataSet) -> dict[str, Any]:
    """Return the columns that every CSV begins with: which data, and what made pictures and labels."""
    return {"dataset": name, "data": data_set.origin, "labels": data_set.labels}


def _numbers(
    name: str, on: DataSet, results: ResultSet, record: Record, groups: Mapping[str, str]
) -> dict[str, Any]:
    main = results.protocol.main
    row: dict[str, Any] = origin(name, on) | {"contestant": record.contestant, "tier": record.tier}
    for metric in ("found", f"{main}_all", main):
        one = estimate(record, metric)
        row |= {metric: one.value, f"{metric}_low": one.low, f"{metric}_high": one.high}
    return row | {
        "trained_on": record.trained_on,
        "seeds": record.seeds,
        "landmarks": record.points,
        "all_landmarks": whole(record, results),
        "faces": record.faces,
        "subjects": record.subjects,
        "missed": record.missed,
        "floor": None if record.floor is None else record.floor.value,
        "group": groups.get(record.contestant, ""),
    }


def family(declared: Family, sets: Mapping[str, ResultSet]) -> PostTable:
    """Return the table of a declared family."""
    caveats = {caveat(sets[pair.dataset].data_set): None for pair in declared.pairs if pair.dataset in sets}
    header = PAIRS if any(pair.caveat for pair in declared.pairs) else PAIRS[:-1]
    cells = [columns(pair, sets.get(pair.dataset)) for pair in declared.pairs]
    return PostTable(
        name=f"family_{found_by(declared.name)}",
        title=declared.question,
        caveat="; ".join(filter(None, caveats)),
        header=header,
        rows=tuple(tuple(texts[name] for name in header) for texts in cells),
        data=pd.DataFrame([_pair(pair, sets) for pair in declared.pairs]),
        texts=4,
    )


def _pair(pair: Pair, sets: Mapping[str, ResultSet]) -> dict[str, Any]:
    origins = (
        origin(pair.dataset, sets[pair.dataset].data_set) if pair.dataset in sets else {"dataset": pair.dataset}
    )
    return (
        origins
        | pair.model_dump(exclude={"dataset", "seeds"})
        | {"seeds_a": pair.seeds[0], "seeds_b": pair.seeds[1]}
    )


def absences(sets: Mapping[str, ResultSet]) -> PostTable:
    """Return the contestants that did not run, and why, a line a reason."""
    rows = absent(sets)
    return PostTable("not_run", "Not run, and why", "", ABSENT, tuple(rows), pd.DataFrame(rows, columns=ABSENT), 4)


def found_by(name: str) -> str:
    """Return a name that may stand in a file's name: itself where it is plain, else so that no two are alike."""
    if PLAIN.fullmatch(name):
        return name
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '_', name).strip('_')}-{sha256(name.encode()).hexdigest()[:8]}"
