"""How much faster training is than a default PyTorch loop, and whether the data keep up: ratios, not seconds.

`python benchmarks/training.py [--size t] [--pixels 128] [--batch 32] [--steps 8]`
"""

import thermark  # noqa: F401  # isort: skip  (before numpy and torch, which read its switches once)

import argparse
import copy
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from thermark.core import files
from thermark.core.faces import Faces
from thermark.nets.pixels import normalised
from thermark.nets.rtmpose import RTMPose
from thermark.train import data, precision, schedule
from thermark.train.augment import Augment
from thermark.train.codecs.simcc import SimCC
from thermark.train.data import Samples
from thermark.train.losses import Targets
from thermark.train.losses.simcc import loss


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="t")
    parser.add_argument("--pixels", type=int, default=128)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    with tempfile.TemporaryDirectory() as folder:
        samples = noise(Path(folder), 4 * chosen.batch, chosen.pixels)
        rows = data.order(len(samples), chosen.batch, 0, 0)

        def assemble() -> None:
            data.assemble(samples, rows[0], 0, 0, Augment())

        batch = data.assemble(samples, rows[0], 0, 0, Augment())
        pace = {
            "fp32, NCHW": step(chosen.size, batch, "fp32", torch.contiguous_format),
            "fp32, channels_last": step(chosen.size, batch, "fp32", torch.channels_last),
            "bf16, channels_last": step(chosen.size, batch, "bf16", torch.channels_last),
        }
        # Interleaved, so that a busy minute of the machine hurts all alike.
        seconds = {name: float("inf") for name in [*pace, "data"]}
        for _ in range(chosen.steps):
            for name, once in {**pace, "data": assemble}.items():
                seconds[name] = min(seconds[name], timed(once))
    for name, best in seconds.items():
        ratio = seconds["fp32, NCHW"] / best
        print(f"{name:22s} {chosen.batch / best:8.0f} images/s   x{ratio:.2f}")


def step(size: str, batch: data.Batch, exact: str, layout: torch.memory_format) -> Callable[[], None]:
    """Return a training step as the loop makes it: forward, backward, clip, AdamW, moving average."""
    device = torch.device("cpu")
    pixels = batch.images.shape[1]
    model: nn.Module = RTMPose(size, batch.xy.shape[1], pixels).to(memory_format=layout)
    mean = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(schedule.groups(model, 0.05), 1e-4, fused=True)
    targets = Targets(torch.from_numpy(batch.xy), torch.from_numpy(batch.weight))
    codec = SimCC((pixels, pixels))

    def once() -> None:
        images = normalised(batch.images).contiguous(memory_format=layout)
        with precision.autocast(exact, device):
            outputs = model(images)
        value = loss(outputs, targets, codec)
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 35.0)
        optimizer.step()
        schedule.average(mean, model, 0.1)

    once()
    return once


def timed(once: Callable[[], None]) -> float:
    start = time.perf_counter()
    once()
    return time.perf_counter() - start


def noise(folder: Path, count: int, pixels: int, held_out: int = 0) -> Samples:
    """Return `count` training faces of noise, packed as the default packs: 1.75 x the prompt at 1.5 x the input.

    So many `held_out` more are written for validation.
    """
    count += held_out
    side = pixels * 3 // 2
    rng = np.random.default_rng(0)
    names = np.array([str(index) for index in range(count)])
    boxes = np.tile(np.float32([40, 40, 140, 140]), (count, 1))
    faces = Faces(
        ids=names,
        frames=names,
        subjects=names,
        splits=np.where(np.arange(count) < held_out, "val", "train"),
        vocabularies=np.full(count, "ibug68"),
        boxes=boxes,
        prompts=boxes,
        xy=rng.uniform(50, 130, (count, 68, 2)).astype(np.float32),
        visible=np.ones((count, 68), bool),
    )
    root = folder / "noise"
    root.mkdir()
    faces.save(root / "faces.npz")
    np.save(root / "pixels.npy", rng.integers(0, 256, (count, side, side), np.uint8))
    maps = np.tile(np.array([[175 / side, 0, 2.5], [0, 175 / side, 2.5]]), (count, 1, 1))
    files.write_arrays(root / "crops.npz", {"to_source": maps, "padding": np.array(1.75)})
    return data.gather(folder, ["noise"], "train", "ibug68", pixels, 1.25)


if __name__ == "__main__":
    main()
