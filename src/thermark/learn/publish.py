"""What a finished run leaves behind."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from thermark.core import files
from thermark.learn.checkpoint import Row, State
from thermark.nets import card
from thermark.nets.card import ModelCard


def publish(out: Path, about: ModelCard, weights: State, history: Path, rows: Sequence[Row]) -> None:
    """Write out/{model.safetensors, model.json}, all or nothing, and the epochs' `rows` into `history`, a CSV."""
    files.write_text(history, table(rows))
    with files.fresh_directory(out) as folder:
        card.write(folder, about, weights)


def table(rows: Sequence[Row]) -> str:
    """Return a CSV table of a row an epoch, six significant digits, columns in the order of the first row."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: f"{value:.6g}" for name, value in row.items()} for row in rows)
    return text.getvalue()
