"""The content-addressed cache: `objects/<sha256[:2]>/<sha256>`, shared by all checkouts of a user."""

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from thermark.core import files
from thermark.core.errors import SetupError
from thermark.download.request import without_secrets


def location() -> Path:
    """Return the cache folder: THERMARK_CACHE, else `thermark` in XDG_CACHE_HOME or ~/.cache."""
    if chosen := os.environ.get("THERMARK_CACHE"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "thermark"
    except RuntimeError as error:
        raise SetupError("there is no home folder to keep a cache in", "set THERMARK_CACHE") from error


def writable(root: Path) -> None:
    """Raise SetupError unless files can be made in the cache folder, which is created when absent."""
    require_writable(root, "the cache folder", "make it writable, or set THERMARK_CACHE to a folder that is")


def require_writable(folder: Path, called: str, remedy: str) -> None:
    """Raise SetupError with a remedy unless files can be made in a folder, which is created when absent."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise SetupError(f"{called} {folder} cannot be written: {error.strerror or error}", remedy) from error


def object_path(root: Path, sha256: str) -> Path:
    """Return where the content with this sha256 lies once it is cached."""
    return root / "objects" / sha256[:2] / sha256


def placed(root: Path) -> Path:
    """Return the folder in which users put files by hand; it is searched like a mirror."""
    return root / "placed"


def part_path(root: Path, url: str, name: str) -> Path:
    """Return where an unfinished download of `url` grows."""
    return root / "parts" / f"{_key(url)}-{name}.part"


def find(root: Path, sha256: str) -> Path | None:
    """Return the cached file with this sha256, or None; a damaged object is set aside and counts as absent."""
    path = object_path(root, sha256)
    if not path.is_file():
        return None
    if files.sha256(path) == sha256:
        return path
    quarantine(path)
    return None


def add(root: Path, path: Path, sha256: str) -> Path:
    """Move a verified file (on the cache's own file system) to its place among the objects and return that."""
    target = object_path(root, sha256)
    target.parent.mkdir(parents=True, exist_ok=True)
    path.chmod(0o444)
    return path.replace(target)


def quarantine(path: Path) -> Path:
    """Rename a file with wrong content to `<name>.bad` and return the new path; an older one is replaced."""
    return path.replace(path.with_name(f"{path.name}.bad"))


def remember(root: Path, url: str, sha256: str) -> None:
    """Note that the content of `url`, whose sha256 no manifest knows yet, is the object `sha256`."""
    files.write_json(root / "urls" / f"{_key(url)}.json", {"url": without_secrets(url), "sha256": sha256})


def recall(root: Path, url: str) -> str | None:
    """Return the sha256 that `remember` noted for `url`, or None."""
    note = root / "urls" / f"{_key(url)}.json"
    return str(files.read_json(note)["sha256"]) if note.is_file() else None


def forget(root: Path, url: str) -> None:
    """Undo `remember`: the content of `url` turned out to be wrong."""
    (root / "urls" / f"{_key(url)}.json").unlink(missing_ok=True)


@contextmanager
def lock(root: Path, url: str) -> Iterator[None]:
    """Hold the lock between processes that belongs to `url`; it is free again when its holder dies."""
    folder = root / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    guard = FileLock(folder / f"{_key(url)}.lock")
    try:
        guard.acquire(timeout=1)
    except Timeout:
        print(f"waiting for another process that is downloading {without_secrets(url)}", file=sys.stderr)
        guard.acquire()
    try:
        yield
    finally:
        guard.release()


def _key(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:16]
