"""Write a record for each data set and contestant, and the error of every face, from the scores."""

import argparse
from pathlib import Path

from thermark.core import command_line, errors
from thermark.core.config import section, value
from thermark.core.files import read_json
from thermark.core.scored_splits import read_scored_splits
from thermark.metrics.evaluate import reading
from thermark.report import contestants
from thermark.report.paths import ReportPaths
from thermark.report.results import build, compare

PATHS = ("reports", "details", "errors", "faces")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "scored", "runs", "compared"):
        parser.add_argument(f"--{name}", required=True)
    for name in (*PATHS, "contestants", "models", "code", "env", "out", "comparisons"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    params = Path("params.yaml")
    splits = read_scored_splits(params, options.scored)
    sections = value(params, options.params)
    runs = contestants.sections(value(params, options.runs), options.runs)
    build.build(
        {name: reading(f"{options.params}.{name}", raw, splits.get(name)) for name, raw in sections.items()},
        build.contestant_info(contestants.read_contestants(options.contestants), runs, options.models),
        command_line.filled(ReportPaths, options, PATHS),
        build.provenance(read_json(options.code), read_json(options.env)),
        section(params, options.compared, compare.Config),
        options.out,
        options.comparisons,
    )


if __name__ == "__main__":
    errors.run(main)
