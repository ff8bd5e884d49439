"""A dictionary of arrays from a pickle, entry by entry, by a reader that can call nothing.

Pickles are programs. This reads their instructions (`pickletools`) and follows only those that a dictionary of
names, NumPy arrays, lists and numbers needs; what NumPy would be asked to do is done here. Protocols 2 to 5.
"""

import math
import pickletools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from thermark.core.errors import DataError

Keep = Callable[[NDArray[Any]], Any]
LONGEST = 1 << 20  # bytes of one piece, such as the numbers of an array
MANY = 20_000  # objects that wait to be put together, which picklers do after every thousand; or that one list has
STEPS = 20_000_000  # instructions between entries; a thousand entries as lists of numbers need a quarter
SHORT = 64  # letters or bytes of what a pickle may refer to again, as it does to names of functions and types

# NumPy 1 and 2 name the same functions differently.
_NUMPY = {f"numpy.{core}.{name}" for core in ("core", "_core") for name in ("multiarray", "numeric")}
_RECONSTRUCT = {f"{module}._reconstruct" for module in _NUMPY}
_SCALAR = {f"{module}.scalar" for module in _NUMPY}
_BUFFER = {f"{module}._frombuffer" for module in _NUMPY}
_NO_BYTES = {"__builtin__.bytes", "builtins.bytes"}  # an empty array in protocol 2
ALLOWED = {"numpy.ndarray", "numpy.dtype", "_codecs.encode"} | _NO_BYTES | _RECONSTRUCT | _SCALAR | _BUFFER

_VALUES = {
    *("BININT", "BININT1", "BININT2", "BINFLOAT", "LONG1", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
_FIXED: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


@dataclass(frozen=True)
class _Named:
    """A function or type of others, by name; there is nothing to call behind it."""

    name: str


class _Unfinished:
    """An array or a type of numbers while its parts arrive; a pickle may refer to it before and after."""

    value: Any = None


def entries(path: Path, keep: Keep) -> Iterator[tuple[str, Any]]:
    """Yield name and value of each entry of the dictionary in a file, as soon as it is complete.

    An array's value is what `keep` returns of it; lists and tuples hold numbers and such values. Nothing else of
    the file stays in memory. Raises DataError for a file that is absent, damaged, no dictionary by names, of
    other numbers than plain ones, or that names any Python object which none of this needs: nothing of it is run.
    """
    try:
        with path.open("rb") as file:
            yield from _Reader(path.name, keep).run(_Bounded(file))
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror}", "fetch the file again") from error
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError, MemoryError) as error:
        raise DataError(f"{path.name} is no whole pickle of arrays", "fetch the file again") from error


