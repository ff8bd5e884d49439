"""Score one contestant on one data set from files alone."""

import argparse
from pathlib import Path

from thermark.core import errors, files
from thermark.core.config import section
from thermark.core.faces import Faces
from thermark.core.predictions import Predictions
from thermark.metrics.evaluate import Config, evaluate, write


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", required=True)
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--predictions", type=Path, required=True)
    parser.add_argument("--metrics", type=Path, required=True)
    parser.add_argument("--details", type=Path, required=True)
    parser.add_argument("--ced", type=Path, required=True)
    parser.add_argument("--errors", type=Path, required=True)
    options = parser.parse_args()
    predictions = Predictions.open(options.predictions)
    predictions.require(files.read_json(options.report)["fingerprint"])
    config = section(Path("params.yaml"), options.params, Config)
    evaluation = evaluate(Faces.open(options.faces / "faces.npz"), predictions, config, options.faces.name)
    digest = files.sha256(options.predictions)
    write(evaluation, digest, options.metrics, options.details, options.ced, options.errors)


if __name__ == "__main__":
    errors.run(main)
