"""Compare the runs with the published tables and with each other; measure how steadily they trained."""

import argparse
from pathlib import Path

from thermark.core import command_line, errors
from thermark.core.config import section, value
from thermark.report.contestants import read_contestants, sections
from thermark.report.distillation import build
from thermark.report.distillation.distillation_data import read
from thermark.report.paths import ReportPaths

PATHS = ("results", "comparisons", "gradients")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("runs", "converted", "datasets", "params"):
        parser.add_argument(f"--{name}", required=True)
    for name in (*PATHS, "contestants", "text", "numbers", "stability", "figure"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    params = Path("params.yaml")
    study = read(
        read_contestants(options.contestants),
        sections(value(params, options.runs), options.runs),
        sections(value(params, options.converted), options.converted),
        list(value(params, options.datasets)),
        command_line.filled(ReportPaths, options, PATHS),
    )
    config = section(params, options.params, build.Config)
    build.build(study, config, options.text, options.numbers, options.stability, options.figure)


if __name__ == "__main__":
    errors.run(main)
