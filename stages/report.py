"""Write the leaderboard, the curves, the figures, and what a terminal shows at the end."""

import argparse
from pathlib import Path

from thermark.core import errors, files
from thermark.core.config import section, value
from thermark.report import build, console, profile
from thermark.report.inputs import Places, left_out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("datasets", "runs", "params"):
        parser.add_argument(f"--{name}", required=True)
    for name in (*Places.__dataclass_fields__, "contestants", "curves", "figures", "leaderboard", "text"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    params = Path("params.yaml")
    contestants = profile.listed(options.contestants)
    runs = profile.sections(value(params, options.runs), options.runs)
    boards = build.build(
        {dataset: list(contestants) for dataset in value(params, options.datasets)},
        profile.kinds(contestants, runs),
        profile.trained(contestants, runs),
        Places(*(getattr(options, name) for name in Places.__dataclass_fields__)),
        options.curves,
        options.figures,
        options.leaderboard,
        section(params, options.params, build.Config),
    )
    absent = left_out(value(params, options.datasets), options.reports)
    files.write_text(options.text, console.leaderboard(boards, absent))


if __name__ == "__main__":
    errors.run(main)
