"""Write what determines results beside data and parameters: pinned versions, and hashes of code."""

import argparse
from pathlib import Path

from thermark.core import errors
from thermark.core.entries import hashes
from thermark.core.files import write_json
from thermark.portability.pins import pinned


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("requirements", "out", "code"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    write_json(options.out, pinned(options.requirements))
    write_json(options.code, hashes(Path(__file__).resolve().parent))


if __name__ == "__main__":
    errors.run(main)
