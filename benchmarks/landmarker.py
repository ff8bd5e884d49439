"""Faces a second of the shipped landmarker: detection and landmarks, on two threads.

`python benchmarks/landmarker.py [--weights FOLDER] [--threads 2] [--size 320 240] [--calls 100]`

Goal: 30 frames of one face a second, which is what a camera gives. A frame of noise is given boxes beside the
detector's own, as nobody is in it: the detector looks at all of it whoever is there.
"""

import thermark  # noqa: F401  # isort: skip  (before numpy, which reads its switches once)

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from thermark.landmarker.landmarker import Landmarker


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--size", type=int, nargs=2, default=(320, 240))
    parser.add_argument("--calls", type=int, default=100)
    options = parser.parse_args()
    find = Landmarker(options.weights, threads=options.threads)
    width, height = options.size
    picture = np.random.default_rng(0).integers(0, 255, (height, width), np.uint8)
    box = np.array([[0.3 * width, 0.2 * height, 0.6 * width, 0.8 * height]])
    alone = lambda: find._detector(picture)  # noqa: E731
    ways: dict[str, Callable[[], object]] = {
        "detector": alone,
        "landmarks of a face": lambda: find(picture, boxes=box),
        "both": lambda: (alone(), find(picture, boxes=box)),
        "landmarks of 8 faces": lambda: find(picture, boxes=np.repeat(box, 8, axis=0)),
    }
    print(f"{width} x {height} px, {options.threads} threads, {find.card.landmarks.precision}")
    for name, way in ways.items():
        print(f"{name:24s} {rate(way, options.calls):8.1f} a second")


def rate(way: Callable[[], object], calls: int) -> float:
    """Return the calls a second of the median call, after some that warm up."""
    seconds = []
    for call in range(calls + calls // 5):
        start = time.perf_counter()
        way()
        if call >= calls // 5:
            seconds.append(time.perf_counter() - start)
    return 1 / float(np.median(seconds))


if __name__ == "__main__":
    main()
