"""The crops of many frames as one batch, against a call of the network for each frame: ratios, not seconds.

`python benchmarks/cascade.py [--size t] [--pixels 128] [--frames 32] [--persons 2] [--rounds 5]`

Goal: never slower. MediaPipe's Tasks have no such row, as they take one picture at a time.
"""

import thermark  # noqa: F401  # isort: skip  (before numpy and torch, which read its switches once)

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

from thermark import landmarks
from thermark.models.cascade import Cascade
from thermark.models.learned import Learned
from thermark.nets.rtmpose import RTMPose
from thermark.train.codecs.simcc import SimCC

HEIGHT, WIDTH = 192, 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="t")
    parser.add_argument("--pixels", type=int, default=128)
    parser.add_argument("--frames", type=int, default=32)
    parser.add_argument("--persons", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    net = RTMPose(chosen.size, 1, chosen.pixels).eval().to(memory_format=torch.channels_last)
    flip = landmarks.load("nose1").flip
    codec = SimCC((chosen.pixels, chosen.pixels))
    network = Learned(net, "nose1", chosen.pixels, 1.25, torch.device("cpu"), codec, flip)
    images, boxes = drawn(chosen.frames, chosen.persons)
    together = Cascade(network, "labelled", "labelled")
    ways: dict[str, Callable[[], object]] = {
        "a call for each frame": lambda: [network(image, own) for image, own in zip(images, boxes, strict=True)],
        "crops of all frames": lambda: together(images, boxes),
    }
    # Interleaved, so that a busy minute of the machine hurts both alike.
    seconds = dict.fromkeys(ways, float("inf"))
    for _ in range(chosen.rounds + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            seconds[name] = min(seconds[name], time.perf_counter() - start)
    print(f"RTMPose-{chosen.size}, {chosen.pixels} px, {chosen.frames} frames of {chosen.persons} persons")
    for name, best in seconds.items():
        print(f"{name:24s} {chosen.frames / best:8.0f} frames/s")
    naive, batched = seconds.values()
    print(f"ratio {naive / batched:.2f}, fastest of {chosen.rounds} rounds, {torch.get_num_threads()} threads")


def drawn(frames: int, persons: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return frames of noise, and in each the boxes (P, 4) of persons."""
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8) for _ in range(frames)]
    corners = rng.uniform(0, 100, (frames, persons, 2))
    sides = rng.uniform(50, 150, (frames, persons, 2))
    return images, list(np.concatenate([corners, corners + sides], axis=-1).astype(np.float32))


if __name__ == "__main__":
    main()
