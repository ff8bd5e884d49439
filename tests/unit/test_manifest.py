import os
import shutil
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from scripted_server import CUT, HTML, OK, Script, digest, serving

from thermark.assets import cache, manifest, mirrors
from thermark.assets.download import Patience
from thermark.assets.manifest import Manifest, Origin, bring, describe
from thermark.assets.mirrors import SUMS, Mirrors
from thermark.assets.obtain import Store
from thermark.core.errors import ConfigError, DataError, NetworkError

QUICK = Patience(connect=2.0, read=2.0, pause=0.001, attempts=3)
RNG = np.random.default_rng(0)
FILES = {
    "000000.png": RNG.bytes(90_000),
    "000000_ldmks.txt": b"1.0 2.0\n",
    "deep/er/000001.png": RNG.bytes(90_000),
}
NOWHERE = "http://127.0.0.1:9/iccv/set.zip"


def write(folder: Path, contents: dict[str, bytes]) -> Path:
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def archive(path: Path, contents: dict[str, bytes], prefix: str = "dataset_100/") -> bytes:
    with zipfile.ZipFile(path, "w") as opened:
        for name, content in contents.items():
            opened.writestr(zipfile.ZipInfo(prefix + name), content)
    return path.read_bytes()


@pytest.fixture
def listed(tmp_path) -> Manifest:
    return describe(write(tmp_path / "origin", FILES), "set", Origin(url=NOWHERE, licence="none"))


def store(tmp_path: Path, *folders: Path) -> Store:
    root = tmp_path / "cache"
    return Store(root, Mirrors((*folders, cache.placed(root))), QUICK)


def at(listed: Manifest, url: str, **known) -> Manifest:
    return listed.model_copy(update={"origin": Origin(url=url, licence="none", **known)})


# --- the file


def test_a_manifest_survives_writing_with_one_line_per_file(tmp_path, listed):
    path = tmp_path / "set.json"
    manifest.write(listed, path)
    assert manifest.read(path) == listed
    assert sum('"path"' in line for line in path.read_text().splitlines()) == len(FILES)


@pytest.mark.parametrize(
    "damage",
    [
        ('"000000.png"', '"../000000.png"'),
        ('"000000.png"', '"/000000.png"'),
        ('"000000.png"', '"./000000.png"'),
        ('"000000.png"', '"000000_LDMKS.txt"'),
        ('"size": 8', '"size": -8'),
        ('"sha256": "', '"sha256": "x'),
        ('"licence"', '"license"'),
        ("}", ""),
    ],
)
def test_a_damaged_manifest_is_refused(tmp_path, listed, damage):
    path = tmp_path / "set.json"
    manifest.write(listed, path)
    text = path.read_text()
    assert damage[0] in text
    path.write_text(text.replace(*damage))
    with pytest.raises(DataError):
        manifest.read(path)


def test_the_shipped_manifests_are_sound():
    paths = sorted((Path(__file__).parents[2] / "data" / "manifests").glob("*.json"))
    assert paths
    for path in paths:
        shipped = manifest.read(path)
        assert shipped.name == path.stem and shipped.origin.licence and shipped.origin.url.startswith("https://")
    faces = manifest.read(Path(__file__).parents[2] / "data/manifests/facesynthetics100.json")
    assert {entry.path for entry in faces.files} == {
        f"{face:06d}{kind}" for face in range(100) for kind in (".png", "_ldmks.txt", "_seg.png")
    }


def test_the_real_faces_are_brought_from_a_mirror(tmp_path, mirror):
    listed = manifest.read(Path(__file__).parents[2] / "data/manifests/facesynthetics100.json")
    real = mirror("facesynthetics_100")
    assert bring(listed, tmp_path / "out", store(tmp_path, real)) == listed
    assert len(tree(tmp_path / "out")) == 300


# --- mirrors


def test_mirrors_are_searched_by_content_not_by_name(tmp_path, listed):
    scattered = {"x/renamed.bin": FILES["000000.png"], "y/also.txt": FILES["000000_ldmks.txt"]}
    one, two = write(tmp_path / "one", scattered), write(tmp_path / "two", {"z": FILES["deep/er/000001.png"]})
    assert bring(listed, tmp_path / "out", store(tmp_path, one, two)) == listed
    assert tree(tmp_path / "out") == FILES
    assert not any(path.is_symlink() for path in (tmp_path / "out").rglob("*"))
    assert not (tmp_path / "cache").exists()  # a mirror is enough: nothing is written elsewhere


