"""Files that are either whole or absent: temp name, then rename."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` and rename it over `path` when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def fresh_directory(path: Path) -> Iterator[Path]:
    """Yield an empty temporary directory that replaces `path` when the block ends without an error.

    What stood at `path` is moved aside before the new one takes its name, so that a failed rename loses nothing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    aside = path.with_name(f"{path.name}.old-{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        if path.exists():
            path.replace(aside)
        try:
            temporary.replace(path)
        except OSError:
            if aside.exists():
                aside.replace(path)
            raise
        shutil.rmtree(aside, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def sha256(path: Path) -> str:
    """Return the hexadecimal sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with Unix line ends, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, content: Any) -> None:
    """Write JSON that diffs well: sorted keys, six significant digits; ValueError on NaN or infinity."""
    write_text(path, json.dumps(rounded(content), indent=2, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a UTF-8 JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def rounded(content: Any, digits: int = 6) -> Any:
    """Return `content` with every float rounded to `digits` significant digits, numpy scalars made plain."""
    if isinstance(content, Mapping):
        return {str(key): rounded(item, digits) for key, item in content.items()}
    if isinstance(content, (list, tuple)):
        return [rounded(item, digits) for item in content]
    if isinstance(content, np.generic):
        return rounded(content.item(), digits)
    if isinstance(content, float):
        return float(f"{content:.{digits}g}")
    return content


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a compressed npz whose bytes depend on nothing but the arrays (object arrays are refused)."""
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise TypeError(f"array {name} holds Python objects")
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **{name: arrays[name] for name in sorted(arrays)})  # type: ignore[arg-type]


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read every array of an npz file into memory."""
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}
