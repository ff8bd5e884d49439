import base64
import hashlib
import io
import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

import kill_process
from thermark.core.errors import ConfigError, DataError, NetworkError
from thermark.download import cache, kaggle
from thermark.download.download import Patience
from thermark.download.mirrors import Mirrors
from thermark.download.request import TooLarge
from thermark.download.resolve import Store

HANDLE, VERSION = "shriayush/thermeval", 3
SECRET = "KGAT_secretsecretsecret"
QUICK = Patience(connect=60.0, read=60.0, pause=0.001, attempts=3)
PAGE = f"https://www.kaggle.com/datasets/{HANDLE}"
RNG = np.random.default_rng(0)
FILES = {"thermeval/a.tiff": RNG.bytes(400_000), "thermeval/inner/b.json": b"{}", "read me.txt": b""}


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


ARCHIVE = zipped(FILES)


@dataclass
class Kaggle:
    """What to serve; `refuse` is (status, code in the body); `steps` one for each GET of the archive."""

    archive: bytes = ARCHIVE
    refuse: tuple[int, int] | None = None
    steps: tuple[str, ...] = ("ok",)
    md5: str | None = "right"
    redirects: bool = True
    hangs: bool = False
    asked: list[dict[str, object]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    tokens: list[tuple[str, str | None]] = field(default_factory=list)
    ranges: list[str | None] = field(default_factory=list)
    looking: bool = False
    port: int = 0


@contextmanager
def kaggling(script: Kaggle) -> Iterator[Kaggle]:
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: object) -> None:
            pass

        def note(self) -> None:
            host = self.headers["Host"].split(":")[0]
            script.tokens.append((host, self.headers.get("Authorization")))

        def do_POST(self) -> None:
            self.note()
            script.paths.append(self.path)
            script.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            if script.hangs:
                over.wait(600)
                return self.answer(503, b"", {})
            if script.refuse:
                status, code = script.refuse
                body = json.dumps({"code": code, "message": f"no, {self.headers.get('Authorization')}"}).encode()
                return self.answer(status, body, {"Content-Type": "application/json"})
            if not script.redirects:
                return self.answer(200, script.archive, {"Content-Type": "application/zip"})
            script.looking = True
            there = f"http://localhost:{script.port}/storage/archive.zip?X-Goog-Signature=s{len(script.asked)}"
            self.answer(302, b"", {"Location": there})

        def do_GET(self) -> None:
            self.note()
            asked, start, step = self.headers.get("Range"), 0, "ok"
            if script.looking:  # Kaggle's client, which follows the redirect and reads no further than the headers
                script.looking = False
            else:
                step = script.steps[min(len(script.ranges), len(script.steps) - 1)]
                script.ranges.append(asked)
            headers = {"ETag": '"v1"', "Accept-Ranges": "bytes", "Content-Type": "application/zip"}
            if script.md5:
                found = base64.b64encode(hashlib.md5(script.archive).digest()).decode()
                headers["x-goog-hash"] = f"crc32c=AAAAAA==, md5={found if script.md5 == 'right' else script.md5}"
            if asked and step != "no range":
                start = int(asked[6:-1])
                headers["Content-Range"] = f"bytes {start}-{len(script.archive) - 1}/{len(script.archive)}"
            if step == "expired":
                return self.answer(403, b"", {})
            headers["Content-Length"] = str(len(script.archive) - start)
            self.begin(206 if start else 200, headers)
            end = (start + len(script.archive)) // 2 if step in ("cut", "held") else len(script.archive)
            self.wfile.write(script.archive[start:end])
            self.wfile.flush()
            if step == "held":
                over.wait(600)

        def answer(self, code: int, body: bytes, headers: dict[str, str]) -> None:
            self.begin(code, headers | {"Content-Length": str(len(body))})
            self.wfile.write(body)

        def begin(self, code: int, headers: dict[str, str]) -> None:
            self.close_connection = True
            self.send_response(code)
            for name, value in {**headers, "Connection": "close"}.items():
                self.send_header(name, value)
            self.end_headers()

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *arguments: object) -> None:
            pass  # a client that hangs up is part of the script

    server = Server(("127.0.0.1", 0), Handler)
    script.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            lead(script.port, patch)
            yield script
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def lead(port: int, patch: pytest.MonkeyPatch) -> None:
    """Lead Kaggle's client to this machine: its variable KAGGLE_API_ENVIRONMENT knows one fixed port only."""
    from kagglesdk import kaggle_env

    patch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.PROD, f"http://127.0.0.1:{port}")


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
    assert {path.name for path in folder.rglob("*")} <= {".kaggle", "kaggle.json", "access_token", "other"}


