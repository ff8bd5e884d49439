"""Train one run with all its seeds; after a kill, the same command resumes from the last finished epoch."""

import argparse
import sys
from importlib import import_module
from pathlib import Path

from thermark.core import errors
from thermark.core.config import section
from thermark.core.runs import Untrained
from thermark.train import outcome, processes, publish, side_by_side
from thermark.train.checkpoint import Checkpoint


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--params", required=True)
    for name in ("faces", "models", "checkpoint", "out", "history", "gradients"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    processes.relaunched()
    recipe = import_module(f"thermark.train.recipes.{options.recipe}")
    config = section(Path("params.yaml"), options.params, recipe.Config)
    states = {seed: options.checkpoint / f"{options.out.name}-seed{seed}" for seed in config.seeds}
    try:
        job = side_by_side.RecipeRun(options.recipe, config, options.faces, options.models, states)
        done = outcome.every_seed(config, options.faces, options.models, job)
    except Untrained as error:
        print(f"{options.out.name} was not trained: {error.cause}", file=sys.stderr)
        if processes.rank() == 0:
            publish.skipped(options.out, options.history, options.gradients, error.cause)
        return
    if processes.rank() == 0:
        publish.publish(options.out, options.history, options.gradients, done)
        for state in states.values():
            Checkpoint(state, key="").clear()


if __name__ == "__main__":
    errors.run(main)
