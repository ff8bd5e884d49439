"""The README shows what is committed, and every file it points to is there."""

import re
from pathlib import Path

from thermark.cli import MARKER, overview

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_leaderboard_in_the_readme_is_the_committed_one():
    shown = README.split(MARKER)[1].strip()
    assert shown == overview(ROOT / "metrics/leaderboard.md")


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
