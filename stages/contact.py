"""Draw contact sheets of rendered heads: colour, temperature and classes."""

import argparse
from pathlib import Path

from thermark.core import errors
from thermark.core.config import section
from thermark.report.leaderboard import contact


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", required=True)
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    contact.write(options.raw, options.out, section(Path("params.yaml"), options.params, contact.Config))


if __name__ == "__main__":
    errors.run(main)
