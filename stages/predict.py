"""Run one zero-shot contestant on every data set of params.yaml."""

import argparse
from importlib import import_module
from pathlib import Path

from thermark.core import errors, files
from thermark.core.config import section
from thermark.core.scored import scored
from thermark.predictors import predict_all


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contestant", required=True)
    parser.add_argument("--params", required=True)
    parser.add_argument("--scored", required=True)
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--reports", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    params = Path("params.yaml")
    module = import_module(f"thermark.predictors.{options.contestant}")
    predictor = module.load(section(params, options.params, module.Config), options.faces)
    sets = scored(params, options.scored)
    with files.fresh_directory(options.out) as folder:
        predict_all(predictor, options.contestant, sets, options.faces, options.reports, folder)


if __name__ == "__main__":
    errors.run(main)
