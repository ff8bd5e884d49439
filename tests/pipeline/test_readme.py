"""The README shows what is committed, and every file it points to is there."""

import re
import subprocess
from pathlib import Path

import pytest

from thermark.cli import MARKER, overview

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_leaderboard_in_the_readme_is_the_committed_one(tmp_path):
    """Both as git has them: whoever has run another profile, or on another kind of machine, has another board."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    for name in ("README.md", "metrics/leaderboard.md"):
        held = subprocess.run(["git", "show", f"HEAD:{name}"], cwd=ROOT, capture_output=True, check=True).stdout
        (tmp_path / Path(name).name).write_bytes(held)
    shown = (tmp_path / "README.md").read_text(encoding="utf-8").split(MARKER)[1].strip()
    assert shown == overview(tmp_path / "leaderboard.md")


def test_links_and_pictures_exist():
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert len(targets) > 3
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_every_make_target_it_names_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"make ([a-z-]+)", README):
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_it_says_plainly_that_the_data_are_rendered():
    assert "no evidence about real thermal" in re.sub(r"[\s>*]+", " ", README)
