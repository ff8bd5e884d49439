"""Convert one official checkpoint to a model folder."""

import argparse
import sys
from pathlib import Path

from thermark.convert.convert import Config, convert
from thermark.core import errors
from thermark.core.config import section


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    account = convert(section(Path("params.yaml"), options.params, Config), options.out)
    print(account.text())
    for note in account.notes():
        print(f"warning: {note}; fine-tune before use", file=sys.stderr)


if __name__ == "__main__":
    errors.run(main)
