"""What a bundle was made from: commit, lock, environment, and the sha256 of every file read or written."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thermark.core import files
from thermark.report.grouping import grouped
from thermark.report.results.record import Provenance, ResultSet


@dataclass(frozen=True)
class Commit:
    """The commit at which a bundle is made, empty outside of a repository; `clean`: tracked files are as in it."""

    id: str = ""
    date: str = ""
    clean: bool = False


def commit(folder: Path) -> Commit:
    """Return the commit that is checked out in a folder."""
    head = _git(folder, "show", "-s", "--format=%H %cs", "HEAD")
    if not head:
        return Commit()
    named, date = head.split()
    return Commit(named, date, _git(folder, "status", "--porcelain", "--untracked-files=no") == "")


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def stamped(made: Provenance, at: Commit, lock: Path) -> Provenance:
    """Return what made records, with the commit and the sha256 of dvc.lock, which no file of a commit can hold."""
    return made.model_copy(update={"commit": at.id, "lock": files.sha256(lock) if lock.is_file() else ""})


def content(
    sets: Mapping[str, ResultSet], commit: Commit, inputs: Sequence[Path], bundle: Path, command: str
) -> dict[str, Any]:
    """Return the content of provenance.json; `sets` are stamped, `read` are the files that were read.

    Data sets with the same code and environment share an entry, under all their names.
    """
    makers = grouped((results.made.model_dump_json(), name) for name, results in sets.items())
    makers_of = [sets[names[0]].made.model_dump() | {"data_sets": names} for names in makers.values()]
    written = sorted(path for path in bundle.rglob("*") if path.is_file())
    return {
        "command": command,
        "commit": commit.id,
        "date": commit.date,
        "clean": commit.clean,
        "made": makers_of,
        "protocols": {name: results.protocol.id for name, results in sets.items()},
        "read": {path.name: files.sha256(path) for path in inputs},
        "written": {path.relative_to(bundle).as_posix(): files.sha256(path) for path in written},
    }
