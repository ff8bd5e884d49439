"""Export one seed of a trained run to ONNX, as a bundle of weights."""

import argparse
from pathlib import Path

from thermark.convert.onnx import Config, export
from thermark.core import errors
from thermark.core.config import section


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    export(section(Path("params.yaml"), options.params, Config), options.models, options.out)


if __name__ == "__main__":
    errors.run(main)
