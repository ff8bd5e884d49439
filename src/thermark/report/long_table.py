"""Long tables of curves, which DVC's plots are made of."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from thermark.core import files


def write(path: Path, tables: Sequence[pd.DataFrame], columns: Sequence[str]) -> None:
    """Write tables below each other as CSV, six significant digits; a column that one lacks is empty there."""
    table = pd.concat(tables) if tables else pd.DataFrame(columns=list(columns))
    text = table.reindex(columns=list(columns)).to_csv(index=False, float_format="%.6g", lineterminator="\n")
    files.write_text(path, text)
