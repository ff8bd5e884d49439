"""Render one set of the embedded data in the on-disk layout of the real one."""

import argparse
from importlib import import_module
from pathlib import Path

from thermark.core import errors
from thermark.core.config import section


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layout", required=True)
    parser.add_argument("--params", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    layout = import_module(f"thermark.synth.writers.{options.layout}")
    layout.write(options.out, section(Path("params.yaml"), options.params, layout.Config))


if __name__ == "__main__":
    errors.run(main)
