"""Whole repositories of the Hub, as far as this machine can play its part."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from test_extract import make_tar
from test_hub import COMMIT, OTHER, SECRET, hubbub, tokens

from fetch_machine import FILES, Machine, below, store, tree, write, zipped
from thermark.core.errors import DataError, NetworkError
from thermark.download import fetch_config, hub
from thermark.download import trees as cached_trees
from thermark.download.download import RetryPolicy
from thermark.download.hub import Refused
from thermark.download.mirrors import Mirrors
from thermark.download.request import TooLarge
from thermark.download.resolve import FileStore

PLAIN = {
    ".gitattributes": b"*.zip filter=lfs\n",
    "README.md": b"# faces\n",
    "empty": b"",
    "a b/ü#1?.bin": bytes(9),
}
HELD = PLAIN | {"TFW.zip": zipped(FILES)}
LANDED = below("all", PLAIN | below("TFW", FILES))


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_TOKEN", SECRET)


def machine(tmp_path: Path, **more) -> Machine:
    return Machine(tmp_path / "m", pieces={"all": {"hub": "lab/faces", "revision": COMMIT} | more})


def dataset(tmp_path: Path, limit: int | None = None, revision: str | None = COMMIT) -> Path:
    return hub.dataset("lab/faces", revision, store(tmp_path), limit)


def bodies(asked) -> list[str]:
    return [
        path.partition(f"/resolve/{COMMIT}/")[2]
        for method, path, _ in asked
        if "/resolve/" in path and method == "GET"
    ]


def trees(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "cache").glob("trees/*")]


# --- into the cache


def test_a_repository_lands_whole_and_as_it_is_and_is_asked_for_once(tmp_path):
    with hubbub("ok", tree=HELD) as requests:
        folder = dataset(tmp_path)
        assert tree(folder) == HELD
        assert requests[0][1].startswith(f"/api/datasets/lab/faces/revision/{COMMIT}")
        assert len(bodies(requests)) == len(HELD)
        assert {token for _, token in tokens} == {f"Bearer {SECRET}"}
        count = len(requests)
        assert dataset(tmp_path) == folder and len(requests) == count
    assert trees(tmp_path) == [folder.name]
    assert [path for path in (tmp_path / "cache/parts").iterdir()] == []


def test_an_open_revision_is_the_newest_one_and_is_printed(tmp_path, capfd):
    with hubbub("ok", tree=HELD) as requests:
        folder = dataset(tmp_path, revision=None)
        assert requests[0][1].partition("?")[0] == "/api/datasets/lab/faces"
        assert all(COMMIT in path for _, path, _ in requests[1:])
        assert f"to pin lab/faces, write into params.yaml: revision: {COMMIT}" in capfd.readouterr().err
        assert dataset(tmp_path) == folder
    assert "write into" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("step", "cause", "remedy"),
    [
        ("gated", "lab/faces is gated", "https://huggingface.co/datasets/lab/faces,"),
        ("token", "rejected the token", "hf auth login"),
        ("revision", f"no revision {COMMIT}", "new place"),
        ("repository", "does not exist or is private", "log in"),
        ("moved", f"at {OTHER} instead of {COMMIT}", "find out why"),
    ],
)
def test_what_the_hub_refuses_has_its_own_words(tmp_path, capfd, step, cause, remedy):
    with hubbub(step, tree=HELD) as requests, pytest.raises(Refused) as error:
        dataset(tmp_path)
    assert cause in error.value.cause and remedy in error.value.remedy
    assert SECRET not in f"{error.value.cause}{error.value.remedy}{capfd.readouterr()}"
    assert bodies(requests) == [] and trees(tmp_path) == []


def test_a_hub_that_is_down_is_a_passing_failure(tmp_path):
    with hubbub("down", tree=HELD), pytest.raises(NetworkError, match="HTTP 500") as error:
        dataset(tmp_path)
    assert not isinstance(error.value, Refused)


def test_a_hub_that_never_lists_its_files_is_left(tmp_path, monkeypatch):
    """For which the client's own `list_repo_tree` has no time limit."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between the client's attempts
    hasty = FileStore(tmp_path / "cache", Mirrors(()), RetryPolicy(connect=60.0, read=0.2))
    with hubbub("mute", tree=HELD), pytest.raises(NetworkError, match="broke off"):
        hub.dataset("lab/faces", COMMIT, hasty, None)
    assert trees(tmp_path) == []


