"""Train one run with all its seeds; after a kill, the same command goes on from the last finished epoch."""

import argparse
from importlib import import_module
from pathlib import Path

from thermark.core import errors, files
from thermark.core.config import section
from thermark.core.runs import SKIPPED
from thermark.learn import processes, publish
from thermark.learn.checkpoint import Checkpoint


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--params", required=True)
    for name in ("faces", "models", "checkpoint", "out", "history", "gradients"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    processes.relaunched()
    recipe = import_module(f"thermark.learn.recipes.{options.recipe}")
    config = section(Path("params.yaml"), options.params, recipe.Config)
    said = options.faces / config.train / SKIPPED
    if said.is_file():
        if processes.rank() == 0:
            publish.skipped(options.out, options.history, options.gradients, files.read_json(said)["reason"])
        return
    states = {seed: options.checkpoint / f"{options.out.name}-seed{seed}" for seed in config.seeds}
    done = {
        seed: recipe.train(config, seed, options.faces, options.models, state) for seed, state in states.items()
    }
    if processes.rank() == 0:
        publish.publish(options.out, options.history, options.gradients, done)
        for state in states.values():
            Checkpoint(state, key="").clear()


if __name__ == "__main__":
    errors.run(main)
