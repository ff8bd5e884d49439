"""Write the leaderboard, the curves, the figures, and what a terminal shows at the end."""

import argparse
from itertools import chain
from pathlib import Path

from thermark.core import errors, files
from thermark.core.config import section, value
from thermark.report import build, console
from thermark.report.inputs import Places, flattened


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("datasets", "predictors", "zeroshot", "cascades", "runs", "params"):
        parser.add_argument(f"--{name}", required=True)
    for name in (*Places.__dataclass_fields__, "curves", "figures", "leaderboard", "text"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    params = Path("params.yaml")
    recipes = flattened(value(params, options.runs))
    unlearned = (value(params, getattr(options, name)) for name in ("predictors", "zeroshot", "cascades"))
    contestants = [*chain.from_iterable(unlearned), *recipes]
    boards = build.build(
        dict.fromkeys(value(params, options.datasets), contestants),
        recipes,
        Places(*(getattr(options, name) for name in Places.__dataclass_fields__)),
        options.curves,
        options.figures,
        options.leaderboard,
        section(params, options.params, build.Config),
    )
    files.write_text(options.text, console.leaderboard(boards))


if __name__ == "__main__":
    errors.run(main)
