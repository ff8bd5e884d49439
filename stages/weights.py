"""Bring one bundle of weights, verified file by file, or say why it is left out."""

import argparse
from pathlib import Path

from thermark.assets.fill import fill
from thermark.assets.obtain import this_store
from thermark.assets.weights import Config
from thermark.core import errors
from thermark.core.config import section


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    config = section(Path("params.yaml"), options.params, Config)
    fill(config, options.out, this_store())


if __name__ == "__main__":
    errors.run(main)
