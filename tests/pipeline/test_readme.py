"""The front page is short, and its board is that of the results in git."""

import re
from pathlib import Path

from checkout import committed
from thermark.cli import MARKER, overview

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_board_is_that_of_the_committed_results(tmp_path):
    """Both as git has them: whoever has run another profile, or on another kind of machine, has another board."""
    for name in ("README.md", "metrics/results/tfake.json"):
        (tmp_path / Path(name).name).write_text(committed(name), encoding="utf-8")
    board = (tmp_path / "README.md").read_text(encoding="utf-8").split(MARKER)[1].strip()
    assert board == overview(tmp_path / "tfake.json")
    assert len(re.findall(r"^\| `", board, re.M)) == 10


def test_it_stays_one_screen_of_prose():
    assert len(README.splitlines()) <= 150
    assert len(re.findall(r"!\[", README)) == 1


def test_it_says_plainly_that_the_data_are_rendered():
    assert "no evidence about real thermal" in re.sub(r"[\s>*]+", " ", README)
