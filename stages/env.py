"""Write the pinned versions of the packages that can move a number: what the heavy stages depend on."""

import argparse
from pathlib import Path

from thermark.core import errors
from thermark.core.files import write_json
from thermark.pins import pinned


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requirements", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    write_json(options.out, pinned(options.requirements))


if __name__ == "__main__":
    errors.run(main)
