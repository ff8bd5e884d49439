"""Write the leaderboard, the curves, the figures and the text for a terminal."""

import argparse
from pathlib import Path

from thermark.core import command_line, errors, files
from thermark.core.config import section
from thermark.report.leaderboard import build, console
from thermark.report.paths import ReportPaths
from thermark.report.results.comparisons import open_comparisons

PATHS = ("results", "training", "faces", "predictions", "errors")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", required=True)
    for name in (*PATHS, "comparisons", "curves", "figures", "leaderboard", "text"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    made = open_comparisons(options.comparisons)
    boards = build.build(
        made,
        command_line.filled(ReportPaths, options, PATHS),
        options.curves,
        options.figures,
        options.leaderboard,
        section(Path("params.yaml"), options.params, build.Config),
    )
    files.write_text(options.text, console.leaderboard(boards, made.left_out))


if __name__ == "__main__":
    errors.run(main)
