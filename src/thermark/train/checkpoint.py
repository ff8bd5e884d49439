"""Training that can be killed: the state after every epoch, in one file that is whole or absent."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from thermark.core import files
from thermark.train import processes

Row = dict[str, float]
State = dict[str, Tensor]


@dataclass
class Progress:
    """Where training stands: epochs and steps done, the best epoch (from 1, 0 = none), a row an epoch.

    `norms`: the gradient's norm before clipping at each of the first steps.
    """

    epoch: int = 0
    step: int = 0
    best_epoch: int = 0
    best: float = float("inf")
    history: list[Row] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)


class Memory:
    """The best weights of a training of seconds, which begins anew after a kill."""

    def __init__(self) -> None:
        self._best: State = {}

    def save(self, progress: Progress, model: nn.Module, mean: nn.Module, optimizer: Optimizer) -> None:
        """Keep the weights when this epoch is the best."""
        if progress.best_epoch == progress.epoch:
            self._best = contiguous(mean.state_dict())

    def resume(self, model: nn.Module, mean: nn.Module, optimizer: Optimizer) -> Progress:
        """Return a fresh Progress."""
        return Progress()

    def best(self) -> State:
        """Return the weights of the best epoch so far."""
        return self._best


@dataclass(frozen=True)
class Checkpoint:
    """A folder for the state of one training run, written by process 0 and read by all.

    `key` identifies everything that the run depends on; a state with another key is ignored. `last.safetensors`
    is what training goes on from, `best.safetensors` the best weights so far.
    """

    folder: Path
    key: str

    def save(self, progress: Progress, model: nn.Module, mean: nn.Module, optimizer: Optimizer) -> None:
        """Write the state after an epoch, the best weights first when this epoch is the best."""
        if processes.rank():
            return
        if progress.best_epoch == progress.epoch:
            self._write("best.safetensors", contiguous(mean.state_dict()), {})
        tensors = _prefixed("model", model.state_dict()) | _prefixed("mean", mean.state_dict())
        for index, moments in enumerate(_moments(optimizer)):
            tensors |= _prefixed(f"optimizer.{index}", moments)
        self._write("last.safetensors", tensors, {"progress": json.dumps(asdict(progress))})

    def resume(self, model: nn.Module, mean: nn.Module, optimizer: Optimizer) -> Progress:
        """Load the last state of the same run into the three objects; a fresh Progress when there is none."""
        path = self.folder / "last.safetensors"
        try:
            with safe_open(path, "pt") as file:
                about = file.metadata() or {}
            if about.get("key") != self.key:
                return Progress()
            stored = load_file(path)
        except (FileNotFoundError, SafetensorError):
            return Progress()
        model.load_state_dict(_under("model", stored))
        mean.load_state_dict(_under("mean", stored))
        _restore(optimizer, stored)
        return Progress(**json.loads(about["progress"]))

    def best(self) -> State:
        """Return the weights of the best epoch so far."""
        return load_file(self.folder / "best.safetensors")

    def clear(self) -> None:
        """Forget the run, once its outputs are written."""
        for name in ("last.safetensors", "best.safetensors"):
            (self.folder / name).unlink(missing_ok=True)

    def _write(self, name: str, tensors: State, about: dict[str, str]) -> None:
        with files.replacing(self.folder / name) as temporary:
            save_file(tensors, temporary, {"key": self.key} | about)


Store = Checkpoint | Memory


def contiguous(state: State) -> State:
    """Return copies on the CPU in plain memory order, as safetensors requires."""
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in state.items()}


def _prefixed(prefix: str, state: State) -> State:
    return {f"{prefix}.{name}": tensor for name, tensor in contiguous(state).items()}


def _under(prefix: str, stored: State) -> State:
    start = f"{prefix}."
    return {name.removeprefix(start): tensor for name, tensor in stored.items() if name.startswith(start)}


def _moments(optimizer: Optimizer) -> list[State]:
    return [optimizer.state[parameter] for group in optimizer.param_groups for parameter in group["params"]]


def _restore(optimizer: Optimizer, stored: State) -> None:
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for index, parameter in enumerate(parameters):
        for name, tensor in _under(f"optimizer.{index}", stored).items():
            # In the parameter's own memory order, so that the next step adds in the same sequence.
            same = tensor.shape == parameter.shape
            like = torch.empty_like(parameter if same else tensor, device=parameter.device)
            optimizer.state[parameter][name] = like.copy_(tensor)
