"""Run every contestant on every data set; predictions made from the same inputs are kept."""

import argparse
from pathlib import Path

import yaml

from thermark.core import command_line, errors, files, parallel, perturbations
from thermark.core.config import section, value
from thermark.core.scored_splits import read_scored_splits
from thermark.models.inference.predict_everyone import predict_everyone
from thermark.models.inference.setting import Config, PredictionPaths, Setting


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("contestants", "patience", "scored", "moved", "jitter"):
        parser.add_argument(f"--{name}", required=True)
    for name in (*command_line.names(PredictionPaths), "code", "env", "listed", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    params = Path("params.yaml")
    splits = read_scored_splits(params, options.scored)
    setting = Setting(
        section(params, options.patience, Config),
        splits,
        command_line.filled(PredictionPaths, options),
        files.read_json(options.code),
        files.read_json(options.env),
        perturbations.read(params, options.moved, options.jitter, splits),
    )
    contestants = value(params, options.contestants) or {}
    parallel.share_cores(setting.config.together)
    predict_everyone(contestants, setting, options.out)
    # Scores and pages depend on this file: each of them would list all sections in the lock.
    files.write_text(options.listed, yaml.safe_dump(contestants, sort_keys=False))


if __name__ == "__main__":
    errors.run(main)