def test_an_answer_that_is_no_list_is_a_passing_failure_too(tmp_path, monkeypatch, capfd):
    def odd(self, *arguments, **more):
        raise ValueError(f"Illegal header {SECRET}")

    with hubbub("ok", tree=HELD), monkeypatch.context() as patch:
        patch.setattr("huggingface_hub.HfApi.dataset_info", odd)
        with pytest.raises(NetworkError, match="cannot be read") as error:
            dataset(tmp_path)
    assert SECRET not in f"{error.value}{error.value.__cause__}"


def test_the_limit_holds_before_the_first_byte(tmp_path):
    size = sum(map(len, HELD.values()))
    with hubbub("ok", tree=HELD) as requests:
        with pytest.raises(TooLarge, match=COMMIT):
            dataset(tmp_path, size - 1)
        assert bodies(requests) == [] and trees(tmp_path) == []
        dataset(tmp_path, size)


@pytest.mark.parametrize("names", [("../evil",), ("a\nb",), ("A", "a"), ("a", "a/b")])
def test_evil_and_colliding_names_are_refused_before_the_first_byte(tmp_path, names):
    """What else is unsafe: test_extract.py."""
    held = {"README.md": b"1"} | dict.fromkeys(names, b"2")
    refusal = pytest.raises(DataError, match=r"unsafe name|twice, or a file inside")
    with hubbub("ok", tree=held) as requests, refusal:
        dataset(tmp_path)
    assert bodies(requests) == [] and trees(tmp_path) == []


def test_an_empty_repository_is_refused(tmp_path):
    with hubbub("ok", tree={}), pytest.raises(DataError, match="lists no files"):
        dataset(tmp_path)


def test_a_cut_download_is_continued_file_by_file(tmp_path, monkeypatch):
    monkeypatch.setattr(cached_trees, "WORKERS", 1)
    held = {f"{i}.bin": np.random.default_rng(i).bytes(200_000) for i in range(4)}
    with hubbub("ok", "ok", "cut", tree=held), pytest.raises(NetworkError, match="gave up"):
        dataset(tmp_path)
    assert [name.endswith(".part") for name in trees(tmp_path)] == [True]  # nobody takes it for the whole
    with hubbub("ok", tree=held) as requests:
        assert tree(dataset(tmp_path)) == held
    assert bodies(requests) == ["2.bin", "3.bin"]
    ranges = [asked_for for method, path, asked_for in requests if method == "GET" and path.endswith("2.bin")]
    assert ranges[0] is not None and 0 < int(ranges[0][6:-1]) < 200_000
    assert len(trees(tmp_path)) == 1


def test_content_that_the_hub_itself_did_not_promise_is_refused(tmp_path, monkeypatch):
    true = hub.contents

    def promised(*arguments):
        commit, files = true(*arguments)
        return commit, [file if file.name != "TFW.zip" else wrong(file) for file in files]

    def wrong(file):
        assert file.sha256 is not None
        return hub.replace(file, sha256="0" * 64)

    with hubbub("ok", tree=HELD), monkeypatch.context() as patch:
        patch.setattr(hub, "contents", promised)
        with pytest.raises(DataError, match="0" * 64):
            dataset(tmp_path)
    assert all(name.endswith(".part") for name in trees(tmp_path))
    with hubbub("ok", tree=HELD):
        assert tree(dataset(tmp_path)) == HELD


# --- as a piece of a data set


def test_archives_inside_are_unpacked_beside_and_what_lands_is_pinned(tmp_path, capsys):
    case = machine(tmp_path)
    with hubbub("ok", tree=HELD) as requests:
        assert case.fetch() == LANDED
        pin = case.pins()["all"]
        assert pin.file is None and pin.source == f"https://huggingface.co/datasets/lab/faces/tree/{COMMIT}"
        assert {f"all/{entry.path}" for entry in pin.listing} == set(LANDED)
        count = len(requests)
        case.lose()
        assert case.fetch() == LANDED and len(requests) == count
        case.lose(cached=True)
        assert case.fetch() == LANDED and case.pins() == {"all": pin}
        assert f"matched sha256 {pin.tree.sha256}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "changed", [{"README.md": b"# eyes!\n"}, {"TFW.zip": zipped(FILES | {"l.txt": b"3.0\n"})}]
)
def test_a_repository_that_changed_upstream_is_refused(tmp_path, changed):
    case = machine(tmp_path)
    with hubbub("ok", tree=HELD):
        case.fetch()
    before, pins = tree(case.out), case.pins()
    shutil.rmtree(case.cache / "trees")
    (case.out / "all/README.md").unlink()
    with hubbub("ok", tree=HELD | changed), pytest.raises(DataError, match="is not what was pinned") as error:
        case.fetch()
    assert "has sha256" in error.value.cause and f"delete all from {case.path}" in error.value.remedy
    assert case.pins() == pins
    assert tree(case.out) == {name: held for name, held in before.items() if name != "all/README.md"}


