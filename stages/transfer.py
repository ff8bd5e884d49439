"""Write the study of contestants on a real camera: boxes of several kinds, parts of the faces, noise of labels."""

import argparse
from pathlib import Path

from thermark.core import command_line, errors
from thermark.core.config import section
from thermark.report.paths import ReportPaths
from thermark.report.transfer import study

PATHS = ("faces", "reports", "predictions")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", required=True)
    for name in (*PATHS, "text", "numbers", "errors"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    study.build(
        section(Path("params.yaml"), options.params, study.Config),
        command_line.filled(ReportPaths, options, PATHS),
        options.text,
        options.numbers,
        options.errors,
    )


if __name__ == "__main__":
    errors.run(main)
