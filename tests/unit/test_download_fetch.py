"""A whole data set is fetched: from wherever it is, pinned once, and held against the pins ever after."""

import multiprocessing
import os
import shutil
import stat
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import yaml
from scripted_server import CUT, HTML, OK, PAGE_AS_FILE, SLOW, Script, digest, serving
from test_extract import make_tar, make_zip

from command_line import exit_code
from fetch_machine import FILES, NOWHERE, Machine, below, fill_disk, tree, write, zipped
from thermark.core import errors, files
from thermark.core.errors import ConfigError, DataError, NetworkError, SetupError
from thermark.download import drive, fetch, kaggle, licences, manifest, trees
from thermark.download.download import DEFAULT_POLICY
from thermark.download.request import WebPage

ROOT = Path(__file__).parents[2]
OTHER = FILES | {"l.txt": b"3.0 4.0\n"}


def machine(tmp_path: Path, url: str = NOWHERE, *mirrors: Path, **more) -> Machine:
    return Machine(tmp_path / "m", mirrors, {"all": {"url": url} | more})


@pytest.fixture
def script():
    """Serve an archive of `FILES`."""
    with serving(Script(zipped(FILES))) as script:
        yield script


@pytest.fixture
def fetched(tmp_path, script) -> Machine:
    """Return a machine that has fetched and pinned the archive."""
    case = machine(tmp_path, script.url)
    case.fetch()
    return case


def refused(case: Machine, kind: type[Exception], match: str | None = None) -> errors.ThermarkError:
    """Fetching fails, and nothing but the cache differs from before."""
    before = tree(case.root)
    with pytest.raises(kind, match=match) as caught:
        case.fetch()
    after = tree(case.root)
    assert {k: v for k, v in after.items() if not k.startswith("cache/")} == {
        k: v for k, v in before.items() if not k.startswith("cache/")
    }
    error = caught.value
    assert "\n" not in error.cause + error.remedy
    return error


# --- first pin, then match, then mismatch


def test_the_first_fetch_pins_and_later_ones_match(tmp_path, capsys):
    content = zipped(FILES)
    with serving(Script(content, [503, CUT, OK])) as script:
        case = machine(tmp_path, script.url)
        assert case.fetch() == below("all", FILES)
        pin = case.pins()["all"]
        assert (pin.source, pin.file.name) == (script.url, "set.zip")
        assert (pin.file.size, pin.file.sha256) == (len(content), digest(content))
        assert {entry.path: (entry.size, entry.sha256) for entry in pin.listing} == {
            name: (len(held), digest(held)) for name, held in FILES.items()
        }
        assert f"set: 1 pieces, 3 files, 0.2 MB in {case.out}\n" in capsys.readouterr().out
        text = case.path.read_bytes()
        seen = len(script.seen)
        for cached in (False, True):
            case.lose(cached=cached)
            assert case.fetch() == below("all", FILES)
            assert len(script.seen) == seen + cached
            assert f"matched sha256 {pin.tree.sha256}" in capsys.readouterr().out
        assert case.path.read_bytes() == text
    assert [path.name for path in case.out.parent.iterdir()] == ["set"]


def test_a_plain_file_is_pinned_and_matched(tmp_path):
    with serving(Script(b"a,b\n1,2\n")) as script:
        url = script.url.replace(".zip", ".csv")
        case = machine(tmp_path, url, into="tables/deep")
        for _ in range(2):
            assert case.fetch() == {"tables/deep/set.csv": b"a,b\n1,2\n"}
            case.lose(cached=True)
        script.content, script.etag = b"a,b\n1,3\n", '"v2"'
        refused(case, DataError, "expected 8 bytes")


def test_an_archive_can_stay_packed(tmp_path, script):
    assert machine(tmp_path, script.url, unpack=False).fetch() == {"all/set.zip": script.content}


def test_a_listing_that_is_not_in_git_tells_differences_from_the_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(manifest, "LISTED", 2)
    case = machine(tmp_path)
    placed = write(case.placed / "all", FILES)
    case.fetch()
    assert case.pins()["all"].listing is None
    case.lose()
    write(placed, OTHER)
    error = refused(case, DataError)
    assert f"l.txt has sha256 {digest(OTHER['l.txt'])}, expected {digest(FILES['l.txt'])}" in error.cause
    shutil.rmtree(case.cache / "listings")
    error = refused(case, DataError)
    assert case.pins()["all"].tree.sha256 in error.cause and "l.txt" not in error.cause
    write(placed, FILES)
    assert case.fetch() == below("all", FILES)


