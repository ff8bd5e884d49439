"""Train one tiny head on the features of a frozen backbone, for each budget of labels."""

import argparse
from pathlib import Path

from thermark.core import command_line, errors
from thermark.core.config import section
from thermark.fewshot import plan, run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", required=True)
    for name in ("crops", "features", *command_line.names(run.HeadPaths)):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    config = section(Path("params.yaml"), options.params, plan.Config)
    to = command_line.filled(run.HeadPaths, options)
    run.train(config, options.crops, options.features, to)


if __name__ == "__main__":
    errors.run(main)
