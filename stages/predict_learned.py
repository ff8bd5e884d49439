"""Run every seed of one trained model, which carries its own description, on every data set of params.yaml."""

import argparse
from pathlib import Path

from thermark.core import errors
from thermark.core.config import value
from thermark.predictors import learned


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contestant", required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--datasets", required=True)
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--reports", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    datasets = list(value(Path("params.yaml"), options.datasets))
    learned.predict_run(options.model, options.contestant, datasets, options.faces, options.reports, options.out)


if __name__ == "__main__":
    errors.run(main)
