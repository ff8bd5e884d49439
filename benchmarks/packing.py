"""Packed crops against one PNG a crop: disk, and how fast shuffled batches arrive.

python benchmarks/packing.py data/faces/tfake
"""

import thermark  # noqa: F401  # isort: skip  (before numpy and torch, which read its switches once)

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from thermark.core.faces import Crops


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("faces", type=Path, help="a folder that prepare wrote")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    packed = Crops.open(options.faces).pixels
    order = np.random.default_rng(0).permutation(len(packed))[: options.count]
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{row}.png" for row in order]
        for path, row in zip(paths, order, strict=True):
            cv2.imwrite(str(path), packed[row])
        size = sum(path.stat().st_size for path in paths) / len(paths)
        one = fastest(lambda: [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in paths], options.rounds)
        many = fastest(
            lambda: [packed[rows] for rows in np.array_split(order, len(order) // 32 + 1)], options.rounds
        )
    bytes_packed = packed[0].nbytes
    print("| storage | crops/s | files for 100,000 | bytes/crop |\n| --- | ---: | ---: | ---: |")
    print(f"| one PNG a crop | {len(order) / one:,.0f} | 100,000 | {size:,.0f} |")
    print(f"| packed, memory-mapped | {len(order) / many:,.0f} | 2 | {bytes_packed:,} |")
    print(f"\nratio {one / many:.1f}, fastest of {options.rounds} rounds, files in the page cache")


def fastest(work: Callable[[], object], rounds: int) -> float:
    """Return the seconds of the fastest round."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    main()
