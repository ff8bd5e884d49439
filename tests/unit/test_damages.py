import ast

import pytest

from checkout import ROOT
from damages import DAMAGE, damaged


@pytest.mark.parametrize("damage", DAMAGE)
def test_each_damage_finds_its_place_once_and_leaves_code_that_can_be_read(damage):
    name, old, new = DAMAGE[damage]
    text = (ROOT / "src/thermark" / name).read_text()
    assert text.count(old) == 1
    ast.parse(text.replace(old, damaged(old, new)))
