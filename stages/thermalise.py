"""Make up the thermal side of a FaceSynthetics tree from its labels, in T-FAKE's layout."""

import argparse
from pathlib import Path

from thermark.core import errors
from thermark.core.config import section
from thermark.synth.writers import thermalised


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", required=True)
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    config = section(Path("params.yaml"), options.params, thermalised.Config)
    thermalised.write(options.out, options.source, config)


if __name__ == "__main__":
    errors.run(main)
