"""What a distilled step costs beside a supervised one and beside its parts: ratios, not seconds.

`python benchmarks/distillation.py [--teacher s] [--student s] [--pixels 128] [--batch 32] [--steps 8]`

Goal: a KTL step costs at most 1.1 x (teacher forward + supervised step).
"""

import thermark  # noqa: F401  # isort: skip  (before numpy and torch, which read its switches once)

import argparse
import copy
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from thermark.core.config import parse
from thermark.nets.pixels import normalised
from thermark.nets.rtmpose import RTMPose
from thermark.train import precision, schedule
from thermark.train.codecs.simcc import SimCC
from thermark.train.data import Batch, Samples
from thermark.train.distillation import injection, training
from thermark.train.distillation.injection import AdaptedStudent
from thermark.train.distillation.terms import weighted
from thermark.train.losses import simcc
from thermark.train.pairs import PairBatch
from thermark.train.recipes import ktl
from thermark.train.run import Ready

POINTS = 68
TERMS = {
    "supervised": {"fm": 0.0, "lg": 0.0, "ri": 0.0, "fi": 0.0},
    "kd (fm, lg)": {"ri": 0.0, "fi": 0.0},
    "ktl (fm, lg, ri, fi)": {},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teacher", default="s")
    parser.add_argument("--student", default="s")
    parser.add_argument("--pixels", type=int, default=128)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=8)
    chosen = parser.parse_args()
    naive = steps(chosen, "fp32", torch.contiguous_format)
    ours = steps(chosen, precision.resolved(config(chosen, {}), torch.device("cpu")), torch.channels_last)
    timed_by = {f"{name}, naive fp32": once for name, once in naive.items()} | ours
    # Interleaved, so that a busy minute of the machine hurts all alike.
    seconds = dict.fromkeys(timed_by, float("inf"))
    for _ in range(chosen.steps):
        for name, once in timed_by.items():
            start = time.perf_counter()
            once()
            seconds[name] = min(seconds[name], time.perf_counter() - start)
    print(f"teacher {chosen.teacher}, student {chosen.student}, {chosen.pixels} px, batch {chosen.batch}")
    for name, best in seconds.items():
        print(
            f"{name:40s} {chosen.batch / best:8.0f} images/s   x{best / seconds['supervised']:.2f} of supervised"
        )
    bound = seconds["teacher forward"] + seconds["supervised"]
    print(f"a ktl step is x{seconds['ktl (fm, lg, ri, fi)'] / bound:.2f} of teacher forward + supervised step")


def config(chosen: argparse.Namespace, lambdas: dict[str, float]) -> ktl.Config:
    """Return a run with the terms of `lambdas` left out."""
    told = {"recipe": "ktl", "objective": "simcc", "train": "a", "teacher_data": "b", "teacher": "c"}
    told |= {
        "labels": "ibug68",
        "vocabulary": "ibug68",
        "size": chosen.student,
        "input_size": chosen.pixels,
        "lambdas": lambdas,
    }
    return parse(told, ktl.Config, "bench")


def steps(chosen: argparse.Namespace, exact: str, layout: torch.memory_format) -> dict[str, Callable[[], None]]:
    """Return the steps to be timed, and the teacher's forward pass alone."""
    teacher = RTMPose(chosen.teacher, POINTS, chosen.pixels).eval().requires_grad_(False).to(memory_format=layout)
    batch = noise(chosen.batch, chosen.pixels)
    found = {name: step(config(chosen, lambdas), teacher, batch, exact, layout) for name, lambdas in TERMS.items()}

    def forward() -> None:
        with precision.autocast(exact, torch.device("cpu")):
            injection.teacher_outputs(teacher, normalised(batch.teacher))

    return found | {"teacher forward": forward}


def step(
    told: ktl.Config, teacher: RTMPose, batch: PairBatch, exact: str, layout: torch.memory_format
) -> Callable[[], None]:
    """Return a training step as the loop makes it: terms, backward, clip, AdamW, moving average."""
    student = RTMPose(told.size, POINTS, told.input_size)
    model = AdaptedStudent(student, teacher, *training.adapters(told)).to(memory_format=layout)
    mean = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(schedule.groups(model, 0.05), 1e-4, fused=True)
    torch.set_num_threads(told.threads)
    nothing = Samples(told.input_size, 1.25, (), (), *(np.zeros((0, 2)),) * 3, np.zeros(POINTS, np.int64))
    codec = SimCC((told.input_size, told.input_size))
    at = Ready(told, 0, (), (), torch.device("cpu"), exact, nothing, nothing, simcc.loss, codec)

    def once() -> None:
        terms: dict[str, Tensor] = weighted(model, teacher, batch, 0, at, told)
        optimizer.zero_grad(set_to_none=True)
        torch.stack(list(terms.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 35.0)
        optimizer.step()
        schedule.average(mean, model, 0.1)

    once()
    return once


def noise(count: int, pixels: int) -> PairBatch:
    """Return a batch of grey noise and its colour partner."""
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (count, pixels, pixels), np.uint8)
    xy = rng.uniform(0, pixels - 1, (count, POINTS, 2)).astype(np.float32)
    seen = Batch(grey, xy, np.ones((count, POINTS), np.float32))
    return PairBatch(seen, np.repeat(grey[..., None], 3, axis=-1))


if __name__ == "__main__":
    main()
