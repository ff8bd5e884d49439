"""Package a trained detector and a trained student as the weights of the landmarker."""

import argparse
from pathlib import Path

from thermark.convert.package import Config, package
from thermark.core import errors
from thermark.core.config import section


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--detector", type=Path, required=True)
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    config = section(Path("params.yaml"), options.params, Config)
    for line in package(config, options.models, options.detector, options.faces, options.scores, options.out):
        print(line)


if __name__ == "__main__":
    errors.run(main)
