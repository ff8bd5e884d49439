import base64
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from scripted_server import CUT, NO_RANGE, OK, Answers, listening

from fetch_machine import store, tree, zipped
from thermark.core.errors import ConfigError, DataError, NetworkError
from thermark.download import kaggle
from thermark.download.download import RetryPolicy
from thermark.download.mirrors import Mirrors
from thermark.download.request import NoSpace
from thermark.download.resolve import FileStore

HANDLE, VERSION = "shriayush/thermeval", 3
SECRET = "KGAT_secretsecretsecret"
PAGE = f"https://www.kaggle.com/datasets/{HANDLE}"
RNG = np.random.default_rng(0)
FILES = {"thermeval/a.tiff": RNG.bytes(400_000), "thermeval/inner/b.json": b"{}", "read me.txt": b""}


ARCHIVE = zipped(FILES)


@dataclass
class Kaggle:
    """What to serve; `refuse` is (status, code in the body); `steps` one for each GET of the archive."""

    archive: bytes = ARCHIVE
    refuse: tuple[int, int] | None = None
    steps: tuple[int, ...] = (OK,)
    hangs: bool = False
    asked: list[str] = field(default_factory=list)
    tokens: list[tuple[str, str | None]] = field(default_factory=list)
    ranges: list[str | None] = field(default_factory=list)
    api: str = ""