def test_wrong_content_under_the_right_name_is_never_taken(tmp_path, listed):
    wrong = {name: content[::-1] for name, content in FILES.items()}
    wrong_folder = write(tmp_path / "wrong", wrong)
    with pytest.raises(NetworkError, match=r"set lacks 3 files \(000000.png, "):
        bring(listed, tmp_path / "out", store(tmp_path, wrong_folder))
    assert not (tmp_path / "out").exists()
    right = write(tmp_path / "wrong" / "right", FILES)
    bring(listed, tmp_path / "out", store(tmp_path, wrong_folder, right))
    assert tree(tmp_path / "out") == FILES


def test_a_mirror_that_changes_while_it_is_copied_is_noticed(tmp_path, listed, monkeypatch):
    monkeypatch.setattr(shutil, "copyfile", lambda source, target: target.write_bytes(b"changed"))
    with pytest.raises(DataError, match="changed while it was copied"):
        bring(listed, tmp_path / "out", store(tmp_path, tmp_path / "origin"))
    assert not (tmp_path / "out").exists()


def test_a_lying_checksum_file_is_only_a_hint(tmp_path, listed):
    folder = write(tmp_path / "m", {"liar": FILES["000000.png"][::-1], "honest": FILES["000000.png"]})
    sought = digest(FILES["000000.png"])
    (folder / SUMS).write_text(f"{sought}  ./liar\n{'0' * 64} *honest\nnonsense\n")
    assert Mirrors((folder,)).find(sought, 90_000, "000000.png") == folder / "honest"


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


# --- archives


def test_an_archive_of_unknown_hash_is_downloaded_verified_and_told(tmp_path, listed):
    content = archive(tmp_path / "a.zip", FILES | {"README": b"not listed"})
    with serving(Script(content, [503, CUT, OK])) as script:
        brought = bring(at(listed, script.url), tmp_path / "out", store(tmp_path))
        assert brought.origin.sha256 == digest(content) and brought.origin.size == len(content)
        assert tree(tmp_path / "out") == FILES  # exactly what is listed
        requests = len(script.seen)
        for again in (brought, at(listed, script.url)):
            assert bring(again, tmp_path / "out", store(tmp_path)).origin.sha256 == digest(content)
        assert len(script.seen) == requests
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "cache", "origin", "out"]


def test_a_known_archive_must_match(tmp_path, listed):
    content = archive(tmp_path / "a.zip", FILES)
    other = bytes([content[0], content[1] ^ 1]) + content[2:]
    with serving(Script(other)) as script, pytest.raises(DataError) as error:
        bring(at(listed, script.url, size=len(content), sha256=digest(content)), tmp_path / "out", store(tmp_path))
    assert digest(content) in error.value.cause and digest(other) in error.value.cause
    assert not (tmp_path / "out").exists()


def test_an_archive_with_one_wrong_file_gives_nothing_and_is_not_remembered(tmp_path, listed):
    content = archive(tmp_path / "a.zip", FILES | {"000000.png": FILES["000000.png"][::-1]})
    good = archive(tmp_path / "b.zip", FILES)
    write(tmp_path / "out", {"old": b"kept"})
    with serving(Script(content)) as script:
        with pytest.raises(DataError, match=r"lacks 1 files \(000000.png\)"):
            bring(at(listed, script.url), tmp_path / "out", store(tmp_path))
        assert tree(tmp_path / "out") == {"old": b"kept"}
        script.content, script.etag = good, '"v2"'
        bring(at(listed, script.url), tmp_path / "out", store(tmp_path))
    assert tree(tmp_path / "out") == FILES


def test_a_hand_placed_archive_needs_no_network(tmp_path, listed):
    folder = cache.placed(tmp_path / "cache")
    folder.mkdir(parents=True)
    archive(folder / "set.zip", FILES, prefix="")
    # It may be a re-packed one: its files count, its own hash is not taken for the publisher's.
    assert bring(listed, tmp_path / "out", store(tmp_path)) == listed
    assert tree(tmp_path / "out") == FILES


def test_a_stranger_with_the_archives_name_is_passed_over(tmp_path, listed, capsys):
    strangers = write(tmp_path / "m", {"a/set.zip": b"<html>log in</html>"})
    archive(strangers / "set.zip", {"other": b"1"})
    with serving(Script(archive(tmp_path / "a.zip", FILES))) as script:
        bring(at(listed, script.url), tmp_path / "out", store(tmp_path, strangers))
    assert tree(tmp_path / "out") == FILES
    assert capsys.readouterr().err.count("was passed over") == 2


