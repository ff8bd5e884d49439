import os
from pathlib import Path

from scripted_server import digest

from fetch_machine import write
from thermark.download import mirrors
from thermark.download.mirrors import SUMS, Mirrors

CONTENT = bytes(range(256)) * 300


def test_a_lying_checksum_file_is_only_a_hint(tmp_path):
    folder = write(tmp_path / "m", {"liar": CONTENT[::-1], "honest": CONTENT})
    sought = digest(CONTENT)
    (folder / SUMS).write_text(f"{sought}  ./liar\n{'0' * 64} *honest\nnonsense\n")
    assert Mirrors((folder,)).find(sought, len(CONTENT), "000000.png") == folder / "honest"


def test_only_files_of_the_right_size_are_hashed_and_each_once(tmp_path, monkeypatch):
    folder = write(tmp_path / "m", {f"{index}": bytes([index]) * 10 for index in range(6)} | {"other": b"1"})
    hashed: list[str] = []
    monkeypatch.setattr(
        mirrors.files, "sha256", lambda path: hashed.append(path.name) or digest(path.read_bytes())
    )
    index = Mirrors((folder,))
    for number in (5, 3, 5):
        assert index.find(digest(bytes([number]) * 10), 10, str(number)) == folder / str(number)
    assert hashed == ["5", "3"]  # the name goes first
    assert index.find(digest(b"absent"), 10, "absent") is None
    assert sorted(hashed) == ["0", "1", "2", "3", "4", "5"]


def test_thousands_of_files_of_one_size_are_put_into_order_once(tmp_path, monkeypatch):
    contents = {f"old{index:04d}": index.to_bytes(4, "big") for index in range(500)}
    index = Mirrors((write(tmp_path, contents),))
    hashed: list[str] = []
    monkeypatch.setattr(
        mirrors.files, "sha256", lambda path: hashed.append(path.name) or digest(path.read_bytes())
    )
    sorts: list[int] = []
    monkeypatch.setattr(mirrors, "sorted", lambda *a, **k: sorts.append(1) or sorted(*a, **k), raising=False)
    for name, content in contents.items():
        assert index.find(digest(content), 4, name.replace("old", "new")) == tmp_path / name
    assert len(hashed) == 500 and len(sorts) == 1


def test_links_in_mirrors(tmp_path):
    folder = write(tmp_path / "m", {"real": b"content"})
    (folder / "ring").symlink_to(folder)
    (folder / "dangling").symlink_to(folder / "nothing")
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "link").symlink_to(folder / "real")
    assert Mirrors((linked, tmp_path / "absent")).find(digest(b"content"), 7, "x") == linked / "link"
    assert Mirrors((folder,)).named("real") == [folder / "real"]


def test_roots_come_from_the_variable(monkeypatch):
    monkeypatch.setenv("THERMARK_MIRRORS", os.pathsep.join(["/a", "", "/b c"]))
    assert mirrors.roots() == [Path("/a"), Path("/b c")]
    monkeypatch.delenv("THERMARK_MIRRORS")
    assert mirrors.roots() == []
