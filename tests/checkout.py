"""Copies of the project, and commands in them as a user's shell would run them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def environment(*python_path: str | Path, **more: str) -> dict[str, str]:
    """Return the variables of a shell that finds this Python's programs and none of Thermark's settings."""
    # A mirror or a cache of the user must not matter: the default never needs them.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("THERMARK_")}
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    python = os.pathsep.join(map(str, python_path))
    return kept | {"PATH": programs, "DVC_NO_ANALYTICS": "1", "PYTHONPATH": python} | more


def completed(
    folder: Path, variables: dict[str, str], *command: str, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder; unless told not to `check`, fail where it does and show the end of its output."""
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done


def committed(name: str) -> str:
    """Return a text file as git has it: whoever has run another profile has other numbers.

    Skips where this is no git checkout.
    """
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    return completed(ROOT, environment(), "git", "show", f"HEAD:{name}").stdout


def copy_tracked(tree: Path, *paths: str) -> None:
    """Copy the files that git knows, or would add, into `tree`, but for dvc.lock; of all, or those of `paths`."""
    listing = completed(
        ROOT, environment(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *paths
    ).stdout
    for name in filter(None, listing.split("\0")):
        if (ROOT / name).is_file() and Path(name).name != "dvc.lock":
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, tree / name)