def test_a_known_archive_is_found_in_a_mirror_under_any_name_when_its_size_is_known(tmp_path, listed):
    (tmp_path / "m").mkdir()
    content = archive(tmp_path / "m" / "renamed", FILES)
    known = at(listed, NOWHERE, size=len(content), sha256=digest(content))
    assert bring(known, tmp_path / "out", store(tmp_path, tmp_path / "m")) == known
    assert tree(tmp_path / "out") == FILES


def test_mirror_and_archive_complete_each_other(tmp_path, listed):
    part = write(tmp_path / "m", {"000000.png": FILES["000000.png"]})
    rest = {name: content for name, content in FILES.items() if name != "000000.png"}
    with serving(Script(archive(tmp_path / "a.zip", rest))) as script:
        bring(at(listed, script.url), tmp_path / "out", store(tmp_path, part))
    assert tree(tmp_path / "out") == FILES


def test_offline_lists_what_is_missing_and_where_it_goes(tmp_path, listed):
    start = time.monotonic()
    with pytest.raises(NetworkError) as error:
        bring(listed, tmp_path / "out", store(tmp_path))
    assert time.monotonic() - start < 5
    assert "set lacks 3 files (000000.png, 000000_ldmks.txt, deep/er/000001.png)" in error.value.cause
    for word in (NOWHERE, "set.zip", str(tmp_path / "cache" / "placed"), "THERMARK_MIRRORS"):
        assert word in error.value.remedy
    assert "\n" not in error.value.cause + error.value.remedy


@pytest.mark.parametrize("failing", range(1, 6))
def test_a_rename_that_fails_leaves_the_old_or_the_new_and_a_second_run_succeeds(
    tmp_path, listed, monkeypatch, failing
):
    renames, original = [], os.replace

    def replace(source, target):
        renames.append(target)
        if len(renames) == failing:
            raise OSError(5, "Input/output error")
        original(source, target)

    write(tmp_path / "out", {"old": b"old"})
    with serving(Script(archive(tmp_path / "a.zip", FILES))) as script:
        wanted = at(listed, script.url)
        with monkeypatch.context() as patched:
            patched.setattr(os, "replace", replace)
            with pytest.raises(OSError, match="Input/output"):
                bring(wanted, tmp_path / "out", store(tmp_path))
        assert len(renames) == failing
        assert tree(tmp_path / "out") in ({"old": b"old"}, {})
        bring(wanted, tmp_path / "out", store(tmp_path))
    assert tree(tmp_path / "out") == FILES


def test_a_page_instead_of_the_archive(tmp_path, listed):
    with serving(Script(b"-", [HTML])) as script, pytest.raises(DataError, match="web page"):
        bring(at(listed, script.url), tmp_path / "out", store(tmp_path))
    assert not (tmp_path / "out").exists()


def test_max_mb_limits_downloads_only(tmp_path, listed):
    content = archive(tmp_path / "a.zip", FILES)
    with serving(Script(content)) as script, pytest.raises(ConfigError, match=r"0.2 MB or more, max_mb is 0.1"):
        bring(at(listed, script.url), tmp_path / "out", store(tmp_path), max_mb=0.1)
    bring(listed, tmp_path / "out", store(tmp_path, tmp_path / "origin"), max_mb=0.0)
    assert tree(tmp_path / "out") == FILES


def test_fetch_reads_the_variables_of_this_machine(tmp_path, listed, monkeypatch, capsys):
    monkeypatch.setenv("THERMARK_CACHE", str(tmp_path / "cache"))
    config = manifest.Config(manifest=str(tmp_path / "set.json"), max_mb=1.0)
    content = archive(tmp_path / "a.zip", FILES)
    with serving(Script(content)) as script:
        manifest.write(at(listed, script.url), tmp_path / "set.json")
        manifest.fetch(config, tmp_path / "out")
    assert tree(tmp_path / "out") == FILES
    assert digest(content) in capsys.readouterr().err
    manifest.write(listed, tmp_path / "set.json")
    monkeypatch.setenv("THERMARK_MIRRORS", str(tmp_path / "origin"))
    manifest.fetch(config, tmp_path / "again")
    assert tree(tmp_path / "again") == FILES
    assert capsys.readouterr().err == ""
