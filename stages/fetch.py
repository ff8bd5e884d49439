"""Fetch one real data set and verify it against its pins, or pin it; an optional one may be left out."""

import argparse
from pathlib import Path

from thermark.core import errors
from thermark.core.config import section
from thermark.download.fetch import fetch_or_skip
from thermark.download.fetch_config import Config
from thermark.download.resolve import default_store


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", required=True)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--licences", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    config = section(Path("params.yaml"), options.params, Config)
    key = options.params.rpartition(".")[2]
    reason = fetch_or_skip(key, config, options.manifest, options.licences, options.out, default_store())
    if reason:
        print(f"{key} is left out: {reason}")


if __name__ == "__main__":
    errors.run(main)
