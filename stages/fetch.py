"""Bring one real data set, verified file by file against its manifest."""

import argparse
from pathlib import Path

from thermark.assets import manifest
from thermark.core import errors
from thermark.core.config import section


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    config = section(Path("params.yaml"), options.params, manifest.Config)
    manifest.fetch(config, options.out)


if __name__ == "__main__":
    errors.run(main)