@pytest.fixture
def token(monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", SECRET)


def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache", Mirrors(()), QUICK)


def fetch(tmp_path: Path, limit: int | None = None) -> Path:
    return kaggle.dataset(HANDLE, VERSION, store(tmp_path), limit)


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def leftovers(tmp_path: Path) -> list[str]:
    return sorted(path.suffix for path in (tmp_path / "cache" / "parts").glob("*"))


def nothing_there(tmp_path: Path) -> bool:
    return list((tmp_path / "cache").glob("trees/*")) == []


@pytest.mark.parametrize("md5", ["right", None])
def test_an_archive_arrives_unpacked_and_only_once(tmp_path, md5, capfd):
    with kaggling(Kaggle(md5=md5)) as script:
        found = fetch(tmp_path)
        assert fetch(tmp_path) == found
    assert content(found) == FILES and found.parent == tmp_path / "cache" / "trees"
    assert len(script.asked) == 1 and leftovers(tmp_path) == []
    assert {path.name for path in (tmp_path / "cache").iterdir()} == {"parts", "trees", "locks"}
    assert capfd.readouterr() == ("", "")


def test_the_version_is_part_of_the_request_and_of_what_is_kept(tmp_path):
    with kaggling(Kaggle()) as script:
        first = fetch(tmp_path)
    with kaggling(Kaggle(zipped({"a": b"newer"}))):
        newer = kaggle.dataset(HANDLE, VERSION + 1, store(tmp_path), None)
    (asked,) = script.asked
    owner, slug = HANDLE.split("/")
    assert asked == {"ownerSlug": owner, "datasetSlug": slug, "datasetVersionNumber": VERSION}
    assert script.paths == ["/v1/datasets.DatasetApiService/DownloadDataset"]
    assert content(newer) == {"a": b"newer"} and content(first) == FILES


def credentials(kind: str, home: Path, monkeypatch) -> str:
    """Give the user credentials of a kind, and return the header that says so."""
    key = json.dumps({"username": "me", "key": SECRET})
    (home / ".kaggle").mkdir()
    if kind == "KAGGLE_API_TOKEN":
        monkeypatch.setenv("KAGGLE_API_TOKEN", SECRET)
    elif kind == "file of KAGGLE_API_TOKEN":
        (home / ".kaggle" / "other").write_text(SECRET + "\n")
        monkeypatch.setenv("KAGGLE_API_TOKEN", str(home / ".kaggle" / "other"))
    elif kind == "access_token":
        (home / ".kaggle" / "access_token").write_text(SECRET + "\n")
    elif kind == "KAGGLE_USERNAME":
        monkeypatch.setenv("KAGGLE_USERNAME", "me")
        monkeypatch.setenv("KAGGLE_KEY", SECRET)
    elif kind == "kaggle.json":
        (home / ".kaggle" / "kaggle.json").write_text(key)
    else:
        (home / ".kaggle" / "other").mkdir()
        (home / ".kaggle" / "other" / "kaggle.json").write_text(key)
        monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(home / ".kaggle" / "other"))
    basic = base64.b64encode(f"me:{SECRET}".encode()).decode()
    return (
        f"Basic {basic}" if kind in ("KAGGLE_USERNAME", "kaggle.json", "KAGGLE_CONFIG_DIR") else f"Bearer {SECRET}"
    )


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


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize(
    ("code", "known", "cause", "remedy"),
    [
        (401, False, "there are no credentials", "KAGGLE_API_TOKEN"),
        (403, False, "there are no credentials", PAGE),
        (401, True, "rejected the credentials", "KAGGLE_API_TOKEN"),
        (403, True, "to your account", f"{PAGE}, log in and accept its licence"),
        (404, True, f"no version {VERSION} of {HANDLE}", PAGE),
        (404, False, f"no version {VERSION} of {HANDLE}", PAGE),
        (500, True, "HTTP 500", "later"),
        (429, True, "HTTP 429", "later"),
    ],
)
def test_every_refusal_has_its_own_words_and_never_the_token(
    tmp_path, monkeypatch, capfd, code, known, cause, remedy, inside
):
    if known:
        monkeypatch.setenv("KAGGLE_API_TOKEN", SECRET)
    with kaggling(Kaggle(refuse=(200 if inside else code, code))), pytest.raises(NetworkError) as error:
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
    chain = [error.value, error.value.__cause__]
    assert error.value.__suppress_context__ and SECRET not in str(chain)


