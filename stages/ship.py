"""Copy packaged networks into the Python package, after a check: no stage, for git holds the copy."""

import argparse
from pathlib import Path

from thermark.convert.package import ship
from thermark.core import errors
from thermark.landmarker.card import FOLDER, read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    options = parser.parse_args()
    ship(options.source, FOLDER)
    card = read()
    for network in (card.detector, card.landmarks):
        print(f"{FOLDER / network.file}: {network.run} seed {network.seed}, {network.precision}, {network.sha256}")


if __name__ == "__main__":
    errors.run(main)
