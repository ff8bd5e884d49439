"""What a process does alone or as one of two: `python two_processes.py TASK FOLDER` in torchrun's environment."""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import thermark  # noqa: F401  (before numpy and torch, which read their switches once)

# isort: split
import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from thermark.core import errors
from thermark.core.config import parse
from thermark.nets.rtmpose import RTMPose
from thermark.train import loop, precision, processes
from thermark.train.checkpoint import Checkpoint
from thermark.train.loop import Settings, Trained

STEPS = 3
BATCH = 8
PIXELS = 64


class Fixed(nn.BatchNorm2d):
    """Batch normalisation by its running statistics, also in training: on a CPU others are those of a part."""

    def train(self, mode: bool = True) -> nn.Module:
        return super().train(False)


@contextmanager
def in_double() -> Iterator[None]:
    """Compute in float64 throughout, so that only a mistake makes a difference."""
    single = Tensor.float
    Tensor.float = Tensor.double
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        Tensor.float = single
        torch.set_default_dtype(torch.float32)


def network() -> RTMPose:
    torch.manual_seed(2)
    model = RTMPose("t", 4, PIXELS)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.__class__ = Fixed
    return model


def fit(model: nn.Module, terms, batches, folder: Path, **settings) -> Trained:
    defaults = {"batch": BATCH, "threads": 1, "device": "cpu", "patience": 50, "rate": {"peak": 5e-4, "warmup": 1}}
    run = parse(defaults | settings, Settings, "x")
    precision.prepare(run)

    def error(mean: nn.Module) -> float:
        assert processes.rank() == 0
        return float(next(mean.parameters()).abs().mean())

    return loop.fit(model, terms, batches, error, run, STEPS, Checkpoint(folder, "key"), "t")


def trained(folder: Path, epochs: int = 1) -> Trained:
    """Train RTMPose-t on blurred noise of a contrast that differs from row to row."""
    generator = torch.Generator().manual_seed(3)
    coarse = torch.randn(STEPS, BATCH, 3, 8, 8, generator=generator)
    contrast = torch.linspace(0.2, 3, BATCH).view(-1, 1, 1, 1)
    images = torch.stack([F.interpolate(each * contrast, PIXELS, mode="bicubic") for each in coarse])
    bins = torch.randint(2 * PIXELS, (STEPS, 2, BATCH, 4), generator=generator)

    def batches(epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        for step in range(STEPS):
            rows = processes.part(np.arange(BATCH))
            yield images[step, rows], bins[step][:, rows]

    def terms(model: nn.Module, batch: tuple[Tensor, Tensor], epoch: int) -> loop.Terms:
        features = model.backbone(batch[0])
        x, y = (logits.flatten(0, 1) for logits in model.head(features))
        entropy = F.cross_entropy(x, batch[1][0].flatten()) + F.cross_entropy(y, batch[1][1].flatten())
        # A sum over the batch is to be multiplied by the number of processes.
        energy = 1e-3 * features.square().mean((1, 2, 3)).sum() * processes.count()
        return {"entropy": entropy, "energy": energy}

    return fit(network(), terms, batches, folder, epochs=epochs)


def broken(folder: Path) -> None:
    """Train a line whose second term is NaN in the last process alone, in the second epoch."""

    def terms(model: nn.Module, batch: Tensor, epoch: int) -> loop.Terms:
        bad = epoch == 1 and processes.rank() == processes.count() - 1
        return {"good": model(batch).sum(), "bad": model(batch).sum() * (torch.nan if bad else 1)}

    fit(nn.Linear(1, 1), terms, lambda epoch: iter(torch.ones(STEPS, 2, 1)), folder, epochs=3)


def kept(result: Trained, path: Path) -> None:
    save_file(result.weights, path, {"progress": json.dumps([result.progress.history, result.progress.norms])})


def everything(folder: Path) -> None:
    """Do all that the fast tests look at, then fail."""
    rank = processes.rank()
    processes.start(torch.device("cpu"))
    (folder / f"messages{rank}.json").write_text(json.dumps(messages(rank)))
    with in_double():
        kept(trained(folder / "both"), folder / f"both{rank}.safetensors")
        parallel, processes.parallel = processes.parallel, lambda module: module
        kept(trained(folder / "apart"), folder / f"apart{rank}.safetensors")
        processes.parallel = parallel
    broken(folder / "broken")


class Partly(nn.Module):
    """A layer whose weight all processes use, its bias only the second, and a parameter that none uses."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.unused = nn.Linear(2, 3), nn.Parameter(torch.zeros(1))

    def forward(self, rank: int) -> Tensor:
        return rank * self.layer.weight.sum() + (self.layer.bias.sum() if rank else 0)


def messages(rank: int) -> dict[str, object]:
    torch.manual_seed(rank)
    module = Partly()
    both = processes.parallel(module)
    both(rank).backward()
    return {
        "weight": module.layer.weight.tolist(),
        "gradients": [module.layer.weight.grad.tolist(), module.layer.bias.grad.tolist()],
        "unused": module.unused.grad is None,
        "first": processes.first(rank + 0.1),
        "mean": processes.mean(torch.tensor([1.0, rank])).tolist(),
    }


def single(folder: Path) -> None:
    kept(trained(folder / "state"), folder / f"single{processes.rank()}.safetensors")


def resumed(folder: Path) -> None:
    if os.environ.get("KILL"):
        at_the_third_state(lambda: os.kill(os.getppid(), signal.SIGKILL))
    kept(trained(folder / "state", epochs=6), folder / f"resumed{processes.rank()}.safetensors")


def at_the_third_state(act: Callable[[], None]) -> None:
    """Do something when the third epoch's state is about to be written, its best weights perhaps already."""
    write, begun = Checkpoint._write, []

    def writing(self: Checkpoint, name: str, *arguments: object) -> None:
        begun.extend(["one"] * (name == "last.safetensors"))
        if len(begun) == 3:
            act()
        write(self, name, *arguments)

    Checkpoint._write = writing


def failing(folder: Path) -> None:
    """Let the other process alone fail before it communicates, while this one waits."""
    processes.start(torch.device("cpu"))
    if processes.rank():
        raise errors.DataError("the second process has no data", "give it some")
    with processes.connected():
        processes.wait()


if __name__ == "__main__":
    task = {"everything": everything, "single": single, "resumed": resumed, "failing": failing}[sys.argv[1]]
    errors.run(lambda: task(Path(sys.argv[2])))
