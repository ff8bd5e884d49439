"""Faces a second of the shipped landmarker: detection and landmarks, on two threads.

`python benchmarks/landmarker.py [--weights FOLDER] [--threads 2] [--size 320 240] [--calls 100]`

Goal: 30 frames of one face a second, which is what a camera gives. `find` is the whole way of a frame with one
rendered head in it: the detector, the landmarks in each of the places that are tried around its box, and those of
the mirror image in the place that is taken.
"""

import thermark  # noqa: F401  # isort: skip  (before numpy, which reads its switches once)

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from thermark.core.images import luma
from thermark.landmarker.landmarker import Landmarker
from thermark.synth.writers import cameras


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--size", type=int, nargs=2, default=(320, 240))
    parser.add_argument("--calls", type=int, default=100)
    options = parser.parse_args()
    find, plain = (Landmarker(options.weights, threads=options.threads, flip=flip) for flip in (True, False))
    width, height = options.size
    picture, box = one_face(find, width, height)
    ways: dict[str, Callable[[], object]] = {
        "find": lambda: find(picture),
        "find, not mirrored": lambda: plain(picture),
        "detector": lambda: find._detector(picture),
        "landmarks of a face": lambda: find(picture, boxes=box),
        "landmarks of 8 faces": lambda: find(picture, boxes=np.repeat(box, 8, axis=0)),
    }
    print(f"{width} x {height} px, {options.threads} threads, {find.card.landmarks.precision}")
    for name, way in ways.items():
        print(f"{name:24s} {rate(way, options.calls):8.1f} a second")


def one_face(find: Landmarker, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first rendered picture (H, W) in which one face is found, and its box (1, 4)."""
    config = cameras.Config(count=12, width=width, height=height, people=(0, 1, 0, 0), visible=False)
    with tempfile.TemporaryDirectory() as folder:
        cameras.write(Path(folder) / "pictures", config)
        for path in sorted((Path(folder) / "pictures/thermal").glob("*.png")):
            picture = luma(path)
            faces = find(picture)
            if len(faces) == 1:
                return picture, faces.boxes
    raise SystemExit("in none of twelve rendered pictures one face was found")


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
