"""The seeds of a run side by side with one thread each, against one after the other with two: ratios, not seconds.

`python benchmarks/side_by_side.py [--size t] [--pixels 96] [--batch 16] [--seeds 3] [--steps 12] [--rounds 2]`
"""

import thermark  # noqa: F401  # isort: skip  (before numpy and torch, which read its switches once)

import argparse
import tempfile
import time
from pathlib import Path

from training import noise

from thermark.core.config import parse
from thermark.train import side_by_side
from thermark.train.recipes import supervised
from thermark.train.side_by_side import RecipeRun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="t")
    numbers = {"pixels": 96, "batch": 16, "seeds": 3, "steps": 12, "rounds": 2}
    for name, value in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    chosen = parser.parse_args()
    seconds = {1: float("inf"), 2: float("inf")}
    with tempfile.TemporaryDirectory() as name:
        noise(Path(name), chosen.steps * chosen.batch, chosen.pixels, held_out=chosen.batch)
        # Interleaved, so that a busy minute of the machine hurts both alike.
        for number in range(chosen.rounds):
            for threads in seconds:
                state = Path(name) / f"{number}-{threads}"
                seconds[threads] = min(seconds[threads], trained(chosen, threads, Path(name), state))
    for threads, best in seconds.items():
        images = chosen.seeds * chosen.steps * chosen.batch / best
        how = "in a row" if threads == 2 else "side by side"
        print(f"{chosen.seeds} seeds {how}, threads: {threads}   {best:6.1f} s   {images:5.0f} images/s")
    print(f"side by side is x{seconds[2] / seconds[1]:.2f} as fast")


def trained(chosen: argparse.Namespace, threads: int, faces: Path, state: Path) -> float:
    """Return the seconds of one epoch with every seed, the start of processes and a validation included."""
    told = {"recipe": "supervised", "objective": "simcc", "train": "noise", "labels": "ibug68"}
    told |= {"vocabulary": "ibug68", "size": chosen.size, "input_size": chosen.pixels, "batch": chosen.batch}
    told |= {"epochs": 1, "threads": threads, "precision": "fp32", "seeds": list(range(chosen.seeds))}
    config = parse(told, supervised.Config, "bench")
    states = {seed: state / str(seed) for seed in config.seeds}
    start = time.perf_counter()
    side_by_side.train_all(config, RecipeRun("supervised", config, faces, faces, states))
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