@contextmanager
def kaggling(script: Kaggle) -> Iterator[Kaggle]:
    class Handler(Answers):
        def do_GET(self) -> None:
            host = self.headers["Host"].split(":")[0]
            script.tokens.append((host, self.headers.get("Authorization")))
            if host == "localhost":
                return self.storage()
            script.asked.append(self.path)
            if script.hangs:
                self.over.wait(600)
            if script.refuse:
                status, code = script.refuse
                body = json.dumps({"code": code, "message": f"no, {self.headers.get('Authorization')}"}).encode()
                return self.answer(status, body, {"Content-Type": "application/json"})
            there = f"http://localhost:{port}/storage/archive.zip?X-Goog-Signature=s{len(script.asked)}"
            self.answer(302, b"", {"Location": there})

        def storage(self) -> None:
            step = script.steps[min(len(script.ranges), len(script.steps) - 1)]
            script.ranges.append(self.headers.get("Range"))
            if step >= 400:
                return self.answer(step)
            self.send(script.archive, step, {"ETag": '"v1"', "Content-Type": "application/zip"})

    with listening(Handler) as port, pytest.MonkeyPatch.context() as patch:
        script.api = f"http://127.0.0.1:{port}/api/v1"
        patch.setattr(kaggle, "API", script.api)
        yield script


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A user without credentials, whose home folder nobody writes to."""
    for name in [name for name in os.environ if name.startswith("KAGGLE")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setattr("kagglehub.config.DEFAULT_KAGGLE_CREDENTIALS_FOLDER", str(folder / ".kaggle"))
    yield folder
    assert {path.name for path in folder.rglob("*")} <= {
        ".kaggle",
        "kaggle.json",
        "access_token",
        "other",
        "token",
    }


@pytest.fixture
def token(monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", SECRET)


def fetch(tmp_path: Path, limit: int | None = None) -> Path:
    return kaggle.dataset(HANDLE, VERSION, store(tmp_path), limit)


def leftovers(tmp_path: Path) -> list[str]:
    return sorted(path.suffix for path in (tmp_path / "cache" / "parts").glob("*"))


def nothing_there(tmp_path: Path) -> bool:
    return list((tmp_path / "cache").glob("trees/*")) == []


def test_an_archive_arrives_unpacked_and_only_once(tmp_path, capfd):
    with kaggling(Kaggle()) as script:
        folder = fetch(tmp_path)
        assert fetch(tmp_path) == folder
    assert tree(folder) == FILES and folder.parent == tmp_path / "cache" / "trees"
    assert len(script.asked) == 1 and leftovers(tmp_path) == []
    assert {path.name for path in (tmp_path / "cache").iterdir()} == {"parts", "trees", "locks"}
    assert capfd.readouterr() == ("", "")


def test_the_version_is_part_of_the_request_and_of_what_is_kept(tmp_path):
    with kaggling(Kaggle()) as script:
        first = fetch(tmp_path)
    with kaggling(Kaggle(zipped({"a": b"newer"}))):
        newer = kaggle.dataset(HANDLE, VERSION + 1, store(tmp_path), None)
    assert script.asked == [f"/api/v1/datasets/download/{HANDLE}?datasetVersionNumber={VERSION}"]
    assert tree(newer) == {"a": b"newer"} and tree(first) == FILES


def credentials(kind: str, home: Path, monkeypatch) -> str:
    """Give the user credentials of a kind, and return the header that says so."""
    folder, key = home / ".kaggle", json.dumps({"username": "me", "key": SECRET})
    (folder / "other").mkdir(parents=True)
    contents = {
        "file of KAGGLE_API_TOKEN": ("other/token", SECRET + "\n"),
        "access_token": ("access_token", SECRET + "\n"),
        "kaggle.json": ("kaggle.json", key),
        "KAGGLE_CONFIG_DIR": ("other/kaggle.json", key),
    }
    variables = {
        "KAGGLE_API_TOKEN": {"KAGGLE_API_TOKEN": SECRET},
        "file of KAGGLE_API_TOKEN": {"KAGGLE_API_TOKEN": str(folder / "other/token")},
        "KAGGLE_USERNAME": {"KAGGLE_USERNAME": "me", "KAGGLE_KEY": SECRET},
        "KAGGLE_CONFIG_DIR": {"KAGGLE_CONFIG_DIR": str(folder / "other")},
    }
    if kind in contents:
        (folder / contents[kind][0]).write_text(contents[kind][1])
    for name, value in variables.get(kind, {}).items():
        monkeypatch.setenv(name, value)
    basic = base64.b64encode(f"me:{SECRET}".encode()).decode()
    named = kind in ("KAGGLE_USERNAME", "kaggle.json", "KAGGLE_CONFIG_DIR")
    return f"Basic {basic}" if named else f"Bearer {SECRET}"


@pytest.mark.parametrize(
    "kind",
    [
        "KAGGLE_API_TOKEN",
        "file of KAGGLE_API_TOKEN",
        "access_token",
        "KAGGLE_USERNAME",
        "kaggle.json",
        "KAGGLE_CONFIG_DIR",
    ],
)
def test_all_credentials_that_the_advice_names_are_sent_to_kaggle_and_to_nobody_else(
    tmp_path, home, monkeypatch, kind
):
    header = credentials(kind, home, monkeypatch)
    with kaggling(Kaggle()) as script:
        fetch(tmp_path)
    assert set(script.tokens) == {("127.0.0.1", header), ("localhost", None)}
    assert kind.split(" ")[-1] in kaggle.LOG_IN


@pytest.mark.parametrize(
    ("status", "code", "known", "cause", "remedy"),
    [
        (401, 401, False, "there are no credentials", "KAGGLE_API_TOKEN"),
        (403, 403, False, "there are no credentials", PAGE),
        (401, 401, True, "rejected the credentials", "KAGGLE_API_TOKEN"),
        (403, 403, True, "to your account", f"{PAGE}, log in and accept its licence"),
        (404, 404, True, f"no version {VERSION} of {HANDLE}", PAGE),
        (404, 404, False, f"no version {VERSION} of {HANDLE}", PAGE),
        (500, 500, True, "HTTP 500", "later"),
        (200, 403, True, "to your account", f"{PAGE}, log in and accept its licence"),
        (200, 429, True, "HTTP 429", "later"),
    ],
)
def test_every_refusal_has_its_own_words_and_never_the_token(
    tmp_path, monkeypatch, capfd, status, code, known, cause, remedy
):
    if known:
        monkeypatch.setenv("KAGGLE_API_TOKEN", SECRET)
    with kaggling(Kaggle(refuse=(status, code))), pytest.raises(NetworkError) as error:
        fetch(tmp_path)
    assert cause in error.value.cause and remedy in error.value.remedy
    assert "\n" not in error.value.cause + error.value.remedy
    assert SECRET not in f"{error.value.cause}{error.value.remedy}{capfd.readouterr()}"
    assert nothing_there(tmp_path) and leftovers(tmp_path) == []


@pytest.mark.parametrize("text", ["{", "[]", "1", '{"username": "me"}'])
def test_credentials_that_cannot_be_read_are_named(tmp_path, home, text):
    (home / ".kaggle").mkdir()
    (home / ".kaggle" / "kaggle.json").write_text(text)
    with kaggling(Kaggle()) as script, pytest.raises(NetworkError, match=r"kaggle.json does not hold"):
        fetch(tmp_path)
    assert script.asked == []


@pytest.mark.parametrize("bad", [SECRET + "\nx", SECRET + "…", SECRET * 100])
def test_a_token_that_no_header_can_hold_is_an_error_that_does_not_show_it(tmp_path, monkeypatch, bad):
    monkeypatch.setenv("KAGGLE_API_TOKEN", bad)
    with kaggling(Kaggle()) as script, pytest.raises(NetworkError, match="credentials cannot be") as error:
        fetch(tmp_path)
    assert script.asked == []
    assert SECRET not in str(error.value)
    assert error.value.__context__ is None or error.value.__suppress_context__


@pytest.mark.parametrize("then", [OK, NO_RANGE])
def test_what_the_storage_refuses_half_way_is_continued_by_the_next_run(tmp_path, then):
    with kaggling(Kaggle(steps=(CUT, 403))), pytest.raises(NetworkError, match="refused access"):
        fetch(tmp_path)
    assert nothing_there(tmp_path)
    with kaggling(Kaggle(steps=(then,))) as script:
        assert tree(fetch(tmp_path)) == FILES
    assert script.ranges[-1] is not None and leftovers(tmp_path) == []


def test_a_finished_archive_is_not_fetched_again_when_only_the_disk_was_full(tmp_path, monkeypatch):
    def full(*arguments: object) -> None:
        raise NoSpace("no room", "make some")

    with kaggling(Kaggle()) as script:
        with monkeypatch.context() as patched, pytest.raises(DataError, match="no room"):
            patched.setattr(kaggle, "extract", full)
            fetch(tmp_path)
        assert tree(fetch(tmp_path)) == FILES
    assert len(script.ranges) == 1 and leftovers(tmp_path) == []


@pytest.mark.parametrize(
    "content",
    [ARCHIVE[:1000] + bytes([ARCHIVE[1000] ^ 1]) + ARCHIVE[1001:], zipped({"../../evil": b"x"})],
    ids=["bits", "evil"],
)
def test_a_damaged_or_unsafe_archive_is_no_data_set_and_does_not_stay(tmp_path, content):
    with kaggling(Kaggle(content)), pytest.raises(DataError):
        fetch(tmp_path)
    assert nothing_there(tmp_path) and not list(tmp_path.rglob("evil"))
    with kaggling(Kaggle()):
        assert tree(fetch(tmp_path)) == FILES


@pytest.mark.parametrize("handle", ["", "thermeval", "a/b/c", "a/b/versions/1", "../x", "a/..", "a b/c"])
def test_what_is_no_handle_is_not_asked_for(tmp_path, handle):
    with pytest.raises(ConfigError):
        kaggle.dataset(handle, 1, store(tmp_path), None)
    with pytest.raises(ConfigError):
        kaggle.dataset(HANDLE, 0, store(tmp_path), None)


def test_a_server_that_never_answers_is_left(tmp_path):
    hasty = FileStore(tmp_path / "cache", Mirrors(()), RetryPolicy(connect=1.0, read=0.2, attempts=1))
    with kaggling(Kaggle(hangs=True)), pytest.raises(NetworkError, match="gave up"):
        kaggle.dataset(HANDLE, VERSION, hasty, None)
