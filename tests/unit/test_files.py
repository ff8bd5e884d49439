import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from thermark.core import files


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "a.txt"
    files.write_text(path, "old")
    with pytest.raises(RuntimeError), files.replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_failed_directory_leaves_the_old_one(tmp_path):
    path = tmp_path / "d"
    with files.fresh_directory(path) as folder:
        (folder / "x").write_text("1")
    with pytest.raises(RuntimeError), files.fresh_directory(path) as folder:
        (folder / "y").write_text("2")
        raise RuntimeError
    assert [p.name for p in path.iterdir()] == ["x"] and [p.name for p in tmp_path.iterdir()] == ["d"]


def test_a_directory_whose_rename_fails_keeps_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "d"
    with files.fresh_directory(path) as folder:
        (folder / "x").write_text("1")
    replace = Path.replace

    def refuse_the_new(self, target):
        if ".tmp-" in self.name:
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse_the_new)
    with pytest.raises(OSError, match="No space"), files.fresh_directory(path) as folder:
        (folder / "y").write_text("2")
    assert [p.name for p in path.iterdir()] == ["x"] and [p.name for p in tmp_path.iterdir()] == ["d"]


def test_a_rename_that_fails_loses_nothing(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    files.write_json(path, {"a": 1})

    def refuse(*_: object):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="No space"):
        files.write_json(path, {"a": 2})
    assert files.read_json(path) == {"a": 1} and [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_json_has_six_digits_sorted_keys_and_no_nan(tmp_path):
    path = tmp_path / "m.json"
    files.write_json(path, {"b": np.float32(1 / 3), "a": {"n": np.int64(7), "t": (1e-9, True)}})
    assert path.read_text().index('"a"') < path.read_text().index('"b"')
    assert files.read_json(path) == {"a": {"n": 7, "t": [1e-9, True]}, "b": 0.333333}
    with pytest.raises(ValueError):
        files.write_json(path, {"a": float("nan")})
    assert files.read_json(path)["b"] == 0.333333


def test_array_files_are_equal_to_the_byte_whatever_the_order(tmp_path):
    a, b = np.arange(5), np.array(["x", "yy"])
    files.write_arrays(tmp_path / "1.npz", {"a": a, "b": b})
    files.write_arrays(tmp_path / "2.npz", {"b": b, "a": a})
    assert (tmp_path / "1.npz").read_bytes() == (tmp_path / "2.npz").read_bytes()
    assert files.read_arrays(tmp_path / "1.npz")["b"].tolist() == ["x", "yy"]


def test_objects_are_refused(tmp_path):
    with pytest.raises(TypeError, match="objects"):
        files.write_arrays(tmp_path / "1.npz", {"a": np.array([{}], object)})
    assert not list(tmp_path.iterdir())


def test_what_the_dead_have_left_is_removed_and_nothing_else(tmp_path):
    """A killed process of this machine leaves its temporary files; those of others may still be growing."""
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    dead, out = gone.stdout.strip(), tmp_path / "se[t]"
    names = [f"se[t].tmp-{files.MACHINE}-{dead}", f"se[t].old-{files.MACHINE}-{dead}"]
    kept = [f"se[t].tmp-{files.MACHINE}-{os.getpid()}", f"se[t].tmp-00000000-{dead}", "set.tmp-x", "se[t]"]
    for name in names + kept:
        (tmp_path / name).mkdir()
        (tmp_path / name / "content").touch()
    files.clear_leftovers(out)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)
