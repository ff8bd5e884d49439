"""Report what tiny heads learn from few labels, beside the post's numbers, and the cost of their students."""

import argparse
from pathlib import Path

from thermark.core import command_line, errors
from thermark.core.config import section, value
from thermark.report.contestants import read_contestants, sections
from thermark.report.fewshot import build
from thermark.report.fewshot.fewshot_data import Config, Profile, read
from thermark.report.paths import ReportPaths

SECTIONS = ("heads", "runs", "crops")
PATHS = ("results", "comparisons", "scores", "curves", "pseudo_labels", "speed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in (*SECTIONS, "params"):
        parser.add_argument(f"--{name}", required=True)
    for name in (*PATHS, "contestants", "text", "numbers", "figure", "curve"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    params = Path("params.yaml")
    heads, runs, crops = (
        sections(value(params, name), name) for name in (getattr(options, option) for option in SECTIONS)
    )
    study = read(
        section(params, options.params, Config),
        Profile(list(heads), runs, read_contestants(options.contestants), crops),
        command_line.filled(ReportPaths, options, PATHS),
    )
    build.build(study, options.text, options.numbers, options.figure, options.curve)


if __name__ == "__main__":
    errors.run(main)
