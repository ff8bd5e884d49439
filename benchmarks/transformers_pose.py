"""Heat-map contestants through transformers: batches against one image a call, float32 against bfloat16.

`python benchmarks/transformers_pose.py [--width 1024 --layers 24] [--images 8] [--batch 8] [--size 256 192]`

Random weights; 1024 wide with 24 layers is Sapiens2-0.4B. Goal: batches of 8 are not slower than single images.
"""

import thermark  # noqa: F401  # isort: skip  (before numpy and torch, which read its switches once)

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from thermark.core import bundle
from thermark.core.config import parse
from thermark.models import sapiens2
from thermark.models.inference.contract import Assets
from thermark.models.inference.topdown import TopDown
from thermark.nets import pretrained

CARD = {"vocabulary": "sapiens308", "channels": "rgb"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, nargs=2, default=(256, 192), metavar=("HEIGHT", "WIDTH"))
    chosen = parser.parse_args()
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (480, 640, 3), np.uint8) for _ in range(chosen.images)]
    outline = np.array([[-0.5, -0.5, 639.5, 479.5]], np.float32)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, chosen.width, chosen.layers)
        weights = bundle.read(folder)

        def contestant(dtype: str) -> TopDown:
            settings = {
                "family": "sapiens2",
                "weights": "w",
                "size": list(chosen.size),
                "batch": chosen.batch,
                "dtype": dtype,
                "flip": False,
            }
            return sapiens2.load(parse(settings, sapiens2.Config, "bench"), Assets(weights), "auto")

        jobs: dict[str, Callable[[], object]] = {}
        for dtype in ("float32", "bfloat16"):
            made = contestant(dtype)
            jobs[f"one image a call, {dtype}"] = lambda made=made: [made([image], [outline]) for image in images]
            jobs[f"batches of {chosen.batch}, {dtype}"] = lambda made=made: [
                made(images[start : start + chosen.batch], [outline] * len(images[start : start + chosen.batch]))
                for start in range(0, len(images), chosen.batch)
            ]
        seconds = fastest(jobs, chosen.rounds)
    naive = next(iter(seconds.values()))
    print(f"width {chosen.width}, {chosen.layers} layers, {chosen.size[0]} x {chosen.size[1]}, 308 points decoded")
    for job, best in seconds.items():
        print(f"{job:32s} {chosen.images / best:7.2f} predictions/s   x{naive / best:.2f}")


def fastest(jobs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the seconds of the fastest round of each job; interleaved, so that a busy minute hurts all alike."""
    for job in jobs.values():
        job()
    seconds = dict.fromkeys(jobs, float("inf"))
    for _ in range(rounds):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            seconds[name] = min(seconds[name], time.perf_counter() - start)
    return seconds


def write(folder: Path, width: int, layers: int) -> None:
    """Write a random pose network under the published names of tensors."""
    torch.manual_seed(0)
    config = pretrained.Sapiens2Config(
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=width // 64,
        num_key_value_attention_heads=width // 128,
        num_labels=308,
        head_config=pretrained.Sapiens2HeadConfig(
            upsample_out_channels=[width, width * 3 // 4], conv_out_channels=[width // 2, width // 2, width // 4]
        ),
    )
    net = pretrained.Sapiens2ForPoseEstimation(config)
    net.save_pretrained(folder)
    bundle.write(folder, "ok", "", {"model.safetensors": CARD})


if __name__ == "__main__":
    main()