def test_a_connection_that_is_cut_is_continued(tmp_path):
    with kaggling(Kaggle(steps=("cut", "ok"))) as script:
        assert content(fetch(tmp_path)) == FILES
    first, second = script.ranges
    assert first is None and len(ARCHIVE) // 2 - (1 << 16) <= int(second[6:-1]) <= len(ARCHIVE) // 2


@pytest.mark.parametrize("md5", ["right", None])
@pytest.mark.parametrize("then", ["ok", "no range"])
def test_a_signature_that_expires_half_way_is_renewed_by_the_next_run(tmp_path, then, md5):
    with kaggling(Kaggle(steps=("cut", "expired"))), pytest.raises(NetworkError, match="refused access"):
        fetch(tmp_path)
    assert nothing_there(tmp_path)
    with kaggling(Kaggle(steps=(then,), md5=md5)) as script:
        assert content(fetch(tmp_path)) == FILES
    assert script.ranges[-1] is not None and leftovers(tmp_path) == []


KILLED = """
import sys
from pathlib import Path
from kagglesdk import kaggle_env
from thermark.download.mirrors import Mirrors
from thermark.download.resolve import Store
from thermark.download import kaggle
kaggle_env._env_to_endpoint[kaggle_env.KaggleEnv.PROD] = sys.argv[1]
kaggle.dataset(sys.argv[3], int(sys.argv[4]), Store(Path(sys.argv[2]), Mirrors(())), None)
"""


@pytest.mark.slow
def test_a_killed_process_is_continued(tmp_path):
    archive = zipped({"a": np.random.default_rng(1).bytes(4_000_000)})
    part = cache.part_path(tmp_path / "cache", kaggle.address(HANDLE, VERSION), f"thermeval-{VERSION}.zip")
    with kaggling(Kaggle(archive, steps=("held",))) as script:
        arguments = [f"http://127.0.0.1:{script.port}", str(tmp_path / "cache"), HANDLE, str(VERSION)]
        process = subprocess.Popen([sys.executable, "-c", KILLED, *arguments])
        kill_process.kill_when(lambda: part.exists() and part.stat().st_size > 500_000, process)
    assert nothing_there(tmp_path) and 500_000 < part.stat().st_size < len(archive)
    with kaggling(Kaggle(archive)) as script:
        assert len(content(fetch(tmp_path))["a"]) == 4_000_000
    assert script.ranges[-1] is not None


