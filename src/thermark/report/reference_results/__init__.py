"""Published numbers as data: one YAML file a source, its tables of rows and columns, and the cells of these."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, NonNegativeInt, model_validator

from thermark.core import config
from thermark.core.config import Section, nearest, parse
from thermark.core.errors import ConfigError

FOLDER = Path(__file__).parent
# `rate`: a part of the table's noses; `fraction`: an error divided by the size of the face.
Unit = Literal[
    "rate", "fraction", "px", "crop px", "count", "parameters", "M", "G", "norm", "ms", "FPS", "MB", "epoch"
]


class PublishedColumn(Section):
    """A column of a table, and which numbers of ours correspond: `dataset` is empty for what no data set decides.

    A column that names no metric has its key, one that names no data set has the table's. `stratum`, `level`: a
    part of the data set. `unmeasured`: why no number of ours can stand beside it, whatever the data.
    """

    title: str
    unit: Unit
    metric: str = ""
    dataset: str = ""
    stratum: str = ""
    level: str = ""
    unmeasured: str = ""


class PublishedCell(PublishedColumn):
    """One published number: its table, row and column, and the `value` printed, rates and errors as fractions.

    `run`: the contestant of ours; `norun`: why there is none, or none in any profile. `protocol`: how the source
    measured; `noses`: what its rates count. `incomparable`: why ours is another thing; `doubt`: why the number
    is doubtful.
    """

    source: str
    table: str
    row: str
    value: float
    run: str
    norun: str
    protocol: str
    noses: int
    incomparable: str
    doubt: str


class Note(Section):
    """A remark on the cells of some rows and columns, on all where none are named."""

    text: str
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    def covers(self, row: str, column: str) -> bool:
        """Return whether this is about a cell."""
        return (not self.rows or row in self.rows) and (not self.columns or column in self.columns)


class PublishedRow(Section):
    """A row: column -> number. Its `run`, or why there is none; `also`: others -> why they do not compare."""

    row: str
    values: dict[str, float]
    run: str = ""
    norun: str = ""
    also: dict[str, str] = Field(default_factory=dict)
    incomparable: str = ""
    doubt: str = ""


class PublishedTable(Section):
    """A table in which each row has in each column a number, or is named as `absent` with the reason."""

    title: str
    dataset: str = ""
    protocol: str = ""
    noses: NonNegativeInt = 0
    incomparable: str = ""
    remarks: tuple[str, ...] = ()
    columns: dict[str, PublishedColumn]
    rows: tuple[PublishedRow, ...]
    doubts: tuple[Note, ...] = ()
    absent: tuple[Note, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> "PublishedTable":
        rows, columns = {row.row for row in self.rows}, set(self.columns)
        for note in (*self.doubts, *self.absent):
            if strangers := sorted({*note.rows} - rows | {*note.columns} - columns):
                raise ValueError(f"a note names {strangers[0]!r}, which is no row and no column")
        for row in self.rows:
            if not row.run and not row.norun:
                raise ValueError(f"row {row.row!r} needs a run, or a reason for none")
            if strangers := sorted({*row.values} - columns):
                raise ValueError(f"row {row.row!r} has {strangers[0]!r}, which is no column")
            for column in sorted(columns - {*row.values}):
                if not any(note.covers(row.row, column) for note in self.absent):
                    raise ValueError(f"row {row.row!r} has no {column!r} and no reason for that")
        return self


class Published(Section):
    """A source: where it is, what of it is not in the file, what holds for all of it, its tables."""

    source: str
    absent: str
    remarks: tuple[str, ...] = ()
    tables: dict[str, PublishedTable]

    def cells(self, *tables: str) -> list[PublishedCell]:
        """Return the numbers of some tables or of all, row by row, once for each contestant of ours."""
        return [
            self._cell(name, row, key, run, other)
            for name in tables or self.tables
            for row in self.tables[name].rows
            for run, other in {row.run: row.incomparable, **row.also}.items()
            for key in row.values
        ]

    def _cell(self, name: str, row: PublishedRow, key: str, run: str, other: str) -> PublishedCell:
        table = self.tables[name]
        fields: dict[str, Any] = {"metric": key, "dataset": table.dataset}
        fields |= table.columns[key].model_dump(exclude_unset=True)
        fields |= table.model_dump(include={"protocol", "noses"})
        fields |= {"source": self.source, "table": name, "row": row.row, "value": row.values[key]}
        fields |= {"run": run, "norun": row.norun, "incomparable": other or table.incomparable}
        doubts = [note.text for note in table.doubts if note.covers(row.row, key)]
        return PublishedCell(**fields, doubt="; ".join([*doubts, *filter(None, [row.doubt])]))


def names() -> list[str]:
    """Return the names of all sources."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load(name: str) -> Published:
    """Return the source in `<name>.yaml`; raises ConfigError for an unknown name or a broken file."""
    if name not in names():
        raise ConfigError(f"there are no published numbers {name!r}", nearest(name, names()))
    return parse(config.read(FOLDER / f"{name}.yaml"), Published, f"published/{name}.yaml")
