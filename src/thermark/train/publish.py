"""What a finished run leaves behind: a folder a seed, and the tables of all seeds."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from thermark.core import files
from thermark.core.runs import seed_folder, skip
from thermark.nets import card
from thermark.train.run import Finished


def publish(out: Path, history: Path, gradients: Path, seeds: Mapping[int, Finished]) -> None:
    """Write out/seed<k>/{model.safetensors, model.json}, all or nothing, and two CSV files.

    `history` has a row a seed and epoch, `gradients` the norm of the gradient before clipping in each of the first
    steps.
    """
    epochs = [{"seed": seed} | row for seed, done in seeds.items() for row in done.progress.history]
    steps = [
        {"seed": seed, "step": step, "grad_norm": norm}
        for seed, done in seeds.items()
        for step, norm in enumerate(done.progress.norms, start=1)
    ]
    files.write_text(history, table(epochs, list(epochs[0])))
    files.write_text(gradients, table(steps, ["seed", "step", "grad_norm"]))
    with files.fresh_directory(out) as folder:
        for seed, done in seeds.items():
            seed_dir = seed_folder(folder, seed)
            seed_dir.mkdir()
            card.write(seed_dir, done.card, done.weights)


def skipped(out: Path, history: Path, gradients: Path, reason: str) -> None:
    """Write the same where there was nothing to learn from: tables without a row, and the reason in `out`."""
    files.write_text(history, table([], ["seed", "epoch"]))
    files.write_text(gradients, table([], ["seed", "step", "grad_norm"]))
    skip(out, reason)


def table(rows: Iterable[Mapping[str, float]], columns: Sequence[str]) -> str:
    """Return a CSV table, six significant digits."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: f"{value:.6g}" for name, value in row.items()} for row in rows)
    return text.getvalue()
