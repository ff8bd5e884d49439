"""Which files a folder holds, by path, size and sha256, and one hash over all of them."""

import hashlib
import os
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from thermark.core import files
from thermark.core.config import Section, parse
from thermark.core.errors import ConfigError, DataError
from thermark.core.progress import track
from thermark.download.extract import safe_parts
from thermark.download.weights import Sha256, Size

SHOWN = 5
# What desktops leave in folders that people open.
LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


def inside(path: str) -> str:
    """Return a relative path with `/` as it is; raises ValueError when it leads elsewhere or is not Unicode."""
    try:
        path.encode()
        plain = safe_parts(path, "it") == path.split("/")
    except (DataError, UnicodeEncodeError) as error:
        raise ValueError("must be a plain relative path") from error
    if not plain:
        raise ValueError("must be a plain relative path")
    return path


class ListedFile(Section):
    """One file: path below the piece's folder with `/`, size in bytes, sha256."""

    path: Annotated[str, AfterValidator(inside)]
    size: Size
    sha256: Sha256


class Tree(Section):
    """All files of a piece in short: how many, their bytes together, and the sha256 of their listing."""

    files: Size
    bytes: Size
    sha256: Sha256


def list_files(folder: Path, litter: bool = True) -> list[ListedFile]:
    """Return the files below a folder, sorted by path; without what desktops leave there unless `litter`.

    Raises DataError for names that another file system could not hold, and for links.
    """
    paths = sorted(files_below(folder, litter).items())
    entries = []
    for name, path in track(paths, len(paths), f"verifying {folder.name}", "files"):
        try:
            entries.append(ListedFile(path=inside(name), size=path.stat().st_size, sha256=files.sha256(path)))
        except ValueError as error:
            raise DataError(f"{name!r} is no name for a file of a data set", "rename it upstream") from error
    return entries


def files_below(folder: Path, litter: bool = True) -> dict[str, Path]:
    """Return the files below a folder by their relative path with `/`; raises DataError for links and devices."""
    paths = {}
    for parent, folders, names in os.walk(folder):
        for name in [*folders, *names]:
            path = Path(parent) / name
            mode = path.lstat().st_mode
            if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
                raise DataError(f"{path} is a link or device", "put the files themselves there")
            if stat.S_ISREG(mode) and (litter or name not in LITTER):
                paths[path.relative_to(folder).as_posix()] = path
    return paths


def digest(entries: Iterable[ListedFile]) -> Tree:
    """Return the summary of a listing, whatever its order."""
    ordered = sorted(entries, key=lambda entry: entry.path)
    return Tree(
        files=len(ordered),
        bytes=sum(entry.size for entry in ordered),
        sha256=hashlib.sha256(_text(ordered).encode()).hexdigest(),
    )


def colliding(paths: Iterable[str]) -> str | None:
    """Return one of the paths that some file system takes for another, or that lies inside a file; or None.

    It is returned as such a file system sees it.
    """
    names = [folded(path) for path in paths]
    taken = set(names)
    for name in names:
        parts = name.split("/")
        if any("/".join(parts[:count]) in taken for count in range(1, len(parts))):
            return name
    return next((name for name, count in Counter(names).items() if count > 1), None)


def differences(expected: Sequence[ListedFile], actual: Sequence[ListedFile]) -> str:
    """Return in words in which files two listings differ, the first ones by name."""
    old, new = ({entry.path: entry for entry in entries} for entries in (expected, actual))
    changes = [f"{path} is missing" for path in sorted(old.keys() - new.keys())]
    changes += [f"{path} is new" for path in sorted(new.keys() - old.keys())]
    changes += [
        f"{path} has sha256 {new[path].sha256}, expected {old[path].sha256}"
        for path in sorted(old.keys() & new.keys())
        if new[path] != old[path]
    ]
    return "; ".join(changes[:SHOWN]) + (f"; and {len(changes) - SHOWN} more" if len(changes) > SHOWN else "")


def save(cache: Path, entries: Sequence[ListedFile]) -> None:
    """Keep a listing in the cache folder, for those that are too long for git; nothing happens if it cannot."""
    path = _saved(cache, digest(entries).sha256)
    try:
        files.write_text(path, _text(sorted(entries, key=lambda entry: entry.path)))
    except OSError:
        return  # it only makes later messages and searches better


def load(cache: Path, tree: Tree) -> list[ListedFile] | None:
    """Return the listing of a tree if the cache folder holds it undamaged."""
    try:
        lines = _saved(cache, tree.sha256).read_text(encoding="utf-8").removesuffix("\n").split("\n")
        split = [line.split("  ", 2) for line in lines]
        entries = [
            parse({"sha256": sha256, "size": int(size), "path": path}, ListedFile, "it")
            for sha256, size, path in split
        ]
    except (OSError, ValueError, ConfigError):
        return None
    return entries if digest(entries) == tree else None


def _saved(cache: Path, sha256: str) -> Path:
    return cache / "listings" / sha256


def _text(ordered: Iterable[ListedFile]) -> str:
    return "".join(f"{entry.sha256}  {entry.size}  {entry.path}\n" for entry in ordered)


def folded(path: str) -> str:
    """Return a path as file systems see it that tell neither case nor composed characters apart."""
    return unicodedata.normalize("NFC", path).casefold()
