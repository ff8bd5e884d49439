"""Preparing a data set of T-FAKE's form: frames a second and peak memory, against one PNG a crop.

python benchmarks/scale.py --ids 300                            # frames of the real size
python benchmarks/scale.py --ids 100000 --side 96 --size 48     # the real number of frames, in 10 GB of disk
"""

import thermark  # noqa: F401  # isort: skip  (before numpy and torch, which read its switches once)

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import psutil

from thermark.core import geometry, radiometry
from thermark.core.parallel import ordered
from thermark.core.progress import track
from thermark.datasets import tfake
from thermark.datasets.prepare import packing
from thermark.datasets.prepare.packing import CropConfig


@dataclass
class Peak:
    """The most memory, in bytes, that this process and its children held at once; shared pages count once."""

    bytes: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ids", type=int, default=300, help="faces, each warm and cold")
    parser.add_argument("--side", type=int, default=512, help="px of a frame")
    parser.add_argument("--size", type=int, default=192, help="px of a crop")
    parser.add_argument("--naive", type=int, default=400, help="frames that the naive way is timed on")
    parser.add_argument("--folder", type=Path, help="where the data are made (default: a temporary folder)")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        root = Path(folder)
        make = partial(write, root=root / "raw", side=chosen.side)
        for _ in track(ordered(make, range(chosen.ids), None, 64), chosen.ids, "writing frames", "ids"):
            pass
        config = tfake.Config(raw="raw")
        crop = CropConfig(size=chosen.size)
        slow = naive(root, config, crop, chosen.naive)
        peak, rates = Peak(), []
        for workers in (1, None):
            with watched(peak):
                start = time.perf_counter()
                beside = (root / "r.json", root / "s.csv")
                report = packing.pack(tfake, root / "raw", config, crop, root / "out", *beside, workers)
                rates.append(report["frames"] / (time.perf_counter() - start))
    print("| way | frames/s | against the first |\n| --- | ---: | ---: |")
    print(f"| one process, one PNG a crop, nothing checked | {slow:,.0f} | |")
    print(f"| shards, one process, all checks | {rates[0]:,.0f} | {rates[0] / slow:.1f} |")
    print(f"| shards, all cores, all checks | {rates[1]:,.0f} | {rates[1] / slow:.1f} |")
    print(f"\n{report['frames']} frames of {chosen.side} px, crops of {chosen.size} px; ", end="")
    print(f"at most {peak.bytes / 1e6:,.0f} MB in all processes together")


def write(index: int, root: Path, side: int) -> None:
    """Write one id: labels, and a warm and a cold frame that are nobody else's."""
    rng = np.random.default_rng(index)
    for folder in ("labels", "warm", "cold"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    points = rng.uniform(side * 0.25, side * 0.75, (70, 2))
    (root / f"labels/{index:06d}_ldmks.txt").write_text("".join(f"{x:.4f} {y:.4f}\n" for x, y in points))
    for folder in ("warm", "cold"):
        coarse = rng.uniform(5000, 60000, (12, 12)).astype(np.float32)
        frame = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC) + rng.normal(0, 60, (side, side))
        cv2.imwrite(str(root / folder / f"{index:06d}_thermal.png"), frame.clip(0, 65535).astype(np.uint16))


def naive(root: Path, config: tfake.Config, crop: CropConfig, count: int) -> float:
    """Cut the crops of the first frames one after the other, a file each, and return the frames a second.

    Labels are read before, and not counted; what packing checks on the way is not done.
    """
    loaded = tfake.load(root / "raw", config)
    (root / "crops").mkdir()
    rows = range(min(count, len(loaded.frames)))
    start = time.perf_counter()
    for row in rows:
        celsius = tfake.read(root / "raw" / str(loaded.frames.paths[row]), config)
        to_source = geometry.crop_to_source(loaded.faces.prompts[row], crop.size, crop.padding)
        grey = radiometry.render(celsius, config.tone)
        cv2.imwrite(str(root / "crops" / f"{row:06d}.png"), geometry.warp(grey, to_source, crop.size))
    return len(rows) / (time.perf_counter() - start)


@contextmanager
def watched(peak: Peak, every: float = 0.25) -> Iterator[None]:
    """Raise `peak` to the most memory that is held while the block runs."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(every):
            peak.bytes = max(peak.bytes, held())

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def held() -> int:
    """Return the bytes of this process and its children, shared pages in proportion."""
    total = 0
    this = psutil.Process()
    for process in (this, *this.children(recursive=True)):
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue  # it has just ended
    return total


if __name__ == "__main__":
    main()
