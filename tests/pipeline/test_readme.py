"""The front page is short, and its board is that of the results in git."""

import re
import subprocess
from pathlib import Path

import pytest

from thermark.cli import MARKER, overview

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_board_is_that_of_the_committed_results(tmp_path):
    """Both as git has them: whoever has run another profile, or on another kind of machine, has another board."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    for name in ("README.md", "metrics/results/tfake.json"):
        held = subprocess.run(["git", "show", f"HEAD:{name}"], cwd=ROOT, capture_output=True, check=True).stdout
        (tmp_path / Path(name).name).write_bytes(held)
    shown = (tmp_path / "README.md").read_text(encoding="utf-8").split(MARKER)[1].strip()
    assert shown == overview(tmp_path / "tfake.json")
    assert len(re.findall(r"^\| `", shown, re.M)) == 10


def test_it_stays_one_screen_of_prose():
    assert len(README.splitlines()) <= 150
    assert len(re.findall(r"!\[", README)) == 1


def test_it_says_plainly_that_the_data_are_rendered():
    assert "no evidence about real thermal" in re.sub(r"[\s>*]+", " ", README)