def test_a_source_other_than_the_pinned_one_is_a_wrong_parameter(fetched, script):
    fetched.pieces["all"]["url"] = NOWHERE
    refused(fetched, ConfigError, "was pinned from")
    fetched.pieces = {"others": {"url": script.url}}
    refused(fetched, ConfigError, "pins a piece all")


def test_a_new_piece_is_pinned_beside_the_old_ones(fetched, script):
    old = fetched.pins()
    fetched.pieces["table"] = {"url": script.url, "name": "other.zip", "unpack": False}
    assert set(fetched.fetch()) == {*below("all", FILES), "table/other.zip"}
    assert fetched.pins()["all"] == old["all"] and set(fetched.pins()) == {"all", "table"}


# --- by content


def test_mirrors_are_searched_by_content_not_by_name(tmp_path, fetched, script):
    one = write(tmp_path / "one", {"x/renamed.bin": FILES["000000.png"], "y/also.txt": FILES["l.txt"]})
    two = write(tmp_path / "two", {"z": FILES["deep/er/000001.png"]})
    for folder in (one, two):
        for path in folder.rglob("*"):
            path.chmod(0o555 if path.is_dir() else 0o444)
    fetched.lose(cached=True)
    fetched.mirrors = (one, two)
    assert fetched.fetch() == below("all", FILES) and len(script.seen) == 1
    # Copies: what is written to the data set does not reach the mirror.
    for path in filter(Path.is_file, fetched.out.rglob("*")):
        assert path.stat().st_nlink == 1 and not path.is_symlink() and path.stat().st_mode & stat.S_IWUSR
    assert not (fetched.cache / "objects").exists() and not (fetched.cache / "locks/x").exists()


@pytest.mark.parametrize(
    ("held", "asked"),
    [({"a": FILES["000000.png"], "b": OTHER["l.txt"]}, 2), ({"renamed": zipped(FILES)}, 1)],
    ids=["one file is nowhere", "the archive under another name"],
)
def test_a_mirror_without_all_files_serves_by_the_archive_or_not_at_all(tmp_path, fetched, script, held, asked):
    fetched.lose(cached=True)
    fetched.mirrors = (write(tmp_path / "m1", held),)
    assert fetched.fetch() == below("all", FILES) and len(script.seen) == asked


def test_a_mirror_that_changes_while_it_is_copied_is_noticed(tmp_path, fetched, monkeypatch):
    fetched.lose(cached=True)
    fetched.mirrors = (write(tmp_path / "m1", FILES),)
    monkeypatch.setattr(shutil, "copyfile", lambda source, target: target.write_bytes(b"changed"))
    refused(fetched, DataError, "is not what was pinned")


def test_the_real_faces_are_brought_from_a_mirror(tmp_path, mirror):
    profile = yaml.safe_load((ROOT / "profiles/facesynthetics100.yaml").read_text(encoding="utf-8"))
    raw = profile["fetch"]["facesynthetics100"]["pieces"]
    case = Machine(tmp_path, (mirror("facesynthetics_100"),), {"faces": {**raw["faces"], "licence": "tiny"}})
    case.path.parent.mkdir()
    text = (ROOT / "data/manifests/facesynthetics100.json").read_text(encoding="utf-8")
    case.path.write_text(text.replace('"name": "facesynthetics100"', '"name": "set"', 1))
    before = case.path.read_bytes()
    brought = case.fetch()
    assert len(brought) == 300 and case.path.read_bytes() == before
    pins = case.pins()["faces"]
    assert {entry.path: entry.sha256 for entry in pins.listing} == {n: digest(c) for n, c in brought.items()}


def test_what_is_there_already_is_taken_without_cache_and_network(fetched, script):
    shutil.rmtree(fetched.cache / "objects")
    inode = (fetched.out / "all/l.txt").stat().st_ino
    assert fetched.fetch() == below("all", FILES) and len(script.seen) == 1
    assert (fetched.out / "all/l.txt").stat().st_ino == inode  # linked, not copied
    write(fetched.out, {"all/l.txt": b"edited", "stray": b"1"})
    assert fetched.fetch() == below("all", FILES) and len(script.seen) == 2


# --- an archive whose files are known, but not its hash: what FaceSynthetics' 100 samples are


def half_known(tmp_path: Path, url: str) -> Machine:
    case = machine(tmp_path, url)
    write(case.placed / "all", FILES)
    case.fetch()
    pin = case.pins()["all"].model_copy(update={"file": None})
    manifest.write(case.path, {"all": pin})
    shutil.rmtree(case.placed)
    case.lose()
    return case


