"""Packages of an index; wheels come through pip, which knows the user's index, proxy and credentials."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from thermark.assets import cache
from thermark.assets.download import verify
from thermark.assets.obtain import Store
from thermark.assets.request import NoClient, Remote, TooLarge
from thermark.assets.weights import Wheel
from thermark.core import files
from thermark.core.errors import NetworkError

PLATFORM = (
    "--platform=manylinux_2_28_x86_64",
    "--python-version=311",
    "--implementation=cp",
    "--abi=cp311",
)
PATIENCE = ("--timeout=10", "--retries=1")
MINUTES = 20
PREFIX = "wheel-"
STALE = 24 * 3600  # seconds; far more than a download may take


def address(wheel: Wheel) -> str:
    """Return how the manifests' cards name a wheel."""
    return f"pip:{wheel.name}=={wheel.version}"


def fetch(wheel: Wheel, store: Store, limit: int | None) -> Path:
    """Bring a wheel into the cache and return its path there; `limit` is in bytes.

    Raises NetworkError when pip is absent or cannot bring it, DataError for other content, TooLarge.
    """
    if importlib.util.find_spec("pip") is None:
        raise NoClient("pip is not installed", "install it with `python -m ensurepip`")
    remote = Remote(address(wheel), wheel.name, wheel.size, wheel.sha256, limit)
    return brought(remote, store, lambda folder: _download(wheel, folder))


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


def _download(wheel: Wheel, folder: Path) -> Path:
    wanted = f"{wheel.name}=={wheel.version}"
    command = [sys.executable, "-m", "pip", "download", wanted, "--no-deps", "--only-binary=:all:", *PLATFORM]
    quiet = ["--no-input", "--disable-pip-version-check", "--progress-bar=off", "--dest", str(folder), *PATIENCE]
    try:
        done = subprocess.run(
            [*command, *quiet],
            env=os.environ | {"TMPDIR": str(folder)},  # what a killed pip leaves is swept with the rest
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60 * MINUTES,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NetworkError(f"pip took more than {MINUTES} minutes for {wanted}", "try again later") from error
    brought = sorted(folder.glob("*.whl"))
    if done.returncode or len(brought) != 1:
        raise NetworkError(
            f"pip could not bring {wanted}{_said(done.stderr)}",
            "check the network and pip's index",
        )
    return brought[0]


def _said(text: str) -> str:
    """Return pip's last error without the user and password that an index's address may hold."""
    lines = [line for line in text.splitlines() if line.startswith("ERROR:")]
    return ": " + re.sub(r"://[^/\s@]*@", "://", lines[-1].removeprefix("ERROR: ")) if lines else ""
