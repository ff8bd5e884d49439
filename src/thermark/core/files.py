"""Files that are either whole or absent: temp name, then rename."""

import glob
import hashlib
import json
import os
import platform
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

# Machines that share a disk may have processes of one number.
MACHINE = hashlib.sha256(platform.node().encode()).hexdigest()[:8]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` and rename it over `path` when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _beside(path, "tmp")
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
    temporary, aside = _beside(path, "tmp"), _beside(path, "old")
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


def clear_leftovers(path: Path) -> None:
    """Remove what killed processes of this machine left beside `path`: it may be as large as that."""
    for kind in ("tmp", "old"):
        for left in path.parent.glob(f"{glob.escape(path.name)}.{kind}-{MACHINE}-*"):
            pid = left.name.rpartition("-")[2]
            if pid.isdigit() and not _alive(int(pid)):
                shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)


def _beside(path: Path, kind: str) -> Path:
    return path.with_name(f"{path.name}.{kind}-{MACHINE}-{os.getpid()}")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


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
    """Write an npz whose bytes depend on nothing but the arrays (object arrays are refused).

    Numpy's own writer leaves headers to Python, and compression to zlib, both of which differ between machines.
    """
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise TypeError(f"array {name} holds Python objects")
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            array = np.asanyarray(arrays[name])
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.file_size = array.nbytes  # from two gigabytes on, headers have another form
            with archive.open(entry, "w") as file:
                np.lib.format.write_array(file, array, allow_pickle=False)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read every array of an npz file into memory."""
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}
