"""Pseudo-label crops with a head: a face set to train small networks on."""

import argparse
from pathlib import Path

from thermark.core import errors
from thermark.core.config import section
from thermark.fewshot import pseudo_labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", required=True)
    for name in ("models", "crops", "features", "faces", "out", "report"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    config = section(Path("params.yaml"), options.params, pseudo_labels.Config)
    places = (options.models, options.crops, options.features, options.faces, options.out, options.report)
    pseudo_labels.build(config, *places)


if __name__ == "__main__":
    errors.run(main)
