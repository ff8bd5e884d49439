"""Train a face detector with all its seeds and export it; after a kill, the same command goes on."""

import argparse
import sys
from pathlib import Path

from thermark.convert import face_detector
from thermark.core import errors
from thermark.core.config import section
from thermark.core.runs import Untrained
from thermark.train.checkpoint import Checkpoint
from thermark.train.detection import training


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", required=True)
    for name in ("raw", "checkpoint", "out", "history", "metrics"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    config = section(Path("params.yaml"), options.params, training.Config)
    states = {seed: options.checkpoint / f"{options.out.name}-seed{seed}" for seed in config.seeds}
    try:
        done = {seed: training.train(config, seed, options.raw, state) for seed, state in states.items()}
    except Untrained as error:
        print(f"{options.out.name} was not trained: {error.cause}", file=sys.stderr)
        face_detector.skipped(options.out, options.history, options.metrics, error.cause)
        return
    face_detector.publish(done, options.out, options.history, options.metrics)
    for state in states.values():
        Checkpoint(state, key="").clear()


if __name__ == "__main__":
    errors.run(main)
