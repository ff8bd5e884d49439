"""Long tables of curves, which DVC's plots are made of, and how all CSVs that stages wrote are read."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from thermark.core import files
from thermark.core.errors import DataError, in_one_line

REMEDY = "run `dvc repro`, which makes it again"
Types = Mapping[str, type[int] | type[float]]


def write(path: Path, tables: Sequence[pd.DataFrame], columns: Sequence[str]) -> None:
    """Write tables below each other as CSV, six significant digits; a column that one lacks is empty there."""
    table = pd.concat(tables) if tables else pd.DataFrame(columns=list(columns))
    text = table.reindex(columns=list(columns)).to_csv(index=False, float_format="%.6g", lineterminator="\n")
    files.write_text(path, text)


def read(path: Path, types: Types | None = None, gaps: bool = True) -> pd.DataFrame:
    """Read a CSV, `nan` as NaN, and where there may be `gaps` empty cells, too.

    `types`: columns that it has in this order, others between them. Raises DataError where it has not, for cells
    of another type, and for what is no table.
    """
    types, absent = types or {}, ["nan", ""] if gaps else ["nan"]
    try:
        table = pd.read_csv(path, dtype=types, keep_default_na=False, na_values=absent)
    except pd.errors.EmptyDataError:
        table = pd.DataFrame()
    except ValueError as error:
        raise DataError(f"{path} is no table of numbers: {in_one_line(error)}", REMEDY) from error
    if [name for name in table if name in types] != list(types):
        header = ",".join(table) or "of nothing"
        raise DataError(f"{path} has the columns {header}, not {','.join(types)}", REMEDY)
    if not isinstance(table.index, pd.RangeIndex):
        raise DataError(f"{path} is no table of numbers: rows are longer than the header", REMEDY)
    return table
