"""Write the page: one self-contained HTML file of all results."""

import argparse
import os
from pathlib import Path

from thermark.core import errors
from thermark.core.config import section, value
from thermark.report.page import build, inputs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "crops"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("results", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    optional = ("comparisons", "speed", "budget", "training", "published", "faces")
    for name in optional:
        parser.add_argument(f"--{name}", type=Path)
    options = parser.parse_args()
    params = Path("params.yaml")
    budget = tuple(dict.fromkeys(crop["raw"] for crop in value(params, options.crops).values()))
    folder = Path(os.path.relpath(options.results, options.out)).as_posix()
    places = inputs.Places(options.results, **{name: getattr(options, name) for name in optional})
    build.build(inputs.read(places, budget, folder), section(params, options.params, build.Config), options.out)


if __name__ == "__main__":
    errors.run(main)
