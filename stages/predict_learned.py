"""Run every seed of one trained model, which carries its own description, on every data set of params.yaml."""

import argparse
from pathlib import Path

from thermark.core import errors
from thermark.core.scored import scored
from thermark.predictors import learned


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contestant", required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--scored", required=True)
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--reports", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    sets = scored(Path("params.yaml"), options.scored)
    learned.predict_run(options.model, options.contestant, sets, options.faces, options.reports, options.out)


if __name__ == "__main__":
    errors.run(main)
