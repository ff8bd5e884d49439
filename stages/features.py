"""Compute and store the features of one frozen backbone for all crops."""

import argparse
from pathlib import Path

from thermark.core import errors
from thermark.core.config import value
from thermark.fewshot.features import features_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("name", "params", "sets"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("crops", "weights", "partial", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    params = Path("params.yaml")
    features_of(
        options.name,
        value(params, options.params),
        list(value(params, options.sets)),
        options.crops,
        options.weights,
        options.partial,
        options.out,
    )


if __name__ == "__main__":
    errors.run(main)
