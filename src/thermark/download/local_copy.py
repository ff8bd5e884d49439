"""How a piece of a data set has come to this machine: as files in several places, as one file, or as a folder."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ScatteredFiles:
    """All files of a known listing, by their path in it; those below `ours` may be linked instead of copied."""

    files: dict[str, Path]
    ours: Path


@dataclass(frozen=True)
class SingleFile:
    """One file, mostly an archive, and its sha256; `published` as it is, not placed, maybe packed anew."""

    path: Path
    sha256: str
    published: bool


@dataclass(frozen=True)
class Folder:
    """A folder with the piece's files; one that is `ours`, in the cache, may be linked instead of copied."""

    path: Path
    ours: bool


LocalCopy = ScatteredFiles | SingleFile | Folder
