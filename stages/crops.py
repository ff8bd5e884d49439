"""Cut the crops for frozen backbones out of the frames of one data set."""

import argparse
from importlib import import_module
from pathlib import Path

from thermark.core import errors
from thermark.core.config import section, value
from thermark.fewshot import crops


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", required=True)
    parser.add_argument("--settings", required=True)
    for name in ("raw", "faces", "out", "report"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    params = Path("params.yaml")
    config = section(params, options.params, crops.Config)
    loader = import_module(f"thermark.datasets.{config.loader}")
    crops.make(
        loader, options.raw, value(params, options.settings), config, options.faces, options.out, options.report
    )


if __name__ == "__main__":
    errors.run(main)
