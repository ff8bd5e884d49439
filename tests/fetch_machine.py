"""What tests of downloads share: a small data set, archives of it, caches, and a machine to fetch it on."""

import io
import shutil
import tarfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import yaml

from thermark.core import files
from thermark.core.config import parse
from thermark.download import cache, fetch_config, licences, manifest
from thermark.download.download import RetryPolicy
from thermark.download.fetch import fetch
from thermark.download.mirrors import Mirrors
from thermark.download.resolve import FileStore

QUICK = RetryPolicy(connect=60.0, read=60.0, pause=0.001, attempts=3)
RNG = np.random.default_rng(0)
FILES = {"000000.png": RNG.bytes(90_000), "deep/er/000001.png": RNG.bytes(90_000), "l.txt": b"1.0 2.0\n"}
# Nothing listens there: the connection is refused at once.
NOWHERE = "http://127.0.0.1:9/iccv/set.zip"
SHEET = {"title": "Tiny License", "url": "https://example.org/tiny", "terms": "Be kind.", "covers": "all"}


def write(folder: Path, contents: dict[str, bytes]) -> Path:
    """Write files below a folder and return it."""
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    """Return the files below a folder."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def below(name: str, contents: dict[str, bytes]) -> dict[str, bytes]:
    """Return files as they look one folder further up."""
    return {f"{name}/{path}": content for path, content in contents.items()}


def zipped(contents: dict[str, bytes]) -> bytes:
    """Return a zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for name, content in contents.items():
            opened.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def tarred(contents: dict[str, bytes]) -> bytes:
    """Return a gzipped tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as opened:
        for name, content in contents.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            opened.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def store(tmp_path: Path, *mirrors: Path) -> FileStore:
    """Return a cache in a folder, with mirrors, that gives up soon."""
    return FileStore(tmp_path / "cache", Mirrors(mirrors), QUICK)


def objects(tmp_path: Path) -> list[str]:
    """Return the sha256 of what that cache holds."""
    return sorted(path.name for path in (tmp_path / "cache").rglob("objects/*/*"))


def fill_disk(monkeypatch, free: int) -> None:
    """Let the disk have `free` bytes left."""
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=free))


@dataclass
class Machine:
    """A checkout with a cache, mirrors and the accepted licence `tiny`; the data set is called `set`."""

    root: Path
    mirrors: tuple[Path, ...] = ()
    pieces: dict[str, dict] = field(default_factory=dict)
    max_mb: float = 10.0

    def __post_init__(self) -> None:
        for name in ("tiny", "strict"):
            # Whole or not at all: tests kill processes that begin with this.
            files.write_text(self.root / "licences" / f"{name}.yaml", yaml.safe_dump(SHEET))
        licences.accept(licences.of_data(self.root / "licences")["tiny"], self.cache)

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def out(self) -> Path:
        return self.root / "raw" / "set"

    @property
    def path(self) -> Path:
        return self.root / "manifests" / "set.json"

    @property
    def placed(self) -> Path:
        return cache.placed(self.cache) / "set"

    def store(self) -> FileStore:
        return FileStore(self.cache, Mirrors((*self.mirrors, cache.placed(self.cache))), QUICK)

    def config(self) -> fetch_config.Config:
        pieces = {key: {"licence": "tiny"} | piece for key, piece in self.pieces.items()}
        return parse({"max_mb": self.max_mb, "pieces": pieces}, fetch_config.Config, "fetch.set")

    def fetch(self) -> dict[str, bytes]:
        """Fetch the data set and return its files."""
        fetch("set", self.config(), self.path, self.root / "licences", self.out, self.store())
        return tree(self.out)

    def pins(self) -> dict[str, manifest.Pin]:
        return manifest.read(self.path)

    def lose(self, *, cached: bool = False) -> None:
        """Lose the fetched files and, if `cached`, all that the cache holds but licences."""
        shutil.rmtree(self.out, ignore_errors=True)
        for name in ("objects", "trees", "urls", "parts") if cached else ():
            shutil.rmtree(self.cache / name, ignore_errors=True)
