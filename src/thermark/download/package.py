"""Packages of an index, brought by the index's own client, which knows the user's proxy and credentials."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from thermark.core import files
from thermark.core.errors import NetworkError
from thermark.download import cache
from thermark.download.download import verify
from thermark.download.request import Remote, TooLarge
from thermark.download.resolve import Store

MINUTES = 20
PREFIX = "wheel-"
STALE = 24 * 3600  # seconds; far more than a download may take


@dataclass(frozen=True)
class Client:
    """A program that leaves packages in a folder.

    `index`: whom it asks, in words; `suffix` of what it leaves; `error`: its own words in its stderr, "" for none;
    `environment`: what it must be told beyond the user's.
    """

    name: str
    index: str
    suffix: str
    error: Callable[[str], str]
    environment: Mapping[str, str] = field(default_factory=dict)

    def bring(self, wanted: str, command: Sequence[str], folder: Path, cwd: Path | None = None) -> Path:
        """Run a command that leaves one package in `folder`, and return it; raises NetworkError when none is."""
        try:
            done = subprocess.run(
                command,
                cwd=cwd,
                # What it leaves when it is killed lies where `sweep` finds it.
                env={**os.environ, "TMPDIR": str(folder), **self.environment},
                capture_output=True,
                text=True,
                errors="replace",
                timeout=60 * MINUTES,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise NetworkError(
                f"{self.name} took more than {MINUTES} minutes for {wanted}", "try again later"
            ) from error
        found = sorted(folder.glob(f"*{self.suffix}"))
        if done.returncode or len(found) != 1:
            raise NetworkError(
                f"{self.name} could not bring {wanted}{self.said(done.stderr)}",
                f"check the network and {self.index}",
            )
        return found[0]

    def said(self, stderr: str) -> str:
        """Return the error, if any, without the user and password that an index's address may hold."""
        error = self.error(stderr)
        return ": " + re.sub(r"://[^/\s@]*@", "://", error) if error else ""


def brought(remote: Remote, store: Store, download: Callable[[Path], Path]) -> Path:
    """Bring a package into the cache and return its path there; `download` leaves it in an empty folder.

    Raises what `download` raises, DataError for other content, TooLarge beyond the limit of `remote`.
    """
    size = remote.size or 0
    if remote.limit is not None and size > remote.limit:
        raise TooLarge(f"{remote.name} takes {size / 1e6:.1f} MB", "raise max_mb, or place the package by hand")
    sweep(store.cache)
    with tempfile.TemporaryDirectory(dir=store.cache, prefix=PREFIX) as folder:
        found = download(Path(folder))
        part = cache.part_path(store.cache, remote.url, found.name)
        part.parent.mkdir(parents=True, exist_ok=True)
        found.replace(part)
    sha256 = files.sha256(part)
    verify(Remote(remote.url, part.name, remote.size, remote.sha256), part, sha256)
    return cache.admit(store.cache, part, sha256)


def sweep(cache: Path) -> None:
    """Remove what killed downloads left in a cache: folders that nothing has been written into for a day."""
    before = time.time() - STALE
    for folder in cache.glob(f"{PREFIX}*"):
        try:
            latest = max(path.lstat().st_mtime for path in (folder, *folder.rglob("*")))
        except OSError:
            continue  # Somebody else's download that ends at this moment.
        if latest < before:
            shutil.rmtree(folder, ignore_errors=True)
