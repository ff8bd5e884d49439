"""Measure what contestants, students and frozen backbones cost on this machine.

No stage of the pipeline: times belong to a machine, and DVC runs no frozen stage even when told to. The report
depends on the file in git.
"""

import argparse
from pathlib import Path

from thermark.core import command_line, errors, files
from thermark.core.config import section, value
from thermark.core.scored_splits import read_scored_splits
from thermark.models.inference import setting as settings
from thermark.models.inference.setting import PredictionPaths, Setting
from thermark.report.speed import turns
from thermark.report.speed.speed_config import Config


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "contestants", "patience", "scored"):
        parser.add_argument(f"--{name}", required=True)
    for name in (*command_line.names(PredictionPaths), "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    params = Path("params.yaml")
    config = section(params, options.params, Config)
    paths = command_line.filled(PredictionPaths, options)
    measured = {}
    if config.contestants is not None:
        patience = section(params, options.patience, settings.Config)
        setting = Setting(patience, read_scored_splits(params, options.scored), paths, {}, {})
        sections = value(params, options.contestants) or {}
        measured["contestants"] = turns.measured(config.contestants, sections, setting)
    # Imported here: it brings PyTorch and transformers, which would lie in memory while contestants run.
    from thermark.report.speed import networks

    files.write_json(options.out, measured | networks.measured(config, paths.models))


if __name__ == "__main__":
    errors.run(main)
