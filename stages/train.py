"""Train one run; after a kill, the same command goes on from the last finished epoch."""

import argparse
from importlib import import_module
from pathlib import Path

from thermark.core import errors
from thermark.core.config import section


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--params", required=True)
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--history", type=Path, required=True)
    options = parser.parse_args()
    recipe = import_module(f"thermark.learn.recipes.{options.recipe}")
    config = section(Path("params.yaml"), options.params, recipe.Config)
    recipe.train(config, options.faces, options.checkpoint, options.out, options.history)


if __name__ == "__main__":
    errors.run(main)