def test_archives_of_each_kind_and_depth_are_unpacked(tmp_path):
    make_tar(tmp_path / "x.tar", FILES)
    make_tar(tmp_path / "x.tar.gz", FILES, "w:gz")
    plain, squeezed = ((tmp_path / name).read_bytes() for name in ("x.tar", "x.tar.gz"))
    held = {
        "a.ZIP": zipped(FILES),
        "deep/b.tar": plain,
        "deep/c.tar.gz": squeezed,
        "d.v1.tgz": squeezed,
        "e.npz": b"1",
    }
    with hubbub("ok", tree=held):
        got = machine(tmp_path).fetch()
    wanted = {
        name: held for folder in ("a", "deep/b", "deep/c", "d.v1") for name, held in below(folder, FILES).items()
    }
    assert got == below("all", wanted | {"e.npz": b"1"})


@pytest.mark.parametrize(
    ("held", "more"),
    [
        (HELD, {"unpack": False}),
        ({name: zipped(FILES) for name in (".zip", "..zip", "...zip", "a/...tar")}, {}),  # whose names lead out
    ],
    ids=["as asked", "odd names"],
)
def test_archives_can_stay_packed(tmp_path, held, more):
    with hubbub("ok", tree=held):
        assert machine(tmp_path, **more).fetch() == below("all", held)


@pytest.mark.parametrize("more", [{"TFW/x.csv": b"1"}, {"tfw.tar": b"1"}, {"TFW": b"1"}, {"TFW/b.zip": b"1"}])
def test_an_archive_whose_folder_is_taken_is_refused(tmp_path, more):
    case = machine(tmp_path)
    with hubbub("ok", tree=HELD | more), pytest.raises(DataError, match=r"folder tfw(/\S+)? has other files"):
        case.fetch()
    assert not case.out.exists() and not case.path.exists()


def test_a_harmful_archive_inside_lands_nothing(tmp_path):
    case = machine(tmp_path)
    with (
        hubbub("ok", tree=PLAIN | {"x.zip": zipped({"../../evil": b"1"})}),
        pytest.raises(DataError, match="unsafe"),
    ):
        case.fetch()
    assert not case.out.exists() and not case.path.exists() and not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize("where", ["all", ""])
def test_a_repository_that_somebody_downloaded_can_be_placed(tmp_path, monkeypatch, where):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    case = machine(tmp_path)
    write(case.placed / where, HELD | {".cache/huggingface/download/TFW.zip.metadata": b"of the client"})
    assert case.fetch() == LANDED
    with hubbub("ok", tree=HELD):  # and is the same as what is downloaded
        shutil.rmtree(case.placed)
        case.lose(cached=True)
        assert case.fetch() == LANDED


def test_one_that_consists_of_archives_alone_can_be_placed_and_the_error_says_where(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    case = machine(tmp_path)
    with pytest.raises(NetworkError) as error:
        case.fetch()
    assert str(case.placed / "all") in error.value.remedy and "/tree/" in error.value.cause
    write(case.placed, {"TFW.zip": HELD["TFW.zip"]})
    assert case.fetch() == below("all/TFW", FILES)


def test_a_hub_s_piece_is_a_repository_unless_it_names_a_file():
    raw = {"hub": "issai/TFW", "licence": "tfw"}
    pieces = {
        "tfw": fetch_config.Piece(**raw),
        "one": fetch_config.Piece(**raw, file="a.zip"),
        "kept": fetch_config.Piece(**raw, unpack=False),
    }
    by_key = {
        piece.key: piece for piece in fetch_config.resolve_pieces(fetch_config.Config(max_mb=1.0, pieces=pieces))
    }
    assert {key: (piece.kind, piece.stable, piece.inner) for key, piece in by_key.items()} == {
        "tfw": ("hub_tree", False, True),
        "one": ("hub", True, False),
        "kept": ("hub_tree", False, False),
    }
    assert by_key["tfw"].source == "https://huggingface.co/datasets/issai/TFW/tree/main"
