from pathlib import Path

import pytest
import yaml

from thermark.core import profiles
from thermark.core.errors import ConfigError

DEFAULT = """# The default, with a comment.
profile: default
render: {a: {count: 3, size: 4}, b: {count: 5}}
runs: {x: {epochs: 1}, y: {epochs: 2}}
report: {faces: 7}
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a folder with the default as params.yaml and two profiles."""
    (tmp_path / "profiles").mkdir()
    (tmp_path / "params.yaml").write_text(DEFAULT)
    (tmp_path / "profiles/small.yaml").write_text("# Little.\nreplace: [runs]\nrender: {a: {count: 1}, b: null}\n")
    (tmp_path / "profiles/long.yaml").write_text("runs: {x: &x {epochs: 9}, z: {<<: *x}}\n")
    return tmp_path


def switch(tree: Path, name: str) -> dict:
    profiles.switch(name, tree / "profiles", tree / "params.yaml")
    return yaml.safe_load((tree / "params.yaml").read_text())


def test_a_profile_is_the_default_but_for_what_it_says(tree):
    assert switch(tree, "long") == {
        "profile": "long",
        "render": {"a": {"count": 3, "size": 4}, "b": {"count": 5}},
        "runs": {"x": {"epochs": 9}, "y": {"epochs": 2}, "z": {"epochs": 9}},
        "report": {"faces": 7},
    }


def test_sections_are_replaced_whole_and_null_takes_away(tree):
    params = switch(tree, "small")
    assert params["runs"] == {} and params["render"] == {"a": {"count": 1, "size": 4}}


def test_nothing_is_shared_between_two_places(tree):
    """`dvc exp run -S` would change both."""
    switch(tree, "long")
    text = (tree / "params.yaml").read_text()
    assert "&" not in text and "*" not in text and text.startswith("# Made by `make profile P=long`")


def test_the_default_comes_back_to_the_byte_whatever_was_between(tree):
    for name in ("long", "small", "long", "default"):
        switch(tree, name)
    assert (tree / "params.yaml").read_text() == DEFAULT
    assert not list(tree.glob("*.bak*"))


def test_an_edited_default_is_what_profiles_build_on_and_what_comes_back(tree):
    text = DEFAULT.replace("faces: 7", "faces: 8")
    (tree / "params.yaml").write_text(text)
    assert switch(tree, "long")["report"] == {"faces": 8}
    switch(tree, "default")
    assert (tree / "params.yaml").read_text() == text


def test_an_edited_profile_is_kept_beside(tree, capsys):
    for count in (1, 2, 3, 2):
        switch(tree, "long")
        text = (tree / "params.yaml").read_text().replace("faces: 7", f"faces: {count}")
        (tree / "params.yaml").write_text(text)
        switch(tree, "small")
    kept = {path.name: yaml.safe_load(path.read_text())["report"]["faces"] for path in tree.glob("params.yaml.*")}
    assert kept == {"params.yaml.bak": 1, "params.yaml.bak2": 2, "params.yaml.bak3": 3}
    names = [line.rsplit("/", 1)[-1] for line in capsys.readouterr().out.splitlines() if "was kept" in line]
    assert names == ["params.yaml.bak", "params.yaml.bak2", "params.yaml.bak3", "params.yaml.bak2"]


def test_an_earlier_default_is_kept_when_another_takes_its_place(tree):
    switch(tree, "long")
    (tree / "params.yaml").write_text(DEFAULT.replace("size: 4", "size: 5"))  # as git checkout may do
    switch(tree, "long")
    assert (tree / "params.default.yaml.bak").read_text() == DEFAULT
    assert "size: 5" in (tree / "params.default.yaml").read_text()


@pytest.mark.parametrize(
    ("name", "text", "cause", "remedy"),
    [
        ("lon", "", "there is no profile 'lon'", "did you mean `long`?"),
        ("odd", "rander: {}\n", "profile odd names the section rander", "did you mean `render`?"),
        ("odd", "replace: [run]\n", "profile odd names the section run", "did you mean `runs`?"),
        ("odd", "[1", "is not valid YAML", "mend the file"),
        ("odd", "extends: odd\n", "profile odd extends itself", "mend `extends` in"),
        ("odd", "extends: longer\n", "there is no profile 'longer'", "did you mean `long`?"),
        ("odd", "extends: small\nrunds: {}\n", "profile odd names the section runds", "did you mean `runs`?"),
    ],
)
def test_what_cannot_be_merged_changes_nothing(tree, name, text, cause, remedy):
    if text:
        (tree / f"profiles/{name}.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        switch(tree, name)
    assert cause in caught.value.cause and remedy in caught.value.remedy
    assert (tree / "params.yaml").read_text() == DEFAULT


def test_a_profile_extends_another(tree):
    small = switch(tree, "small")
    (tree / "profiles/more.yaml").write_text("extends: small\nruns: {w: {epochs: 4}}\nrender: {a: {size: null}}\n")
    expected = small | {"profile": "more", "runs": {"w": {"epochs": 4}}, "render": {"a": {"count": 1}}}
    assert switch(tree, "more") == expected
    (tree / "profiles/most.yaml").write_text("extends: more\nreport: {faces: 8}\n")
    assert switch(tree, "most") == expected | {"profile": "most", "report": {"faces": 8}}


def test_without_the_default_there_is_no_profile(tree):
    (tree / "params.yaml").write_text(DEFAULT.replace("profile: default", "profile: long"))
    with pytest.raises(ConfigError, match="the default is neither in"):
        switch(tree, "small")
