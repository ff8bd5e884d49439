"""What batches and sessions of our own are worth beside rtmlib's loop over boxes: ratios, not seconds.

`python benchmarks/pose.py [--size s] [--pixels 96] [--faces 64] [--rounds 8] [--threads 2]`
"""

import thermark  # noqa: F401  # isort: skip  (before numpy and torch, which read its switches once)

import argparse
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from thermark.convert import onnx as exported
from thermark.core import bundle
from thermark.models import rtmlib
from thermark.models.inference.contract import Assets
from thermark.models.inference.sessions import RTMPose
from thermark.nets.rtmpose import RTMPose as Network

POINTS, SIDE = 68, 512


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="s")
    parser.add_argument("--pixels", type=int, default=96)
    parser.add_argument("--faces", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    rng = np.random.default_rng(0)
    images = list(rng.integers(0, 256, (8, SIDE, SIDE, 3), np.uint8))
    corners = rng.uniform(0, SIDE / 2, (len(images), chosen.faces // len(images), 2))
    boxes = np.concatenate([corners, corners + rng.uniform(60, 200, (*corners.shape[:2], 1))], axis=2)
    with TemporaryDirectory() as folder:
        ways = predictors(chosen, Path(folder), images, boxes.astype(np.float32))
        # Interleaved, so that a busy minute of the machine hurts all alike.
        seconds = dict.fromkeys(ways, float("inf"))
        for _ in range(chosen.rounds + 1):
            for name, once in ways.items():
                start = time.perf_counter()
                once()
                seconds[name] = min(seconds[name], time.perf_counter() - start)
    count = boxes.shape[0] * boxes.shape[1]
    print(f"RTMPose-{chosen.size} at {chosen.pixels} px, {count} faces in {len(images)} images")
    for name, best in seconds.items():
        ratio = seconds["rtmlib, box by box"] / best
        print(f"{name:40s} {count / best:8.0f} predictions/s   x{ratio:.2f}")


def predictors(
    chosen: argparse.Namespace, folder: Path, images: list[np.ndarray], boxes: np.ndarray
) -> dict[str, Callable[[], object]]:
    """Return the ways to predict all boxes: rtmlib as it comes, with our threads, and our adapter."""
    torch.manual_seed(0)
    net = Network(chosen.size, POINTS, chosen.pixels)
    path = folder / exported.NAME
    path.write_bytes(exported.graph(net, chosen.pixels, POINTS))
    size = [chosen.pixels, chosen.pixels]
    bundle.write(folder, "ok", "", {path.name: {"input_size": size, "channels": "rgb", "vocabulary": "ibug68"}})
    config = rtmlib.Config(
        family="rtmlib", weights="bench", pose=path.name, given="prompt", threads=chosen.threads
    )
    ours = rtmlib.load(config, Assets(bundle.read(folder)), "cpu")
    with redirect_stdout(StringIO()):
        theirs = RTMPose(str(path), tuple(size))
    ways = {"rtmlib, box by box": theirs, f"rtmlib, {chosen.threads} threads": ours.pose}

    def loop(tool: RTMPose) -> Callable[[], object]:
        return lambda: [tool(image, own) for image, own in zip(images, boxes + 0.5, strict=True)]

    return {name: loop(tool) for name, tool in ways.items()} | {
        "ours, all boxes of all images at once": lambda: ours(images, list(boxes))
    }


if __name__ == "__main__":
    main()