def test_a_first_download_of_known_files_completes_the_pin(tmp_path):
    content = zipped(below("dataset_100", FILES) | {"README": b"not listed"})
    with serving(Script(content)) as script:
        case = half_known(tmp_path, script.url)
        assert case.fetch() == below("all", FILES)  # exactly what is listed, where it is listed
        assert case.pins()["all"].file.sha256 == digest(content)
        case.lose()
        assert case.fetch() == below("all", FILES)
        assert len(script.seen) == 1


def test_a_download_with_one_wrong_file_gives_nothing_and_is_not_remembered(tmp_path):
    with serving(Script(zipped(OTHER))) as script:
        case = half_known(tmp_path, script.url)
        error = refused(case, DataError)
        assert "l.txt has sha256" in error.cause
        script.content, script.etag = zipped(FILES), '"v2"'
        assert case.fetch() == below("all", FILES)


def test_a_placed_archive_of_known_files_may_be_packed_anew(tmp_path):
    case = half_known(tmp_path, NOWHERE)
    write(case.placed, {"set.zip": zipped(below("any/where", FILES))})
    assert case.fetch() == below("all", FILES)
    assert case.pins()["all"].file is None  # its own hash is not the publisher's


# --- by hand


@pytest.mark.parametrize("where", ["set.zip", "all", ""])
def test_what_is_placed_is_pinned_and_then_must_match(tmp_path, where):
    def place(contents):
        packed = {where: zipped(contents)} if where == "set.zip" else {".DS_Store": b"of a desktop"}
        write(case.placed, packed if where == "set.zip" else below(where or ".", contents | packed))

    case = machine(tmp_path)
    place(FILES)
    for _ in range(2):
        assert case.fetch() == below("all", FILES)
        assert case.pins()["all"].file is None  # who placed it may have packed it
        case.lose()
    place(OTHER)
    error = refused(case, DataError)
    if where == "set.zip":
        assert "is not what was pinned" in error.cause and str(case.placed / "set.zip") in error.remedy
    else:
        assert "l.txt has sha256" in error.cause


@pytest.mark.parametrize("folder", [True, False])
def test_a_first_pin_from_what_was_placed_lets_the_publisher_s_file_in(tmp_path, capsys, folder):
    published, message = zipped(FILES), "all was pinned from what was placed, not from the publisher"
    with serving(Script(published)) as script:
        case = machine(tmp_path, script.url)
        write(case.placed, below("all", FILES) if folder else {"set.zip": zipped(dict(reversed(FILES.items())))})
        case.fetch()
        pin = case.pins()["all"]
        assert message in capsys.readouterr().out and pin.file is None and script.seen == []
        shutil.rmtree(case.placed)
        case.lose(cached=True)
        assert case.fetch() == below("all", FILES)
        output = capsys.readouterr().out
        assert message not in output and "matched" in output
        now = case.pins()["all"]
        assert now.file.sha256 == digest(published) and now.tree == pin.tree
        case.lose(cached=True)
        write(case.placed, {"set.zip": published})
        assert case.fetch() == below("all", FILES) and case.pins()["all"] == now


def test_a_folder_of_a_mirror_serves_like_a_placed_one(tmp_path):
    mirror = write(tmp_path / "lab", below("set/all", FILES))
    case = machine(tmp_path, NOWHERE, tmp_path / "nothing", mirror)
    assert case.fetch() == below("all", FILES)
    assert all(path.stat().st_nlink == 1 for path in case.out.rglob("*") if path.is_file())


def test_a_folder_with_the_pieces_of_others_is_nobodys_folder(tmp_path):
    case = Machine(tmp_path / "m", pieces={"a": {"url": NOWHERE}, "b": {"url": NOWHERE, "name": "b.zip"}})
    write(case.placed, {"000000.png": b"1", "b/x": b"2"})
    error = refused(case, NetworkError)
    assert "a (" in error.cause and "b (" not in error.cause


@pytest.mark.parametrize(
    ("where", "name"),
    [
        *(("all", name) for name in ("set.zip.crdownload", "set (1).zip", "rest.tar.gz", "x.download")),
        *(("", name) for name in ("set.zip.part", "set (1).zip", "Set.ZIP", "x.tmp")),
    ],
)
def test_archives_and_unfinished_downloads_are_no_data_set(tmp_path, name, where):
    case = machine(tmp_path)
    write(case.placed / where, {name: zipped(FILES), "README.txt": b"hello"})
    error = refused(case, DataError, "packed or half downloaded")
    assert f"holds {name}, " in error.cause and not case.path.exists()
    assert f"unpack them into {case.placed / 'all'}, or wait for the download" in error.remedy