def test_another_md5_than_promised_is_set_aside_and_the_next_run_starts_anew(tmp_path):
    other = base64.b64encode(bytes(16)).decode()
    with kaggling(Kaggle(md5=other)), pytest.raises(DataError, match=other):
        fetch(tmp_path)
    assert nothing_there(tmp_path) and leftovers(tmp_path) == [".bad"]
    with kaggling(Kaggle()):
        assert content(fetch(tmp_path)) == FILES


def test_a_finished_archive_is_not_fetched_again_when_only_the_unpacking_failed(tmp_path, monkeypatch):
    def full(*arguments: object) -> None:
        raise DataError("no room", "make some")

    with kaggling(Kaggle()) as script:
        with monkeypatch.context() as patched, pytest.raises(DataError, match="no room"):
            patched.setattr(kaggle, "extract", full)
            fetch(tmp_path)
        assert content(fetch(tmp_path)) == FILES
    assert len(script.ranges) == 1


def damaged(kind: str) -> bytes:
    if kind == "page":
        return b"\n<!DOCTYPE html><p>log in"
    if kind == "bits":
        return ARCHIVE[:1000] + bytes([ARCHIVE[1000] ^ 1]) + ARCHIVE[1001:]
    if kind == "half":
        return ARCHIVE[: len(ARCHIVE) // 2]
    return zipped({"../../evil": b"x"} if kind == "evil" else {"a": b"1", "A": b"2"})


@pytest.mark.parametrize("kind", ["page", "bits", "half", "evil", "case"])
def test_a_damaged_or_unsafe_archive_is_no_data_set_and_does_not_stay(tmp_path, kind):
    with kaggling(Kaggle(damaged(kind), md5=None)), pytest.raises(DataError):
        fetch(tmp_path)
    assert nothing_there(tmp_path) and not list(tmp_path.rglob("evil"))
    with kaggling(Kaggle()):
        assert content(fetch(tmp_path)) == FILES


def test_a_too_large_archive_is_refused_before_the_first_byte(tmp_path):
    with kaggling(Kaggle()):
        with pytest.raises(TooLarge):
            fetch(tmp_path, len(ARCHIVE) - 1)
        assert leftovers(tmp_path) == [] and nothing_there(tmp_path)
        assert content(fetch(tmp_path, len(ARCHIVE))) == FILES


@pytest.mark.parametrize("handle", ["", "thermeval", "a/b/c", "a/b/versions/1", "../x", "a/..", "a b/c"])
def test_what_is_no_handle_is_not_asked_for(tmp_path, handle):
    with pytest.raises(ConfigError):
        kaggle.dataset(handle, 1, store(tmp_path), None)
    with pytest.raises(ConfigError):
        kaggle.dataset(HANDLE, 0, store(tmp_path), None)


def test_without_a_network_it_ends_at_once(tmp_path, monkeypatch, token, waits):
    lead(9, monkeypatch)
    with pytest.raises(NetworkError, match="cannot be reached") as error:
        kaggle.dataset(HANDLE, VERSION, Store(tmp_path / "cache", Mirrors(())), None)
    assert sum(waits) < 5 and SECRET not in str(error.value)


def test_a_server_that_never_answers_is_left(tmp_path):
    hasty = Store(tmp_path / "cache", Mirrors(()), Patience(connect=0.2, read=0.2))
    with kaggling(Kaggle(hangs=True)), pytest.raises(NetworkError, match="did not answer"):
        kaggle.dataset(HANDLE, VERSION, hasty, None)


def test_an_archive_without_an_address_of_its_own_is_refused(tmp_path):
    with kaggling(Kaggle(redirects=False)), pytest.raises(NetworkError, match="does not say where"):
        fetch(tmp_path)


def test_other_commands_do_not_pay_for_the_clients():
    modules = "thermark.download.kaggle, thermark.download.drive, thermark.download.hub"
    clients = "{'gdown', 'kagglehub', 'kagglesdk', 'huggingface_hub'}"
    code = f"import sys, {modules}; print(sorted({clients} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
