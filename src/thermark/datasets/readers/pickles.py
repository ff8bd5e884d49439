"""A dictionary of arrays from a pickle, by an unpickler that knows the names NumPy's arrays need and no others.

Pickles are programs. Each of those names stands for a function of this module: nothing else is ever called.
"""

import math
import pickle
import pickletools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from thermark.core.errors import DataError

Convert = Callable[[NDArray[Any]], Any]
MANY = 20_000  # lists, tuples and numbers of one entry that is no array
BROKEN = (
    *(pickle.UnpicklingError, EOFError, ValueError, IndexError, KeyError, TypeError, AttributeError),
    *(OverflowError, MemoryError, RecursionError),
)
PUT = {"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"}


def entries(path: Path, convert: Convert) -> Iterator[tuple[str, Any]]:
    """Yield name and value of each entry of the dictionary in a file.

    An array's value is what `convert` returns of it, which is all that is kept of the array; lists and tuples hold
    numbers and such values. Raises DataError for a file that is absent, damaged, no dictionary by names, of other
    numbers than plain ones, or that names any Python object which none of this needs: nothing of it is run.
    """
    try:
        _require_small_memo(path)
        with path.open("rb") as file:
            loaded = _Unpickler(file, path.name, convert).load()
        if not isinstance(loaded, dict):
            raise DataError(f"{path.name} holds no dictionary", "give the file of dense labels as published")
        if not all(isinstance(name, str) for name in loaded):
            raise DataError(f"{path.name} has an entry without a name", "give the file as published")
        for name, value in loaded.items():
            yield name, _value(value, iter(range(MANY)))
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror}", "fetch the file again") from error
    except BROKEN as error:
        raise DataError(f"{path.name} is no whole pickle of arrays", "fetch the file again") from error


def _require_small_memo(path: Path) -> None:
    """Raise ValueError for an index beyond what a pickler writes: the unpickler makes room for all below it."""
    count = 0
    with path.open("rb") as file:
        for opcode, argument, _ in pickletools.genops(file):
            if opcode.name in PUT:
                count += 1
                if argument is not None and argument > count:
                    raise ValueError("an index beyond all others")


class _Function:
    """What a name of the allow-list stands for; a pickle can call it and do nothing else with it."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __call__(self, *arguments: Any) -> Any:
        """Call the function of this module."""
        return self._call(*arguments)

    def __setstate__(self, state: object) -> None:
        """Refuse: a pickle could set attributes otherwise."""
        raise ValueError("a function has no state")


class _DType:
    """A type of numbers, to which a pickle gives the byte order after it has made it."""

    def __init__(self, text: str) -> None:
        self.dtype = np.dtype(text)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """Set the byte order."""
        orders: dict[str, Literal["<", ">", "="]] = {"<": "<", ">": ">", "=": "=", "|": "="}
        self.dtype = self.dtype.newbyteorder(orders[state[1]])


class _Array:
    """An array, to which a pickle gives its numbers after it has made it."""

    def __init__(self, convert: Convert) -> None:
        self._convert = convert

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """Convert the numbers."""
        _, shape, dtype, by_columns, data = state
        if min(shape, default=0) < 0 or math.prod(shape) * dtype.dtype.itemsize != len(data):
            raise ValueError("an array of another size than it claims")
        numbers = np.frombuffer(data, dtype.dtype).reshape(shape, order="F" if by_columns else "C")
        self.value = self._convert(numbers)


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: Any, name: str, convert: Convert) -> None:
        super().__init__(file)
        self._file_name, self._convert = name, convert
        self._functions: dict[str, Callable[..., Any]] = {
            "numpy.ndarray": self._nothing,  # an argument of `_reconstruct`, never called for an array
            "numpy.dtype": self._dtype,
            "_codecs.encode": self._encode,
            "__builtin__.bytes": self._no_bytes,
            "builtins.bytes": self._no_bytes,
        }
        # NumPy 1 and 2 name the same functions differently.
        for module in (f"numpy.{core}.{part}" for core in ("core", "_core") for part in ("multiarray", "numeric")):
            self._functions[f"{module}._reconstruct"] = self._reconstruct
            self._functions[f"{module}._frombuffer"] = self._from_buffer
            self._functions[f"{module}.scalar"] = self._scalar

    def find_class(self, module: str, name: str) -> _Function:
        """Return what stands for a function or type of an array; raises DataError for any other."""
        full = f"{module}.{name}"
        if full not in self._functions:
            printable = "".join(letter for letter in full if letter.isprintable())[:80]
            why = "; arrays of PyTorch are not read" if module.partition(".")[0] == "torch" else ""
            raise DataError(
                f"{self._file_name} calls for {printable}, which arrays do not need: it was not run{why}",
                "take the published file, or save a dictionary of NumPy arrays",
            )
        return _Function(self._functions[full])

    def _nothing(self, *arguments: Any) -> None:
        raise ValueError("not called for arrays")

    def _no_bytes(self) -> bytes:
        return b""  # of an empty array in protocol 2

    def _dtype(self, text: str, *_: Any) -> _DType:
        if not re.fullmatch("[biuf][1248]", text):
            kind = "Python objects" if text.startswith("O") else f"{text[:20]!r}"
            raise DataError(
                f"{self._file_name} has arrays of {kind} instead of numbers", "save arrays of plain numbers"
            )
        return _DType(text)

    def _encode(self, text: str, encoding: str) -> bytes:
        if encoding != "latin1":
            raise ValueError("another encoding than that of an array's bytes")
        return text.encode("latin1")

    def _reconstruct(self, *_: Any) -> _Array:
        return _Array(self._convert)

    def _from_buffer(self, data: bytes, dtype: _DType, shape: tuple[int, ...], order: str) -> _Array:
        array = _Array(self._convert)
        array.__setstate__((1, shape, dtype, {"C": False, "F": True}[order], data))
        return array

    def _scalar(self, dtype: _DType, data: bytes) -> Any:
        return np.frombuffer(data, dtype.dtype, 1)[0].item()


def _value(value: Any, room: Iterator[int]) -> Any:
    """Return an entry with what became of its arrays; `room` ends a list that holds too much, or itself."""
    if next(room, None) is None:
        raise ValueError("a list of too much")
    if isinstance(value, _Array):
        return value.value
    if isinstance(value, list | tuple):
        return type(value)(_value(part, room) for part in value)
    if value is not None and not isinstance(value, bool | int | float | str | bytes | dict):
        raise ValueError(f"a {type(value).__name__} among numbers")
    return value