@pytest.mark.parametrize(
    ("url", "held", "cause", "remedy"),
    [
        (NOWHERE, {"archive.zip": zipped(FILES)}, r"holds archive\.zip.* called set\.zip", ""),
        (
            NOWHERE,
            {"set.zip/l.txt": b"1"},
            r"set\.zip is a folder, and the file of all is called so",
            "call it all",
        ),
        (NOWHERE.replace(".zip", ".csv"), {"set.csv": b"<!doctype html><p>log in"}, "is a web page", ""),
        (NOWHERE, {"all/link": None}, "a link or device", ""),
    ],
    ids=["another name", "folder", "page", "link"],
)
def test_what_is_placed_and_is_no_data_is_refused(tmp_path, url, held, cause, remedy):
    case = machine(tmp_path, url)
    write(case.placed, {name: content for name, content in held.items() if content})
    for name in [name for name, content in held.items() if content is None]:
        write(case.placed / "all", FILES)
        (case.placed / name).symlink_to(tmp_path)
    assert refused(case, DataError, cause).remedy.startswith(remedy)


def test_the_zips_into_which_drive_splits_a_folder_are_to_be_unpacked(tmp_path):
    case = Machine(tmp_path / "m", pieces={"faces": {"drive_folder": "abcdefghijk"}})
    parts = {f"UNCC-2026-00{number}.zip": zipped({f"S{number}/x.tiff": b"1"}) for number in range(9)}
    write(case.placed, parts)
    error = refused(case, DataError, "UNCC-2026-004.zip and 4 more")
    assert f"unpack them into {case.placed / 'faces'}" in error.remedy
    write(case.placed / "faces", {f"S{number}/x.tiff": b"1" for number in range(9)})
    assert set(case.fetch()) == {f"faces/S{number}/x.tiff" for number in range(9)}


def test_a_folder_of_pages_says_where_to_put_its_files(tmp_path, monkeypatch):
    def refuse(id, store, limit):
        raise WebPage("3 files of it did not arrive", "try again in a day")

    monkeypatch.setattr(drive, "folder", refuse)
    case = Machine(tmp_path / "m", pieces={"faces": {"drive_folder": "abcdefghijk"}})
    error = refused(case, DataError, "lacks 1 pieces: faces .*3 files of it did not arrive")
    assert error.code == 3 and error.remedy.startswith(
        "try again in a day; or place by hand the files of faces below "
    )


def test_what_lies_there_under_another_name_is_told(tmp_path):
    pieces = {name: {"url": f"http://127.0.0.1:9/{name}.zip"} for name in ("warm", "cold")}
    case = Machine(tmp_path / "m", pieces=pieces)
    held = {"warm (1).zip": b"1", "warm_100/x": b"1", ".DS_Store": b"", "cold.zip": zipped({"c": b"1"})}
    write(case.placed, held)
    error = refused(case, NetworkError, "lacks 1 pieces: warm")
    assert f"; there are warm (1).zip, warm_100 in {case.placed}, which no piece is called" in error.cause
    assert f"warm.zip as {case.placed / 'warm.zip'}, or its files below {case.placed / 'warm'} (or" in error.remedy
    for name in ("warm (1).zip", "warm_100/x"):
        (case.placed / name).unlink()
    (case.placed / "warm_100").rmdir()
    assert "there are" not in refused(case, NetworkError).cause


def test_a_tree_can_be_placed_packed(tmp_path):
    case = Machine(tmp_path / "m", pieces={"all": {"kaggle": "lab/thermal", "version": 2}})
    write(case.placed, {"thermal.zip": zipped(FILES)})
    assert case.fetch() == below("all", FILES)
    assert case.pins()["all"].file is None


# --- licences


def test_nothing_is_touched_before_the_licence_is_accepted(tmp_path, script, monkeypatch):
    case = machine(tmp_path, script.url)
    case.pieces |= {name: {"url": f"{NOWHERE}/{name}.zip", "licence": "strict"} for name in "bc"}
    write(case.placed, {"set.zip": zipped(FILES)})
    (case.cache / "licences/tiny.json").unlink()
    error = refused(case, NetworkError)
    assert error.code == 5 and script.seen == []
    assert "strict (Tiny License, https://example.org/tiny) for b, c; tiny (" in error.cause
    assert "`thermark accept-licence strict` and `thermark accept-licence tiny`" in error.remedy
    monkeypatch.setenv(licences.VARIABLE, "tiny, sapiens2-license")
    assert "tiny (" not in refused(case, NetworkError).cause
    monkeypatch.setenv(licences.VARIABLE, "tiny,strikt")
    assert refused(case, ConfigError).remedy == "did you mean `strict`?"
    monkeypatch.setenv(licences.VARIABLE, "tiny,strict")
    refused(case, NetworkError, "lacks 2 pieces")


