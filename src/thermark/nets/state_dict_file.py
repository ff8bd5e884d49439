"""Weights from files of others, read without running anything that they contain."""

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from thermark.core.errors import DataError

# What OpenMMLab's runners write beside the weights: arrays and scalars in `meta` (key point weights, colours, the
# best score; numpy 1 and 2 name the same functions differently) and loss histories in unpublished files. None of
# it is needed, so none of these is called: each name stands for `Inert` while a file is read.
INERT = (
    "mmengine.logging.history_buffer.HistoryBuffer",
    "numpy.core.multiarray._reconstruct",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray._reconstruct",
    "numpy._core.multiarray.scalar",
    "numpy.dtype",
    "numpy.ndarray",
)

# mmengine swaps the two when it averages weights: `state_dict` is the average, `ema_state_dict` what was averaged.
# The second is read only where a file has nothing else.
KEYS = ("state_dict", "ema_state_dict")


class Inert:
    """Takes the place of an object that is not needed: accepts whatever builds it and keeps nothing."""

    def __new__(cls, *_: object) -> "Inert":
        """Ignore the arguments."""
        return super().__new__(cls)

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, _: object) -> None:
        """Ignore the state."""


def read(path: Path) -> dict[str, Any]:
    """Return the entries of a state_dict by name, `module.` prefixes removed.

    The file is safetensors, or what torch.save wrote: a state_dict, or a dictionary that holds one as `state_dict`
    (or else `ema_state_dict`), as in published OpenMMLab checkpoints. Entries may be other things than tensors.
    Raises DataError for a file that is absent, damaged, holds no tensors or names a Python global that is neither
    PyTorch's own nor in `INERT`; no code of the file is run.
    """
    if not path.is_file():
        raise DataError(f"there is no checkpoint {path}", "download it, and check the path")
    loaded = _safetensors(path) if path.suffix == ".safetensors" else _unpickled(path)
    if not isinstance(loaded, Mapping):
        kind = type(loaded).__name__
        raise DataError(f"{path.name} holds a {kind} and no state_dict", "give a file with a state_dict")
    stored = next((loaded[key] for key in KEYS if key in loaded), loaded)
    if not isinstance(stored, Mapping) or not any(isinstance(value, Tensor) for value in stored.values()):
        held = ", ".join([repr(name) for name in loaded if isinstance(name, str)][:3]) or "nothing"
        raise DataError(f"{path.name} holds no state_dict but {held}", "give a file with a state_dict")
    if not all(isinstance(name, str) and name.isprintable() for name in stored):
        raise DataError(f"{path.name} has weights without a proper name", "give a file with a state_dict")
    named = {name.removeprefix("module."): value for name, value in stored.items()}
    if len(named) < len(stored):
        raise DataError(f"{path.name} has weights both with and without `module.`", "keep one of the two")
    return named


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except SafetensorError as error:
        raise DataError(f"{path.name} is no readable safetensors file: {error}", "download it again") from error


def _unpickled(path: Path) -> Any:
    stand_ins: list[Any] = [(Inert, name) for name in INERT]
    with path.open("rb") as file, warnings.catch_warnings(), torch.serialization.safe_globals(stand_ins):
        warnings.simplefilter("ignore")  # about protocols: what cannot be read fails below
        try:
            return torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:  # a damaged pickle can raise anything
            raise _unreadable(path.name, str(error)) from error


def _unreadable(name: str, message: str) -> DataError:
    """Return what PyTorch's several lines, which quote the file, come down to."""
    message = "".join(letter for letter in message if letter.isprintable() or letter == "\n")
    forbidden = re.search(r"GLOBAL (\S+) (?:was not an allowed|whose module)", message)
    if forbidden:
        return DataError(
            f"{name} calls for {forbidden[1]}, which weights do not need: it was not run",
            "take the published file, or save the bare state_dict of a model you trust",
        )
    detail = message.rpartition("WeightsUnpickler error:")[2].split("\n")[0].split(". ")[0].strip()[:100]
    return DataError(
        f"{name} is no readable PyTorch checkpoint" + (f" ({detail})" if detail else ""),
        "download it again and compare its size, or give another file",
    )