class _Bounded:
    """A file of which no piece is longer than `LONGEST`, whatever length it claims to have."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, count: int) -> bytes:
        if not 0 <= count <= LONGEST:
            raise ValueError(f"a piece of {count} bytes")
        return self._file.read(count)

    def readline(self) -> bytes:
        return self._file.readline(LONGEST)


class _Reader:
    """The machine that a pickle's instructions are for: a stack, marks in it, what can be referred to again."""

    def __init__(self, name: str, keep: Keep) -> None:
        self.name, self.keep = name, keep
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []  # the stacks under each mark
        self.memo: dict[int, Any] = {}
        self.count = 0  # of what was to be remembered, be it in `memo` or not
        self.steps = 0  # since the last entries

    def run(self, file: _Bounded) -> Iterator[tuple[str, Any]]:
        """Follow the instructions; see `entries`."""
        for opcode, argument, _ in pickletools.genops(file):  # type: ignore[arg-type]  # it needs no more
            if opcode.name in ("SETITEM", "SETITEMS"):
                yield from self._items(self._marked() if opcode.name == "SETITEMS" else self._last(2))
            else:
                self._follow(opcode.name, argument)
            self.steps += 1
            if len(self.stack) + len(self.below) > MANY or self.steps > STEPS:
                raise ValueError("too much waits to be put together")
        if self.below or len(self.stack) != 1 or not isinstance(self.stack[0], dict):
            raise DataError(f"{self.name} holds no dictionary", "give the file of dense labels as published")

    def _follow(self, name: str, argument: Any) -> None:
        if name in _VALUES:
            self.stack.append(argument)
        elif name in _FIXED:
            self.stack.append(_FIXED[name])
        elif name in _TUPLES:
            self.stack.append(tuple(self._last(_TUPLES[name])))
        elif name == "TUPLE":
            marked = tuple(self._marked())  # which changes the stack
            self.stack.append(marked)
        elif name == "MARK":
            self.below.append(self.stack)
            self.stack = []
        elif name in ("BINGET", "LONG_BINGET"):
            self.stack.append(self.memo[argument])
        elif name in ("BINPUT", "LONG_BINPUT", "MEMOIZE"):
            self._remember(self.count if name == "MEMOIZE" else argument, self.stack[-1])
        elif name in ("APPEND", "APPENDS"):
            self._append(self._marked() if name == "APPENDS" else self._last(1))
        elif name not in ("PROTO", "FRAME", "STOP"):
            self._build(name, argument)

    def _build(self, name: str, argument: Any) -> None:
        if name in ("EMPTY_LIST", "EMPTY_DICT"):
            self.stack.append([] if name == "EMPTY_LIST" else {})
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            self.stack.append(self._named(argument.replace(" ", ".") if argument else ".".join(self._last(2))))
        elif name == "REDUCE":
            function, arguments = self._last(2)
            self.stack.append(self._made(function.name, *arguments))
        elif name == "BUILD":
            (state,) = self._last(1)
            self._finish(self.stack[-1], *state)
        else:
            raise ValueError(f"{name} is no instruction that arrays need")

    def _last(self, count: int) -> list[Any]:
        if len(self.stack) < count:
            raise ValueError("something is taken that is not there")
        taken = self.stack[-count:]
        del self.stack[-count:]
        return taken

    def _marked(self) -> list[Any]:
        taken, self.stack = self.stack, self.below.pop()
        return taken

    def _remember(self, place: int, value: Any) -> None:
        """Keep what is short, and arrays; long pieces and lists are referred to by no pickler of arrays."""
        self.count += 1
        if _is_short(value) or (isinstance(value, tuple) and len(value) < 4 and all(map(_is_short, value))):
            self.memo[place] = value

    def _append(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, list) or len(target) + len(values) > MANY:
            raise ValueError("a list of too much")
        target.extend(_value(value) for value in values)

    def _items(self, pairs: list[Any]) -> Iterator[tuple[str, Any]]:
        """Yield what the outermost dictionary is given; of others only that they are dictionaries matters."""
        if not isinstance(self.stack[-1], dict) or len(pairs) % 2:
            raise ValueError("no dictionary to put entries into")
        if len(self.stack) == 1 and not self.below:
            for name, value in zip(pairs[::2], pairs[1::2], strict=True):
                if not isinstance(name, str):
                    raise DataError(f"{self.name} has an entry without a name", "give the file as published")
                yield name, _value(value)
            self.steps = 0

    def _named(self, name: str) -> _Named:
        if name not in ALLOWED:
            shown = "".join(letter for letter in name if letter.isprintable())[:80]
            why = "; arrays of PyTorch are not read" if name.partition(".")[0] == "torch" else ""
            raise DataError(
                f"{self.name} calls for {shown}, which arrays do not need: it was not run{why}",
                "take the published file, or save a dictionary of NumPy arrays",
            )
        return _Named(name)

    def _made(self, function: str, *arguments: Any) -> Any:
        """Return what a function that is allowed makes of its arguments."""
        made = _Unfinished()
        if function == "_codecs.encode":
            text, encoding = arguments
            return text.encode({"latin1": "latin1"}[encoding])
        if function in _NO_BYTES and not arguments:
            return b""
        if function == "numpy.dtype":
            made.value = self._type(arguments[0])
        elif function in _SCALAR:
            kind, data = arguments
            return np.frombuffer(data, kind.value, 1)[0].item()
        elif function in _BUFFER:
            data, kind, shape, order = arguments[:4]
            made.value = self._array(shape, kind, {"C": False, "F": True}[order], data)
        elif function not in _RECONSTRUCT:
            raise ValueError(f"{function} is not called for arrays")
        return made

    def _finish(self, target: _Unfinished, *state: Any) -> None:
        """Give an array its numbers, or a type its byte order."""
        if isinstance(target.value, np.dtype):
            orders: dict[str, Literal["<", ">", "="]] = {"<": "<", ">": ">", "=": "=", "|": "="}
            target.value = target.value.newbyteorder(orders[state[1]])
        elif target.value is None:
            _, shape, kind, by_columns, data = state
            target.value = self._array(shape, kind, by_columns, data)
        else:
            raise ValueError("what is finished is given more")

    def _type(self, said: str) -> np.dtype[Any]:
        if not re.fullmatch("[biuf][1248]", said):
            kind = "Python objects" if said.startswith("O") else f"{said[:20]!r}"
            raise DataError(f"{self.name} has arrays of {kind} instead of numbers", "save arrays of plain numbers")
        return np.dtype(said)

    def _array(self, shape: tuple[int, ...], kind: _Unfinished, by_columns: bool, data: bytes) -> Any:
        if min(shape, default=0) < 0 or math.prod(shape) * kind.value.itemsize != len(data):
            raise ValueError("an array of another size than it claims")
        return self.keep(np.frombuffer(data, kind.value).reshape(shape, order="F" if by_columns else "C"))


def _is_short(value: Any) -> bool:
    if isinstance(value, str | bytes):
        return len(value) <= SHORT
    return value is None or isinstance(value, int | float | _Named | _Unfinished)


def _value(value: Any) -> Any:
    """Return what stands for an entry: arrays without their wrapping; an array that never came is an error."""
    if not isinstance(value, _Unfinished):
        return value
    if value.value is None or isinstance(value.value, np.dtype):
        raise ValueError("an array without numbers")
    return value.value