def test_a_licence_without_a_sheet_is_a_wrong_parameter(tmp_path):
    case = machine(tmp_path, licence="tinny")
    assert refused(case, ConfigError).remedy == "did you mean `tiny`?"


# --- the network


def test_offline_says_within_seconds_what_is_missing_and_where_to_put_it(tmp_path, waits):
    with serving(Script(zipped(FILES))) as script:
        case = machine(tmp_path, script.url)
        case.fetch()
    case.lose(cached=True)
    case.pieces |= {
        "warm": {"url": "http://127.0.0.1:9/warm_100.zip?token=secret"},
        "table": {"url": "http://127.0.0.1:9/t.csv"},
    }
    error = refused(case, NetworkError)
    assert sum(waits) < 5 and error.code == 5
    assert "set lacks 3 pieces" in error.cause and f"all ({script.url}, 0.2 MB): " in error.cause
    assert "warm (http://127.0.0.1:9/warm_100.zip, unknown size): 127.0.0.1 cannot be reached" in error.cause
    for place in ("set.zip", "warm_100.zip", "t.csv"):
        assert str(case.placed / place) in error.remedy
    assert "THERMARK_MIRRORS" in error.remedy and "secret" not in error.cause + error.remedy


@pytest.mark.slow
def test_a_network_that_answers_nothing_costs_five_seconds_whatever_is_missing(tmp_path, monkeypatch):
    done, ended, calls = threading.Event(), threading.Event(), []

    def hang(*arguments, **named):
        calls.append(arguments)
        done.wait(600)
        ended.set()
        raise OSError("no answer")

    monkeypatch.setattr("socket.create_connection", hang)
    monkeypatch.setattr("fetch_machine.QUICK", DEFAULT_POLICY)
    pieces = {name: {"url": f"https://{name}.example/{name}.zip"} for name in "abc"}
    error = refused(Machine(tmp_path / "m", pieces=pieces), NetworkError)
    assert len(calls) == 1 and not ended.is_set() and DEFAULT_POLICY.connect < 5
    done.set()
    assert "a (https://a.example/a.zip, unknown size): a.example cannot be reached (no answer)" in error.cause
    assert error.cause.count("not tried") == 2


def test_what_came_before_a_failure_is_not_fetched_again(tmp_path):
    with serving(Script(zipped(FILES))) as one, serving(Script(zipped(OTHER), [404])) as two:
        pieces = {"a": {"url": two.url}, "b": {"url": one.url, "name": "b.zip"}}
        case = Machine(tmp_path / "m", pieces=pieces)
        error = refused(case, NetworkError, r"lacks 1 pieces: a \(")
        assert "b (" not in error.cause
        two.steps = [OK]
        assert case.fetch() == below("a", OTHER) | below("b", FILES)
        assert (len(one.seen), len(two.seen)) == (1, 2)


@pytest.mark.parametrize("step", [HTML, PAGE_AS_FILE])
def test_a_page_instead_of_the_archive(tmp_path, step):
    with serving(Script(b"-", [step])) as script:
        case = machine(tmp_path, script.url, name="w.zip")
        case.pieces |= {"away": {"url": NOWHERE}}
        error = refused(
            case, DataError, r"lacks 2 pieces: all .* sent a web page instead of w\.zip; away \(.* reached"
        )
        assert error.code == 3 and f"place by hand w.zip as {case.placed / 'w.zip'}" in error.remedy
        del case.pieces["away"]
        script.steps, script.content = [OK], zipped(FILES)
        case.fetch()
        script.steps = [HTML]
        case.lose(cached=True)
        # Nothing has changed upstream: the pin stays.
        assert "pin it anew" not in refused(case, DataError, "web page").remedy


def test_max_mb_is_for_the_whole_set_and_for_downloads_only(tmp_path):
    content = zipped(FILES)
    with serving(Script(content)) as one, serving(Script(content)) as two:
        case = Machine(
            tmp_path / "m", pieces={"a": {"url": one.url}, "b": {"url": two.url, "name": "b.zip"}}, max_mb=0.3
        )
        for _ in range(2):  # what the cache holds by now counts as much
            refused(case, ConfigError, r"max_mb is 0\.1")
        case.max_mb = 0.4
        case.fetch()
        case.lose(cached=True)
        case.max_mb = 0.3
        assert "lacks 0.4 MB, fetch.set.max_mb is 0.3" in refused(case, ConfigError).cause
        assert len(one.seen) == 1
        case.mirrors, case.max_mb = (write(tmp_path / "here", FILES),), 0.0
        case.fetch()


