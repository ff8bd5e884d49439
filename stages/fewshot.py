"""Report what tiny heads learn from few labels, beside the post's numbers, and the cost of their students."""

import argparse
from pathlib import Path

from thermark.core import errors
from thermark.core.config import section, value
from thermark.report.fewshot import build
from thermark.report.fewshot.inputs import Config, Places, Profile
from thermark.report.leaderboard.profile import listed, sections

SECTIONS = ("heads", "runs", "crops")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in (*SECTIONS, "params"):
        parser.add_argument(f"--{name}", required=True)
    for name in (*Places.__dataclass_fields__, "contestants", "text", "numbers", "figure", "curve"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    params = Path("params.yaml")
    heads, runs, crops = (
        sections(value(params, name), name) for name in (getattr(options, each) for each in SECTIONS)
    )
    build.build(
        Profile(list(heads), runs, listed(options.contestants), crops),
        Places(*(getattr(options, name) for name in Places.__dataclass_fields__)),
        options.text,
        options.numbers,
        options.figure,
        options.curve,
        section(params, options.params, Config),
    )


if __name__ == "__main__":
    errors.run(main)
