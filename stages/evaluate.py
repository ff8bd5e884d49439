"""Score all contestants on all data sets from their files; scores made from the same inputs are kept."""

import argparse
from pathlib import Path

from thermark.core import command_line, errors, perturbations
from thermark.core.config import read, value
from thermark.core.files import read_json
from thermark.core.scored_splits import read_scored_splits
from thermark.metrics.evaluate import reading
from thermark.metrics.outputs import Outputs
from thermark.metrics.score_all import score_all
from thermark.metrics.score_key import ScorePaths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "scored", "moved", "jitter"):
        parser.add_argument(f"--{name}", required=True)
    for name in (
        *command_line.names(ScorePaths),
        *command_line.names(Outputs),
        "contestants",
        "summary",
        "code",
    ):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    params = Path("params.yaml")
    sections, splits = value(params, options.params), read_scored_splits(params, options.scored)
    score_all(
        read(options.contestants),
        {name: reading(f"{options.params}.{name}", raw, splits.get(name)) for name, raw in sections.items()},
        command_line.filled(ScorePaths, options),
        command_line.filled(Outputs, options),
        options.summary,
        read_json(options.code) if options.code.is_file() else None,
        moves=perturbations.read(params, options.moved, options.jitter, splits),
    )


if __name__ == "__main__":
    errors.run(main)
