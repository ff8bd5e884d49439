"""Measure what students and frozen backbones cost on this machine.

No stage of the pipeline: times belong to a machine, and DVC runs no frozen stage even when told to. The report
depends on the file in git.
"""

import argparse
from pathlib import Path

from thermark.core import errors, files
from thermark.core.config import section
from thermark.speed import networks
from thermark.speed.options import Config


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", required=True)
    for name in ("models", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    config = section(Path("params.yaml"), options.params, Config)
    files.write_json(options.out, networks.measured(config, options.models))


if __name__ == "__main__":
    errors.run(main)