@pytest.mark.parametrize(
    "make",
    [
        lambda path: make_tar(path, {"link": (b"2", "/etc/passwd")}, "w:gz"),
        lambda path: (make_zip(path, {}), path)[1],
    ],
)
def test_a_harmful_or_empty_archive_is_refused_and_asked_for_again(tmp_path, make):
    """What else is harmful: test_extract.py."""
    content = make(tmp_path / "evil.zip").read_bytes()
    with serving(Script(content)) as script:
        case = machine(tmp_path, script.url)
        refused(case, DataError)
        assert not any("evil" in path.name for path in case.root.rglob("*"))
        script.content, script.etag = zipped(FILES), '"v2"'
        assert case.fetch() == below("all", FILES)


@pytest.mark.parametrize(
    ("one", "two", "into"),
    [
        ({"x": b"1"}, {"x": b"2"}, "."),
        ({"x": b"1"}, {"X": b"1"}, "."),
        ({"x": b"1"}, {"x/y": b"1"}, "."),
        ({"x/y": b"1"}, {"x": b"1"}, "."),
        ({"x": b"1"}, {"y": b"1"}, "x"),
    ],
)
def test_two_pieces_with_one_file_are_refused(tmp_path, one, two, into):
    case = Machine(
        tmp_path / "m",
        pieces={
            "a": {"url": NOWHERE, "name": "a.zip", "into": "."},
            "b": {"url": NOWHERE, "name": "b.zip", "into": into},
        },
    )
    write(case.placed, {"a.zip": zipped(one), "b.zip": zipped(two)})
    refused(case, DataError, "b and a both have x")


def test_a_piece_may_hold_any_name_that_fetching_could_need(tmp_path):
    held = {".arriving/x": b"1", ".arriving-unsorted": b"2", "a": b"3", "b/b": b"4"}
    pieces = {name: {"url": NOWHERE, "name": f"{name}.zip", "into": "."} for name in "ab"}
    case = Machine(tmp_path / "m", pieces=pieces)
    write(case.placed, {"a.zip": zipped(held), "b.zip": zipped({"y": b"5", ".arriving/y": b"6"})})
    assert case.fetch() == held | {"y": b"5", ".arriving/y": b"6"}
    assert case.pins()["a"].tree.files == 4 and [path.name for path in case.out.parent.iterdir()] == ["set"]


def test_pieces_can_share_folders(tmp_path):
    pieces = {
        name: {"url": NOWHERE, "name": f"{name}.zip", "into": into}
        for name, into in [("a", "."), ("b", "x"), ("c", ".")]
    }
    case = Machine(tmp_path / "m", pieces=pieces)
    write(
        case.placed, {"a.zip": zipped({"x/1": b"a"}), "b.zip": zipped({"2": b"b"}), "c.zip": zipped({"3": b"c"})}
    )
    for _ in range(2):
        assert case.fetch() == {"x/1": b"a", "x/2": b"b", "3": b"c"}


# --- whole or not at all


def test_a_full_disk_is_foreseen_with_numbers_and_room_lets_it_pass(tmp_path, monkeypatch):
    case = machine(tmp_path)
    home = write(case.placed / "all", FILES)
    write(case.placed / "other", {"set.zip": b""})
    with monkeypatch.context() as patched:
        fill_disk(patched, 1000)
        refused(case, DataError, "needs 180008 bytes but 1000 bytes are free")
        shutil.rmtree(home)
        write(case.placed, {"set.zip": zipped(FILES)})
        refused(case, DataError, "needs 180008 bytes but 1000 bytes are free")
    assert case.fetch() == below("all", FILES)


def test_a_disk_that_fills_up_while_files_are_copied(tmp_path, monkeypatch):
    case = machine(tmp_path)
    write(case.placed / "all", FILES)

    def full(source, target):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copyfile", full)
        refused(case, DataError, "bytes are free")
    assert case.fetch() == below("all", FILES)


def test_an_unwritable_cache_is_named_only_when_it_is_needed(tmp_path, monkeypatch):
    monkeypatch.setenv(licences.VARIABLE, "tiny")
    case = machine(tmp_path)
    shutil.rmtree(case.cache)
    case.cache.write_text("in the way")
    error = refused(case, SetupError, "cannot be written")
    assert error.code == 4 and "THERMARK_CACHE" in error.remedy
    case.mirrors = (write(tmp_path / "lab", below("set/all", FILES)),)
    assert case.fetch() == below("all", FILES)


