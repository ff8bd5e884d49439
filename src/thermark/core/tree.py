"""Which files a raw folder holds: one walk, in a fixed order, without what an operating system leaves behind."""

import os
from collections.abc import Iterator
from pathlib import Path

JUNK = {"__MACOSX", "Thumbs.db", "desktop.ini"}


def files(root: Path) -> Iterator[str]:
    """Yield the paths of all files under `root`, relative to it with `/`, in the order of their parts.

    Hidden files and folders and those in `JUNK` are left out. A linked folder is followed once, unless it lies in
    the tree anyway. A root that is no folder has no files. No file is opened or measured.
    """
    base = os.path.realpath(root)
    followed: set[str] = set()
    todo = [""]  # a stack of relative paths; folders end in a slash, the root is empty
    while todo:
        place = todo.pop()
        if place and not place.endswith("/"):
            yield place
        elif (root / place).is_dir():
            todo.extend(reversed(list(_inside(root, place, base, followed))))


def _inside(root: Path, place: str, base: str, followed: set[str]) -> Iterator[str]:
    """Yield what a folder holds, sorted by name."""
    with os.scandir(root / place) as entries:
        kept = sorted((entry for entry in entries if _wanted(entry.name)), key=lambda entry: entry.name)
    for entry in kept:
        if not entry.is_dir():
            yield f"{place}{entry.name}"
        elif not entry.is_symlink() or _is_new(os.path.realpath(entry.path), base, followed):
            yield f"{place}{entry.name}/"


def _wanted(name: str) -> bool:
    return not name.startswith(".") and name not in JUNK


def _is_new(target: str, base: str, followed: set[str]) -> bool:
    """Return whether a linked folder neither is in the tree nor holds it, nor was followed; remember it."""
    if target in followed or os.path.commonpath([target, base]) in (target, base):
        return False
    followed.add(target)
    return True
