"""Packages of the npm registry, through npm, which knows the user's registry, proxy and credentials.

A package is a gzipped tar; nothing in it is run, and nothing is installed.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from thermark.assets import wheel
from thermark.assets.obtain import Store
from thermark.assets.request import NoClient, Remote
from thermark.assets.weights import Npm
from thermark.core.errors import NetworkError

MINUTES = 20


def address(package: Npm) -> str:
    """Return how the manifests' cards name a package."""
    return f"npm:{package.name}@{package.version}"


def fetch(package: Npm, store: Store, limit: int | None) -> Path:
    """Bring a package into the cache and return its path there; `limit` is in bytes.

    Raises NoClient when npm is absent, NetworkError when it brings nothing, DataError for other content, TooLarge.
    """
    client = shutil.which("npm")
    if client is None:
        raise NoClient("npm is not installed", f"install it, or fetch {address(package)} elsewhere")
    remote = Remote(address(package), package.name, package.size, package.sha256, limit)
    return wheel.brought(remote, store, lambda folder: _pack(client, package, folder))


def _pack(client: str, package: Npm, folder: Path) -> Path:
    wanted = f"{package.name}@{package.version}"
    command = [client, "pack", wanted, "--silent", "--ignore-scripts", "--pack-destination", str(folder)]
    try:
        done = subprocess.run(
            command,
            cwd=folder,  # a package.json where the user stands is none of its business
            env=os.environ | {"TMPDIR": str(folder), "npm_config_update_notifier": "false"},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60 * MINUTES,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NetworkError(f"npm took more than {MINUTES} minutes for {wanted}", "try again later") from error
    found = sorted(folder.glob("*.tgz"))
    if done.returncode or len(found) != 1:
        raise NetworkError(
            f"npm could not bring {wanted}{_said(done.stderr)}", "check the network and npm's registry"
        )
    return found[0]


def _said(text: str) -> str:
    """Return npm's error without the user and password that a registry's address may hold."""
    lines = [line for line in text.splitlines() if re.match(r"npm (ERR!|error)", line)]
    return ": " + re.sub(r"://[^/\s@]*@", "://", re.sub(r"^npm (ERR!|error) ?", "", lines[0])) if lines else ""
