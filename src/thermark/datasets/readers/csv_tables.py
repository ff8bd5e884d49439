"""CSV files as people save them: BOM or not, comma, semicolon or tab, decimal point or comma.

The decimal sign of a column is inferred from its own cells, whatever separates them.
"""

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from thermark.core.cells import number, plain
from thermark.core.errors import DataError

DECIMAL_COMMA, DECIMAL_POINT = (
    re.compile(rf"[+-]?(\d+{sign}\d*|{sign}\d+)(e[+-]?\d+)?", re.IGNORECASE) for sign in (",", r"\.")
)


@dataclass(frozen=True)
class CsvTable:
    """A CSV by column: names are lower case without blanks or signs; cells are stripped text.

    `name` is the file's; `blank` names the lines, from 1, on which every cell is empty (they are not among the
    rows); `lines` (rows,) are the rows' line numbers in the file.
    """

    name: str
    columns: dict[str, list[str]]
    lines: list[int]
    blank: list[int]

    def __len__(self) -> int:
        return len(self.lines)

    def number(self, name: str) -> np.ndarray:
        """Return a column as float64 (rows,), NaN for empty or unreadable cells such as `#DIV/0!`.

        Raises DataError when some of its numbers have a decimal comma and others a point.
        """
        cells = self.columns[name]
        comma = any(DECIMAL_COMMA.fullmatch(cell) for cell in cells)
        if comma and any(DECIMAL_POINT.fullmatch(cell) for cell in cells):
            raise DataError(
                f"{self.name} has decimal commas and points in column {name!r}", "save the file with one of them"
            )
        return np.array([number(cell.replace(",", ".") if comma else cell) for cell in cells], np.float64)

    def unreadable(self) -> list[str]:
        """Return the distinct cells that start with `#`: errors that a spreadsheet left behind."""
        return sorted({cell for column in self.columns.values() for cell in column if cell.startswith("#")})


def read(path: Path) -> CsvTable:
    """Read a CSV by its header; raises DataError as `rows` does, and for no header or a row that does not fit."""
    lines = rows(path)
    if not lines:
        raise DataError(f"{path.name} is empty", "fetch the file again")
    names = [plain(name) for name in lines[0][1]]
    repeated = {name for name in names if name and names.count(name) > 1}
    if repeated:
        raise DataError(f"{path.name} has two columns {sorted(repeated)[0]!r}", "remove one of them")
    kept: list[list[str]] = []
    numbers, blank = [], []
    for line, cells in lines[1:]:
        if not any(cells):
            blank.append(line)
            continue
        if any(cells[len(names) :]):
            raise DataError(
                f"{path.name}, line {line}: {len(cells)} cells under {len(names)} headings",
                "save the file with one separator (a decimal comma needs `;` between cells)",
            )
        kept.append((cells + [""] * len(names))[: len(names)])
        numbers.append(line)
    columns = {name: [row[index] for row in kept] for index, name in enumerate(names) if name}
    return CsvTable(path.name, columns, numbers, blank)


def rows(path: Path) -> list[tuple[int, list[str]]]:
    """Return every row as its line number, from 1, and its stripped cells, none for a blank file.

    Raises DataError for what is no text, and for a quote that is never closed: the rows after it would be a part
    of one cell.
    """
    text = _text(path)
    if not text.strip():
        return []
    first = re.split(r"[\r\n]", text, maxsplit=1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
    try:
        return [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        raise DataError(f"{path.name}, line {reader.line_num}: {error}", "save the file again as CSV") from error


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path.name} cannot be read ({error.strerror})", "fetch the file again") from error
    for encoding in ("utf-8-sig", "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:  # as UTF-16 has them, whose cells would be no numbers
            return text
    raise DataError(f"{path.name} is no text file", "fetch the file again")
