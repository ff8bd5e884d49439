"""One walk: all files, in the order of pathlib, without what operating systems leave behind."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from thermark.core import tree

NAMES = st.text("ab-_.1", min_size=1, max_size=4).filter(lambda name: not name.startswith("."))


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.lists(NAMES, min_size=1, max_size=3).map(tuple), max_size=12))
def test_the_order_is_that_of_sorted_paths(tmp_path_factory, parts):
    root = tmp_path_factory.mktemp("tree")
    for path in sorted(parts, key=len, reverse=True):
        if not root.joinpath(*path).exists() and not any(root.joinpath(*path[:n]).is_file() for n in (1, 2)):
            touch(root, "/".join(path))
    expected = [p.relative_to(root).as_posix() for p in sorted(root.rglob("*")) if p.is_file()]
    assert list(tree.files(root)) == expected


def test_what_systems_leave_behind_is_left_out(tmp_path):
    touch(tmp_path, "a/x.png", "a/._x.png", "a/.DS_Store", "__MACOSX/a/x.png", ".cache/x.png", "Thumbs.db")
    assert list(tree.files(tmp_path)) == ["a/x.png"]


def test_linked_folders_are_followed_once_and_never_in_circles(tmp_path):
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    touch(root, "own/1")
    touch(elsewhere, "2")
    (root / "link").symlink_to(elsewhere)
    (root / "link_again").symlink_to(elsewhere)
    (root / "own/here").symlink_to(root)
    (root / "own/above").symlink_to(tmp_path)
    (elsewhere / "back").symlink_to(root)
    (root / "file").symlink_to(elsewhere / "2")
    assert list(tree.files(root)) == ["file", "link/2", "own/1"]


@pytest.mark.parametrize("name", ["absent", "file"])
def test_no_folder_has_no_files(tmp_path, name):
    touch(tmp_path, "file")
    assert list(tree.files(tmp_path / name)) == []


def test_a_linked_root_is_a_root(tmp_path):
    touch(tmp_path / "real", "x")
    (tmp_path / "root").symlink_to(tmp_path / "real")
    assert list(tree.files(Path(tmp_path / "root"))) == ["x"]