@pytest.mark.parametrize("name", ["raw", "manifests"])
def test_an_unwritable_output_is_named_before_anything_lands(tmp_path, monkeypatch, name):
    case = machine(tmp_path)
    write(case.placed / "all", FILES)
    (case.root / name).write_text("in the way")
    landed = []
    monkeypatch.setattr(fetch.extract_set, "unpack_piece", lambda *given: landed.append(given))
    error = refused(case, SetupError, rf"{name} cannot be written: ")
    assert error.code == 4 and error.remedy == "make it writable" and landed == []


@pytest.mark.parametrize("failing", range(1, 8))
def test_a_rename_that_fails_leaves_the_old_or_the_new_and_a_second_run_succeeds(tmp_path, monkeypatch, failing):
    renames, original = [], os.replace

    def replace(source, target):
        renames.append(target)
        if len(renames) == failing:
            raise OSError(5, "Input/output error")
        original(source, target)

    with serving(Script(zipped(FILES))) as script:
        case = machine(tmp_path, script.url)
        write(case.out, {"old": b"old"})
        with monkeypatch.context() as patched:
            patched.setattr(os, "replace", replace)
            with pytest.raises(OSError, match="Input/output"):
                case.fetch()
        assert len(renames) >= failing
        held = tree(case.out) if case.out.exists() else {}
        assert held in ({"old": b"old"}, below("all", FILES))
        assert not case.path.exists()
        assert case.fetch() == below("all", FILES)
        assert len(script.seen) == 1 or failing < 4  # before it was an object of the cache
        assert case.pins()["all"].tree.files == 3


def test_killed_between_download_and_pin_the_next_run_pins_from_the_cache(tmp_path, script, monkeypatch):
    case = machine(tmp_path, script.url)
    for module, name in ((files, "fresh_directory"), (manifest, "write")):
        with monkeypatch.context() as patched:
            patched.setattr(module, name, lambda *arguments, **named: os._exit(9))
            process = multiprocessing.get_context("fork").Process(target=case.fetch)
            process.start()
            process.join()
        assert process.exitcode == 9 and not case.path.exists()
    assert case.fetch() == below("all", FILES)
    assert len(script.seen) == 1 and case.pins()["all"].file


def test_what_a_killed_process_left_is_removed(tmp_path):
    case = machine(tmp_path)
    write(case.placed / "all", FILES)
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    write(
        case.out.parent,
        {
            f"set.tmp-{files.MACHINE}-{done.pid}/big": b"1",
            f"set.old-{files.MACHINE}-{done.pid}/big": b"1",
            f"set.tmp-{files.MACHINE}-pieces-{done.pid}/warm/big": b"1",
            "set.tmp-1/x": b"1",
            "set.tmp-x/y": b"1",
            "other.tmp-9/x": b"2",
        },
    )
    case.fetch()
    assert sorted(path.name for path in case.out.parent.iterdir()) == [
        "other.tmp-9",
        "set",
        "set.tmp-1",
        "set.tmp-x",
    ]


KILLED = """
import sys
sys.path[:0] = sys.argv[2:]
from pathlib import Path
from fetch_machine import Machine
Machine(Path(sys.argv[1]), (), {"all": {"url": Path(sys.argv[1], "url").read_text()}}).fetch()
"""


@pytest.mark.slow
def test_kills_at_any_moment_end_in_the_same_files_and_pin(tmp_path):
    rng = np.random.default_rng(3)
    with serving(Script(zipped(FILES), [SLOW], pause=0.01)) as script:
        case = machine(tmp_path, script.url)
        write(case.root, {"url": script.url.encode()})
        for _ in range(8):
            process = subprocess.Popen([sys.executable, "-c", KILLED, str(case.root), str(ROOT / "tests")])
            time.sleep(rng.uniform(0.3, 1.5))
            process.kill()
            process.wait(60)
            assert not case.out.exists() or tree(case.out) == below("all", FILES)
            assert not case.path.exists() or case.pins()["all"].tree.files == 3
        script.steps = [OK]
        assert case.fetch() == below("all", FILES)
        assert case.pins()["all"].file.sha256 == digest(script.content)
    assert [path.name for path in case.out.parent.iterdir()] == ["set"]


def _fetch(case: Machine, queue) -> None:
    queue.put(case.fetch() == below("all", FILES))


@pytest.mark.parametrize("shared", [True, False])
def test_two_processes_download_once(tmp_path, shared):
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    with serving(Script(zipped(FILES), [SLOW], pause=0.02)) as script:
        both = [machine(tmp_path, script.url) for _ in range(2)]
        if not shared:  # another checkout: its own output and manifest, the same cache
            both[1].root = tmp_path / "other"
            both[1].__post_init__()
            shutil.rmtree(both[1].cache)
            both[1].cache.symlink_to(both[0].cache)
        started = [context.Process(target=_fetch, args=(case, queue)) for case in both]
        for process in started:
            process.start()
        assert all(queue.get(timeout=300) for _ in started)
        for process in started:
            process.join(5)
    assert len(script.seen) == 1
    assert both[0].pins() == both[1].pins()


