"""Every tutorial does what it says: its code is written into a copy of the project, and its commands are run."""

import re

import pytest

from tutorial import TUTORIALS, copy, follow, steps


@pytest.mark.slow
@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_works(page, tmp_path):
    copy(tmp_path)
    follow(page, tmp_path)


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_has_code_and_checks_it(page):
    """No comment and no block of Python is left out by a slip."""
    text, kinds = page.read_text(encoding="utf-8"), [step.kind for step in steps(page)]
    assert {"file", "run"} <= set(kinds)
    assert text.count("\n<!-- ") == len(kinds)
    assert re.findall(r"(?<! -->)\n```(?:python|diff)$", text, re.M) == []
