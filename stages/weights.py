"""Fetch all bundles of weights, verified file by file, or write why one is left out."""

import argparse
import shutil
from pathlib import Path

from thermark.core import errors
from thermark.core.config import parse, value
from thermark.download.fill import fill
from thermark.download.resolve import default_store
from thermark.download.weights import Config


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    sections = value(Path("params.yaml"), options.params)
    bundles = {name: parse(raw, Config, f"{options.params}.{name}") for name, raw in sections.items()}
    options.out.mkdir(parents=True, exist_ok=True)
    for folder in options.out.iterdir():
        if folder.name not in bundles:
            shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
    for name, config in bundles.items():
        fill(config, options.out / name, default_store())


if __name__ == "__main__":
    errors.run(main)