@pytest.mark.parametrize(
    ("accepted", "max_mb", "pieces", "code", "word"),
    [
        ("tfake", 1.0, {"url": NOWHERE, "licence": "tfake"}, 5, "lacks 1 pieces"),
        ("", 1.0, {"url": NOWHERE, "licence": "tfake"}, 5, "`thermark accept-licence tfake`"),
        ("tfake", -1.0, {"url": NOWHERE, "licence": "tfake"}, 2, "max_mb"),
    ],
)
def test_the_stage_says_how_it_went(tmp_path, monkeypatch, capfd, accepted, max_mb, pieces, code, word):
    params = {"fetch": {"set": {"max_mb": max_mb, "pieces": {"all": pieces}}}}
    options = {"params": "fetch.set", "manifest": "pins/set.json", "licences": ROOT / "data/licences"}
    monkeypatch.setenv("THERMARK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("THERMARK_MIRRORS", "")
    monkeypatch.setenv(licences.VARIABLE, accepted)
    assert exit_code("fetch", tmp_path, params, options | {"out": "raw/set"}) == code
    out, complained = capfd.readouterr()
    assert word in complained and len(complained.splitlines()) == 2 and out == ""
    assert not (tmp_path / "raw").exists() and not (tmp_path / "pins").exists()


def test_pins_that_another_process_wrote_meanwhile_count(tmp_path, script, monkeypatch):
    @contextmanager
    def slow(root, url):
        manifest.write(case.path, other.pins())
        yield

    case, other = machine(tmp_path, script.url), Machine(tmp_path / "o", (), {"all": {"url": script.url}})
    write(other.placed / "all", OTHER)
    other.fetch()
    monkeypatch.setattr(fetch.cache, "lock", slow)
    with pytest.raises(DataError, match="is not what was pinned"):
        case.fetch()


# --- folders inside the cache


def test_a_folder_of_the_cache_is_linked_and_survives_the_failure_of_another_piece(tmp_path, monkeypatch):
    brought = []

    def dataset(handle, version, store, limit):
        target = trees.path(store.cache, f"{handle}{version}")
        if not target.is_dir():
            brought.append(limit)
            write(target, FILES)
        return target

    monkeypatch.setattr(kaggle, "dataset", dataset)
    pieces = {"frames": {"kaggle": "lab/frames", "version": 1}, "rest": {"url": NOWHERE}}
    case = Machine(tmp_path / "m", pieces=pieces)
    refused(case, NetworkError, "lacks 1 pieces")
    write(case.placed, {"set.zip": b"no archive"})
    refused(case, DataError)
    write(case.placed, {"set.zip": zipped({"r": b"1"})})
    assert case.fetch() == below("frames", FILES) | {"rest/r": b"1"}
    assert brought == [10_000_000]
    for path in (case.out / "frames").rglob("*.png"):
        # One copy on the disk, and an edit of the data set cannot reach the cache unnoticed.
        assert path.stat().st_nlink == 2 and not path.stat().st_mode & 0o222
    assert (case.out / "rest/r").stat().st_mode & stat.S_IWUSR
    shutil.rmtree(case.out)
    case.fetch()
    assert brought == [10_000_000]


def test_without_hard_links_files_are_copied(tmp_path, monkeypatch):
    def no_links(source, target):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    monkeypatch.setattr(drive, "folder", lambda id, store, limit: write(trees.path(store.cache, id), FILES))
    case = Machine(tmp_path / "m", pieces={"all": {"drive_folder": "abcdefghijk"}})
    assert case.fetch() == below("all", FILES)
    assert (case.out / "all/l.txt").stat().st_nlink == 1


# --- Google Drive and the Hub, as far as this package is concerned


def test_a_remedy_of_a_service_reaches_the_user(tmp_path, monkeypatch):
    def refuse(handle, version, store, limit):
        raise NetworkError("no Kaggle credentials", "set KAGGLE_API_TOKEN")

    monkeypatch.setattr(kaggle, "dataset", refuse)
    case = Machine(tmp_path / "m", pieces={"all": {"kaggle": "lab/set", "version": 1}})
    error = refused(case, NetworkError, "no Kaggle credentials")
    assert error.remedy.startswith("set KAGGLE_API_TOKEN; or place by hand the files of all below ")
    assert "https://www.kaggle.com/datasets/lab/set/versions/1" in error.cause
