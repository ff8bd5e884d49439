"""Read-only folders that are searched by content before the network: how an air-gapped lab works."""

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from thermark.core import files

SUMS = "SHA256SUMS"


def roots() -> list[Path]:
    """Return the folders of THERMARK_MIRRORS (separated as in PATH), whether they exist or not."""
    return [Path(root) for root in os.environ.get("THERMARK_MIRRORS", "").split(os.pathsep) if root]


@dataclass(frozen=True)
class Mirrors:
    """Folders indexed by size on first use; a file is hashed once, and only when it may be the one sought.

    A `SHA256SUMS` file in a folder's root decides which candidate is tried first, never whether it is accepted.
    """

    folders: tuple[Path, ...]
    _hashes: dict[Path, str] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def _sized(self) -> dict[int, list[Path]]:
        index: dict[int, list[Path]] = defaultdict(list)
        for folder in self.folders:
            for path in _walk(folder):
                try:
                    index[path.stat().st_size].append(path)
                except OSError:
                    continue  # vanished, or a link to nowhere
        return dict(index)

    @cached_property
    def _hints(self) -> dict[Path, str]:
        hints: dict[Path, str] = {}
        for folder in self.folders:
            hints |= sums(folder / SUMS)
        return hints

    def find(self, sha256: str, size: int, name: str) -> Path | None:
        """Return a file whose content has this size (bytes) and sha256, whatever it is called, or None."""
        candidates = self._sized.get(size, [])
        for path in sorted(candidates, key=lambda path: self._doubt(path, sha256, name)):
            if self.sha256(path) == sha256:
                return path
        return None

    def named(self, name: str) -> list[Path]:
        """Return the files called `name`, sorted; nothing is known about their content."""
        return sorted(path for paths in self._sized.values() for path in paths if path.name == name)

    def _doubt(self, path: Path, sha256: str, name: str) -> tuple[int, bool, str]:
        hint = self._hints.get(path)
        return (1 if hint is None else 0 if hint == sha256 else 2), path.name != name, str(path)

    def sha256(self, path: Path) -> str:
        """Return the sha256 of a file in the mirrors, computed once; empty when it cannot be read."""
        if path not in self._hashes:
            try:
                self._hashes[path] = files.sha256(path)
            except OSError:
                self._hashes[path] = ""  # unreadable: it can match nothing
        return self._hashes[path]


def sums(path: Path) -> dict[Path, str]:
    """Return what a `sha256sum` listing claims, absolute path -> sha256; empty when there is no such file."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    split = [line.split(maxsplit=1) for line in lines]
    return {path.parent / pair[1].lstrip("*"): pair[0].lower() for pair in split if len(pair) == 2}


def _walk(folder: Path) -> Iterator[Path]:
    # Links to files count (hub caches are made of them); links to folders do not, for they may form a ring.
    for parent, _, names in os.walk(folder, followlinks=False):
        for name in names:
            yield Path(parent) / name
