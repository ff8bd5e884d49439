"""Every tutorial does what it says: its code is written into a copy of the project, and its commands are run."""

import pytest

from tutorial import TUTORIALS, copy, follow, steps


@pytest.mark.slow
@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_works(page, tmp_path):
    copy(tmp_path)
    follow(page, tmp_path)


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_has_code_and_checks_it(page):
    """Every block with a language is a step, so that none is left out by a slip in its comment."""
    text, kinds = page.read_text(encoding="utf-8"), [step.kind for step in steps(page)]
    assert {"file", "run"} <= set(kinds)
    assert text.count("\n<!-- ") == len(kinds) == text.count("\n```") / 2
