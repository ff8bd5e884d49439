"""Read-only folders that are searched by content before the network: how an air-gapped lab works."""

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
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
    _known: dict[str, Path] = field(default_factory=dict, repr=False, compare=False)
    _orders: dict[int, list[Path]] = field(default_factory=dict, repr=False, compare=False)

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
        if sha256 in self._known:
            return self._known[sha256]
        # Thousands of frames may have one size: they are put into order once, and the likely ones go first.
        likely = [*self._hinted.get(sha256, []), *self._called.get((size, name), [])]
        for path in chain(likely, self._ordered(size)):
            if self.sha256(path) == sha256:
                return path
        return None

    def named(self, name: str) -> list[Path]:
        """Return the files called `name`, sorted; nothing is known about their content."""
        return sorted(path for paths in self._sized.values() for path in paths if path.name == name)

    @cached_property
    def _hinted(self) -> dict[str, list[Path]]:
        """What the checksum files claim, by sha256, as far as it is there."""
        index: dict[str, list[Path]] = defaultdict(list)
        for path in (path for paths in self._sized.values() for path in paths if path in self._hints):
            index[self._hints[path]].append(path)
        return dict(index)

    @cached_property
    def _called(self) -> dict[tuple[int, str], list[Path]]:
        """Files by size and name, without those that a checksum file lists."""
        index: dict[tuple[int, str], list[Path]] = defaultdict(list)
        for size, paths in self._sized.items():
            for path in paths:
                if path not in self._hints:
                    index[size, path.name].append(path)
        return dict(index)

    def _ordered(self, size: int) -> list[Path]:
        """Return all files of a size, those last that a checksum file lists."""
        if size not in self._orders:
            ordered = sorted(self._sized.get(size, []), key=lambda path: (path in self._hints, str(path)))
            self._orders[size] = ordered
        return self._orders[size]

    def sha256(self, path: Path) -> str:
        """Return the sha256 of a file in the mirrors, computed once; empty when it cannot be read."""
        if path not in self._hashes:
            try:
                self._hashes[path] = files.sha256(path)
            except OSError:
                self._hashes[path] = ""  # unreadable: it can match nothing
            self._known.setdefault(self._hashes[path], path)
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
