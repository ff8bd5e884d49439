"""Write the page: one self-contained HTML file of all results."""

import argparse
import os
from pathlib import Path

from thermark.core import errors
from thermark.core.config import section, value
from thermark.report.page import build, page_data
from thermark.report.paths import NOT_GIVEN, ReportPaths

# Option -> path of the page, which is written without those that are not there.
OPTIONAL = {name: name for name in ("comparisons", "speed", "budget", "published", "faces")}
OPTIONAL |= {"training": "training_curves"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "crops"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("results", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in OPTIONAL:
        parser.add_argument(f"--{name}", type=Path, default=NOT_GIVEN)
    options = parser.parse_args()
    params = Path("params.yaml")
    budget = tuple(dict.fromkeys(crop["raw"] for crop in value(params, options.crops).values()))
    folder = Path(os.path.relpath(options.results, options.out)).as_posix()
    optional = {field: getattr(options, name) for name, field in OPTIONAL.items()}
    paths = ReportPaths(options.results, **optional)
    build.build(page_data.read(paths, budget, folder), section(params, options.params, build.Config), options.out)


if __name__ == "__main__":
    errors.run(main)
