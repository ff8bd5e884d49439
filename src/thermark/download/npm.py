"""Packages of the npm registry, which npm brings.

A package is a gzipped tar; nothing in it is run, and nothing is installed.
"""

import re
import shutil
from pathlib import Path

from thermark.download import package
from thermark.download.request import NoClient, Remote
from thermark.download.resolve import Store
from thermark.download.weights import Npm


def _error(stderr: str) -> str:
    """Return the first of npm's errors."""
    lines = [line for line in stderr.splitlines() if re.match(r"npm (ERR!|error)", line)]
    return re.sub(r"^npm (ERR!|error) ?", "", lines[0]) if lines else ""


NPM = package.Client("npm", "npm's registry", ".tgz", _error, {"npm_config_update_notifier": "false"})


def address(wanted: Npm) -> str:
    """Return how the manifests' cards name a package."""
    return f"npm:{wanted.name}@{wanted.version}"


def fetch(wanted: Npm, store: Store, limit: int | None) -> Path:
    """Bring a package into the cache and return its path there; `limit` is in bytes.

    Raises NoClient when npm is absent, NetworkError when it brings nothing, DataError for other content, TooLarge.
    """
    program = shutil.which("npm")
    if program is None:
        raise NoClient("npm is not installed", f"install it, or fetch {address(wanted)} elsewhere")
    remote = Remote(address(wanted), wanted.name, wanted.size, wanted.sha256, limit)
    return package.brought(remote, store, lambda folder: _pack(program, wanted, folder))


def _pack(program: str, wanted: Npm, folder: Path) -> Path:
    name = f"{wanted.name}@{wanted.version}"
    command = [program, "pack", name, "--silent", "--ignore-scripts", "--pack-destination", str(folder)]
    # A package.json where the user stands is none of its business.
    return NPM.bring(name, command, folder, cwd=folder)
