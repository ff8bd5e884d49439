import gzip
import io
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetch_machine import fill_disk, tree
from thermark.core.errors import DataError
from thermark.download.extract import Limits, extract, safe_parts

GOOD = {"set/a.txt": b"alpha", "set/deep/b.bin": bytes(range(256)) * 40, "set/empty": b""}


def make_zip(path: Path, members, compression=zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in dict(members).items() if isinstance(members, dict) else members:
            info = zipfile.ZipInfo("x")
            info.filename = name  # not through the constructor, which mends names
            info.compress_type = compression
            archive.writestr(info, content)
    return path


def make_tar(path: Path, members, mode="w") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, content in dict(members).items() if isinstance(members, dict) else members:
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
            else:
                info.type, info.linkname = content
                archive.addfile(info)
    return path


def refused(archive: Path, match: str | None = None, limits: Limits | None = None) -> None:
    """The archive is refused, and its folder holds nothing but itself and what was there before."""
    out = archive.parent / "sub" / "out"
    out.mkdir(parents=True)
    (out / "old").write_text("kept")
    before = sorted(archive.parent.rglob("*"))
    with pytest.raises(DataError, match=match):
        extract(archive, out, limits) if limits else extract(archive, out)
    assert sorted(archive.parent.rglob("*")) == before
    assert (out / "old").read_text() == "kept"


@pytest.mark.parametrize(
    "make",
    [
        make_zip,
        make_tar,
        lambda path, members: make_tar(path, members, "w:gz"),
        lambda path, members: make_tar(path, members, "w:xz"),
        lambda path, members: make_tar(path, members, "w:bz2"),
    ],
)
def test_good_archives_replace_the_folder(tmp_path, make):
    out = tmp_path / "out"
    out.mkdir()
    (out / "old").write_text("old")
    extract(make(tmp_path / "archive", GOOD), out)
    assert tree(out) == GOOD


def test_folders_may_be_listed_and_repeated(tmp_path):
    archive = make_zip(tmp_path / "a.zip", {"d/": b"", "d/x": b"1", "e/": b""})
    extract(archive, tmp_path / "out")
    assert tree(tmp_path / "out") == {"d/x": b"1"} and (tmp_path / "out/e").is_dir()
    folder = (tarfile.DIRTYPE, "")
    archive = make_tar(tmp_path / "a.tar", [(".", folder), ("./d", folder), ("./d", folder), ("./d/x", b"1")])
    extract(archive, tmp_path / "out")
    assert tree(tmp_path / "out") == {"d/x": b"1"}


UNSAFE = [
    "../evil",
    "a/../../evil",
    "/etc/evil",
    "a//b",
    "..",
    "a/..",
    "C:/evil",
    "c:evil",
    "a\\..\\evil",
    "a\nb",
]


@pytest.mark.parametrize("make", [make_zip, make_tar])
@pytest.mark.parametrize("name", UNSAFE)
def test_names_that_leave_the_folder_refuse_the_whole_archive(tmp_path, make, name):
    refused(make(tmp_path / "archive", [("good", b"1"), (name, b"2")]), "unsafe name")


@pytest.mark.parametrize("make", [make_zip, make_tar])
@pytest.mark.parametrize(
    "names", [("a", "a"), ("a/b", "A/B"), ("\u00e9", "e\u0301"), ("stra\u00dfe", "STRASSE"), ("./a", "a")]
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_may_be_one_file_are_refused(tmp_path, make, names):
    refused(make(tmp_path / "archive", [(name, b"1") for name in names]), "collide")


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_a_file_cannot_be_a_folder_too(tmp_path, make):
    refused(make(tmp_path / "archive", [("a", b"1"), ("a/b", b"2")]), "inside a file")


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_tar_links_and_devices_are_refused(tmp_path, kind):
    refused(make_tar(tmp_path / "archive", [("good", b"1"), ("x", (kind, "good"))]), "link, device")


@pytest.mark.parametrize("mode", [0o120777, 0o020666, 0o010666])
def test_zip_links_and_devices_are_refused(tmp_path, mode):
    path = tmp_path / "archive"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("good", b"1")
        info = zipfile.ZipInfo("link")
        info.create_system, info.external_attr = 3, mode << 16
        archive.writestr(info, "/etc/passwd")
    refused(path, "link or device")


def test_bombs_by_ratio_total_and_entries(tmp_path):
    zeros = make_zip(tmp_path / "z", {"zeros": bytes(3_000_000)})
    refused(zeros, "suspiciously", Limits(free=1_000_000))
    for name, limits in (("t", Limits(total=9999)), ("e", Limits(entries=2))):
        folder = tmp_path / name
        folder.mkdir()
        refused(make_tar(folder / "a", GOOD, "w:gz"), "suspiciously", limits)


def test_a_bomb_in_a_compressed_tar_stops_at_its_header(tmp_path):
    # The header promises a terabyte that is not there: nothing may try to read it.
    info = tarfile.TarInfo("huge")
    info.size = 10**12
    path = tmp_path / "archive"
    path.write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT)))
    refused(path, "suspiciously")


def test_encryption_is_named(tmp_path):
    path = make_zip(tmp_path / "archive", {"a": b"secret"})
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\x03\x04") + 6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    refused(path, "encrypted")


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_bad_checksum_leaves_no_partial_folder(tmp_path, compression):
    content = bytes(range(256)) * 100
    path = make_zip(tmp_path / "archive", {"first": b"good", "second": content}, compression)
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"second") + 100] ^= 0xFF
    path.write_bytes(raw)
    refused(path, "damaged")


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.95])
@pytest.mark.parametrize(
    "make", [make_zip, make_tar, lambda path, members: make_tar(path, members, "w:gz")], ids=["zip", "tar", "gz"]
)
def test_truncated_archives_leave_nothing(tmp_path, make, keep):
    members = {f"file{index}": bytes([index]) * 20_000 for index in range(5)}
    path = make(tmp_path / "archive", members)
    raw = path.read_bytes()
    size = len(raw) if make is not make_tar else 5 * (512 + 20_480)  # without the tar's padding
    path.write_bytes(raw[: int(size * keep)])
    refused(path)


def test_a_tar_with_a_broken_header_or_cut_between_members_is_not_a_shorter_tar(tmp_path):
    path = make_tar(tmp_path / "archive", {"a": b"1", "b": b"2", "c": b"3"})
    raw = path.read_bytes()
    path.write_bytes(raw[:1024] + b"garbage" + raw[1031:])
    refused(path, "damaged")
    shutil.rmtree(tmp_path / "sub")
    path.write_bytes(raw[:2048])
    refused(path, "damaged")


@pytest.mark.parametrize("content", [b"", b"<html>log in</html>", b"PK\x03\x04garbage", b"x" * 2000])
def test_what_is_no_archive_is_refused(tmp_path, content):
    path = tmp_path / "archive"
    path.write_bytes(content)
    refused(path)


def test_a_full_disk_is_foreseen_with_both_numbers(tmp_path, monkeypatch):
    fill_disk(monkeypatch, 100)
    refused(make_tar(tmp_path / "archive", GOOD), "needs 10245 bytes but 100 bytes are free")


def test_a_disk_that_fills_up_leaves_nothing(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    refused(make_tar(tmp_path / "archive", GOOD), "needs 10245 bytes")


@settings(max_examples=50)
@given(st.text(max_size=30))
def test_whatever_passes_stays_inside(name):
    try:
        parts = safe_parts(name, "archive")
    except DataError:
        return
    target = Path("/root/folder").joinpath(*parts)
    assert target.is_relative_to("/root/folder") and ".." not in target.parts
