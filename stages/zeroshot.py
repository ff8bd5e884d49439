"""Compare the zero-shot contestants under the posts' protocols and under ours, and with the published numbers."""

import argparse
from pathlib import Path

from thermark.core import command_line, errors
from thermark.core.config import parse, section, value
from thermark.metrics.evaluate import Config
from thermark.report.contestants import read_contestants, whole_frames
from thermark.report.paths import ReportPaths
from thermark.report.zeroshot import build

PATHS = ("reports", "framed", "results", "faces", "predictions")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("datasets", "evaluate", "params"):
        parser.add_argument(f"--{name}", required=True)
    for name in (*PATHS, "contestants", "text", "numbers", "figure"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    params = Path("params.yaml")
    scoring = value(params, options.evaluate)
    build.build(
        whole_frames(read_contestants(options.contestants)),
        value(params, options.datasets),
        {name: parse(raw, Config, f"{options.evaluate}.{name}") for name, raw in scoring.items()},
        command_line.filled(ReportPaths, options, PATHS),
        options.text,
        options.numbers,
        options.figure,
        section(params, options.params, build.Config),
    )


if __name__ == "__main__":
    errors.run(main)
