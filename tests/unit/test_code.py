"""A hash of code changes with what the code says, and with nothing else."""

import pytest

from thermark.core import code

BEFORE = '''"""Title."""

from thermark.core import errors


def doubled(x):
    """Return twice x."""
    return 2 * x  # a comment
'''


@pytest.fixture
def hashed(tmp_path):
    def of(text: str, name: str = "one.py") -> str:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        code.parse.cache_clear()
        return code.key(path)

    return of


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a comment", "another comment"),
        ('"""Return twice x."""', '"""Return 2 x.\n\n    At length."""'),
        ('    """Return twice x."""\n', ""),
        ("2 * x", "(2\n            * x)"),
        ("\n\n\n", "\n\n\n\n\n"),
        ('"""Title."""', "'''Another title.'''"),
    ],
)
def test_comments_docstrings_and_layout_say_nothing(hashed, old, new):
    assert hashed(BEFORE) == hashed(BEFORE.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2 * x", "3 * x"),
        ("2 * x", "2.0 * x"),
        ("doubled(x)", "twice(x)"),
        ("doubled(x)", "doubled(x, y=None)"),
        ("return 2 * x", "x = '''Return twice x.'''\n    return 2 * x"),
        ("import errors", "import files"),
        ("def doubled", "@staticmethod\ndef doubled"),
    ],
)
def test_everything_else_does(hashed, old, new):
    assert hashed(BEFORE) != hashed(BEFORE.replace(old, new, 1))


def test_every_word_of_a_template_counts(hashed):
    assert hashed("{# a page #}\n\n# Title", "page.md") != hashed("# Title", "page.md")


def test_a_vocabulary_that_code_names_belongs_to_it(hashed, tmp_path):
    plain, names = tmp_path / "plain.py", tmp_path / "names.py"
    plain.write_text("x = 'nothing'\n")
    names.write_text("def f(a='ibug68', b='nose1'):\n    '''Not nostrils2.'''\n")
    assert not [path for path in code.closure(plain) if path.suffix == ".yaml"]
    tables = {path.relative_to(code.TABLES).as_posix() for path in code.closure(names) if path.suffix == ".yaml"}
    assert tables == {"ibug68.yaml", "nose1.yaml", "bridges/ibug68/ibug68.yaml", "bridges/ibug68/nose1.yaml",
                      "bridges/nose1/nose1.yaml"}  # fmt: skip


def test_a_table_is_known_by_what_it_says_in_its_order(hashed):
    one = hashed("a: 1\nb: 2\n", "t.yaml")
    assert one == hashed("# note\na: 1\n\nb:   2\n", "t.yaml")
    assert one != hashed("a: 1\nb: 3\n", "t.yaml")
    # The first version of a bridge is the default.
    assert one != hashed("b: 2\na: 1\n", "t.yaml")


def test_a_template_is_known_by_every_letter(hashed):
    assert hashed("{# note #}\n# A", "t.md") == hashed("{# note #}\n# A", "t.md") != hashed("\n# A", "t.md")


def test_imports_are_followed_wherever_they_stand(tmp_path):
    path = tmp_path / "late.py"
    path.write_text("def f():\n    from thermark.train.codecs import simcc\n    return simcc\n")
    names = {file.name for file in code.closure(path)}
    assert {"late.py", "simcc.py", "__init__.py"} <= names and "loop.py" not in names
    assert any(file.name == "loop.py" for file in code.closure("thermark.train.loop"))


def test_an_unknown_module_is_an_error():
    with pytest.raises(ValueError, match=r"no module thermark\.train\.nothing"):
        code.key("thermark.train.nothing")


def test_what_only_type_checkers_import_is_not_reached(tmp_path):
    path = tmp_path / "one.py"
    text = "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from thermark.core import errors\n"
    path.write_text(text, encoding="utf-8")
    code.parse.cache_clear()
    assert not any(file.name == "errors.py" for file in code.closure(path))
    path.write_text(text.replace("if TYPE_CHECKING", "if True"), encoding="utf-8")
    code.parse.cache_clear()
    assert any(file.name == "errors.py" for file in code.closure(path))


def test_the_front_door_of_the_package_reaches_nothing_behind_it():
    """Else an edit of the landmarker would run every stage again: all of them import the package."""
    reached = {file.relative_to(code.PACKAGE).parts[0] for file in code.closure("thermark")}
    assert reached == {"__init__.py", "core"}
