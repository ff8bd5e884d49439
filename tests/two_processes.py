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


def normalised_once(model: nn.Module, x: Tensor, pull: Tensor) -> dict[str, Tensor]:
    """Return output, gradients and running statistics of a layer for the rows of this process."""
    rows = torch.from_numpy(processes.part(np.arange(len(x))))
    own = x[rows].clone().requires_grad_()
    layer = processes.synchronised(model)
    y = layer(own)
    (y * pull[rows]).sum().backward()
    told = {"y": y.detach(), "x_grad": own.grad, "rows": rows}
    grads = {f"{name}_grad": parameter.grad for name, parameter in layer.named_parameters()}
    layer.eval()
    told |= grads | dict(layer.state_dict()) | {"plain": layer(x).detach()}
    return {name: tensor.contiguous() for name, tensor in told.items()}


def layer_and_inputs() -> tuple[nn.BatchNorm2d, Tensor, Tensor]:
    torch.manual_seed(1)
    layer = nn.BatchNorm2d(5)
    nn.init.uniform_(layer.weight, 0.5, 2)
    nn.init.normal_(layer.bias)
    # Rows differ in mean and spread, so that the two halves do; channel 4 lies far from 0.
    x = torch.randn(6, 5, 4, 3) * torch.arange(1, 7).view(-1, 1, 1, 1) + torch.arange(6).view(-1, 1, 1, 1)
    x[:, 4] += 3000
    return layer, x, torch.randn(6, 5, 4, 3)


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
    return RTMPose("t", 4, PIXELS)


def fit(model: nn.Module, terms, batches, folder: Path, **settings) -> Trained:
    told = {"batch": BATCH, "threads": 1, "device": "cpu", "patience": 50, "rate": {"peak": 5e-4, "warmup": 1}}
    run = parse(told | settings, Settings, "x")
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
    save_file(normalised_once(*layer_and_inputs()), folder / f"layer{rank}.safetensors")
    (folder / f"told{rank}.json").write_text(json.dumps(messages(rank)))
    with in_double():
        kept(trained(folder / "both"), folder / f"both{rank}.safetensors")
        synchronised, processes.synchronised = processes.synchronised, lambda model: model
        kept(trained(folder / "apart"), folder / f"apart{rank}.safetensors")
        processes.synchronised = synchronised
    broken(folder / "broken")


def messages(rank: int) -> dict[str, object]:
    torch.manual_seed(rank)
    module = processes.synchronised(nn.Linear(2, 3))
    module.weight.grad = torch.full((3, 2), float(rank))
    module.bias.grad = torch.ones(3) if rank else None
    unused = nn.Parameter(torch.zeros(1))
    processes.mean_gradients([*module.parameters(), unused])
    return {
        "weight": module.weight.tolist(),
        "gradients": [module.weight.grad.tolist(), module.bias.grad.tolist()],
        "unused": unused.grad is None,
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

    def writing(self: Checkpoint, name: str, *told: object) -> None:
        begun.extend(["one"] * (name == "last.safetensors"))
        if len(begun) == 3:
            act()
        write(self, name, *told)

    Checkpoint._write = writing


def failing(folder: Path) -> None:
    """Let the other process alone fail before it communicates, while this one waits."""
    processes.start(torch.device("cpu"))
    if processes.rank():
        raise errors.DataError("the second process has no data", "give it some")
    processes.wait()


if __name__ == "__main__":
    task = {"everything": everything, "single": single, "resumed": resumed, "failing": failing}[sys.argv[1]]
    errors.run(lambda: task(Path(sys.argv[2])))
