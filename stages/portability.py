"""Compare the results of two trees: which numbers stayed in their intervals, and which verdicts held?

No stage of the pipeline: it asks what another run of it comes to. Exits with 1 when a verdict did not hold.
"""

import argparse
from pathlib import Path

from thermark.core import errors
from thermark.portability.build import ResultTree, build
from thermark.portability.compare import ResultPaths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("base", "other"):
        parser.add_argument(f"--{name}", type=Path, required=True, help="a tree with results")
        parser.add_argument(f"--{name}-arithmetic", required=True, help="how it computes, in words")
    parser.add_argument("--details", type=Path, required=True, help="path relative to each tree")
    parser.add_argument("--results", type=Path, help="path of records and errors, to compare over both trees")
    for name in ("pages", "files"):
        parser.add_argument(f"--{name}", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    build(
        ResultTree(options.base, options.base_arithmetic),
        ResultTree(options.other, options.other_arithmetic),
        ResultPaths(options.details, tuple(options.pages), tuple(options.files), options.results),
        options.out,
    )


if __name__ == "__main__":
    errors.run(main)
