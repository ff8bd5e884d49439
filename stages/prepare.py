"""Read one data set as it lies on disk and pack its faces into a few memory-mapped files."""

import argparse
from importlib import import_module
from pathlib import Path

from thermark.core import errors
from thermark.core.config import section
from thermark.datasets import packing


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loader", required=True)
    parser.add_argument("--params", required=True)
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--splits", type=Path, required=True)
    options = parser.parse_args()
    params = Path("params.yaml")
    dataset = import_module(f"thermark.datasets.{options.loader}")
    config = section(params, options.params, dataset.Config)
    crop = section(params, "prepare", packing.CropConfig)
    packing.pack(dataset, options.raw, config, crop, options.out, options.report, options.splits)


if __name__ == "__main__":
    errors.run(main)
