import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import pytest
from scripted_server import Answers, digest, listening

from thermark.core.errors import DataError, NetworkError
from thermark.download import cache, hub
from thermark.download.download import RetryPolicy
from thermark.download.hub import Refused, fetch
from thermark.download.mirrors import Mirrors
from thermark.download.request import Remote, TooLarge
from thermark.download.resolve import Store
from thermark.download.weights import Hub

CONTENT = np.random.default_rng(0).bytes(300_000)
HALF = len(CONTENT) // 2
COMMIT, OTHER = "a" * 40, "b" * 40
FILE = Hub(repo="lab/model", revision=COMMIT, file="deep/model.safetensors")
DATASET = Hub(repo="lab/faces", revision=COMMIT, file="train.zip", type="dataset")
SECRET = "hf_secretsecretsecret"
tokens: list[tuple[str, str | None]] = []  # (host, Authorization) of each request
# What the real Hub answers: status, error code, message.
NO = {
    "gated": (403, "GatedRepo", "Access to model lab/model is restricted"),
    "token": (401, "", "Invalid credentials in Authorization header"),
    "revision": (404, "RevisionNotFound", "Invalid rev id"),
    "file": (404, "EntryNotFound", "Entry not found"),
    "repository": (404, "RepoNotFound", "Repository not found"),
    "down": (500, "", "oh"),
}


@pytest.fixture(autouse=True)
def _online(monkeypatch):
    """Whoever imports transformers in this process, as no stage that fetches does, has taken the Hub off line."""
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)


@contextmanager
def hubbub(
    *steps: str,
    content: bytes = CONTENT,
    etag: str = "v1",
    tree: dict[str, bytes] | None = None,
    large: int = 1000,
) -> Iterator[list[tuple[str, str, str | None]]]:
    """A hub that holds one file under every name; a step a GET of it, the last repeats; yields what was asked.

    With a `tree` it holds a data set of these files instead, and states the sha256 of those of 1000 bytes on.
    """
    asked: list[tuple[str, str, str | None]] = []
    tokens.clear()

    class Handler(Answers):
        def do_HEAD(self) -> None:
            self.play(steps[0], body=False)

        def do_GET(self) -> None:
            gets = sum(method == "GET" and "/resolve/" in path for method, path, _ in asked)
            self.play(steps[min(gets, len(steps) - 1)], body=True)

        def play(self, step: str, body: bool) -> None:
            asked.append((self.command, self.path, self.headers.get("Range")))
            tokens.append((self.headers["Host"].split(":")[0], self.headers.get("Authorization")))
            if tree is not None and self.path.startswith("/api/datasets/") and step not in NO.keys() - {"gated"}:
                return self.info(OTHER if step == "moved" else COMMIT)
            held = content if tree is None else tree.get(unquote(self.path.partition(f"/resolve/{COMMIT}/")[2]))
            if step in NO or "/resolve/" not in self.path or held is None:
                status, code, message = NO.get(step, NO["file"])
                headers = {"X-Error-Code": code, "X-Error-Message": message, "Content-Length": "0"}
                return self.begin(status, {name: value for name, value in headers.items() if value})
            start = int((self.headers.get("Range") or "bytes=0-")[6:].split("-")[0])
            commit = OTHER if step == "moved" else COMMIT
            if step == "elsewhere" and body and not self.headers["Host"].startswith("localhost"):
                there = f"http://localhost:{self.server.server_address[1]}{self.path}"
                return self.begin(302, {"Location": there, "Content-Length": "0"})
            headers = {"ETag": f'"{etag}"', "X-Repo-Commit": commit, "Content-Length": str(len(held) - start)}
            headers["Content-Range"] = f"bytes {start}-{len(held) - 1}/{len(held)}"
            self.begin(206 if start else 200, headers)
            if body:
                self.wfile.write(held[start : len(held) // 2 if step == "cut" else None])

        def info(self, commit: str) -> None:
            """Describe the repository, or list it in pages of two; the list of the description is always cut."""
            assert tree is not None
            parts = urlsplit(self.path)
            answer: object = {"id": "lab/faces", "sha": commit, "siblings": [{"rfilename": "README.md"}]}
            headers = {"Content-Type": "application/json"}
            if "/tree/" in parts.path:
                assert (
                    parts.path == f"/api/datasets/lab/faces/tree/{COMMIT}"
                    and "recursive=true" in parts.query.lower()
                )
                first = int(parse_qs(parts.query).get("cursor", ["0"])[0])
                files: list[dict[str, object]] = [
                    {"type": "directory", "path": "deep", "size": 0, "oid": "0" * 40}
                ]
                for name, held in tree.items():
                    files.append({"type": "file", "path": name, "size": len(held), "oid": "0" * 40})
                    lfs = {"oid": digest(held), "size": len(held), "pointerSize": 130}
                    files[-1] |= {"lfs": lfs} if len(held) >= 1000 else {}
                answer = files[first : first + 2]
                if files[first + 2 :]:
                    there = f"http://{self.headers['Host']}{parts.path}?recursive=True&cursor={first + 2}"
                    headers["Link"] = f'<{there}>; rel="next"'
            self.answer(200, json.dumps(answer).encode(), headers)

    with listening(Handler) as port, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
        yield asked


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", SECRET)


def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache", Mirrors(()), RetryPolicy(connect=2.0, read=2.0, pause=0.001, attempts=3))


def wanted(content: bytes = CONTENT, limit: int | None = None) -> Remote:
    return Remote(hub.address(FILE), "model.safetensors", len(content), digest(content), limit)


def objects(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "cache").rglob("objects/*/*"))


def parts(tmp_path: Path) -> list[Path]:
    """What an earlier run left of a file; the client's notes are smaller."""
    found = [path for path in (tmp_path / "cache").rglob("*") if "objects" not in path.parts]
    return [path for path in found if path.is_file() and path.stat().st_size > 1000]


def test_a_file_at_its_revision_lands_in_the_cache_and_nothing_else_stays(tmp_path):
    with hubbub("ok") as asked:
        path, sha256 = fetch(FILE, wanted(), store(tmp_path))
    assert path.read_bytes() == CONTENT and sha256 == digest(CONTENT)
    assert objects(tmp_path) == [digest(CONTENT)] and parts(tmp_path) == []
    assert {path for _, path, _ in asked} == {f"/lab/model/resolve/{COMMIT}/deep/model.safetensors"}


def test_the_token_goes_to_the_hub_and_not_to_the_host_that_it_points_to(tmp_path):
    with hubbub("elsewhere"):
        assert fetch(FILE, wanted(), store(tmp_path))[0].read_bytes() == CONTENT
    assert set(tokens) == {("127.0.0.1", f"Bearer {SECRET}"), ("localhost", None)}


def test_a_connection_that_is_cut_is_continued(tmp_path):
    with hubbub("cut", "ok") as asked:
        path, _ = fetch(FILE, wanted(), store(tmp_path))
    assert path.read_bytes() == CONTENT
    ranges = [asked_for for method, _, asked_for in asked if method == "GET"]
    assert ranges[0] is None and 0 < int(ranges[1][6:-1]) <= HALF


def test_a_connection_that_stays_cut_is_an_error_and_the_next_run_begins_where_it_ended(tmp_path):
    with hubbub("cut"), pytest.raises(NetworkError, match="gave up"):
        fetch(FILE, wanted(), store(tmp_path))
    assert objects(tmp_path) == []
    with hubbub("ok") as asked:
        path, _ = fetch(FILE, wanted(), store(tmp_path))
    assert path.read_bytes() == CONTENT
    (asked_for,) = [asked_for for method, _, asked_for in asked if method == "GET"]
    assert 0 < int(asked_for[6:-1]) <= HALF


@pytest.mark.parametrize(
    ("step", "cause", "remedy"),
    [
        ("gated", "lab/model is gated", "https://huggingface.co/lab/model"),
        ("token", "rejected the token", "hf auth login"),
        ("revision", f"no revision {COMMIT}", "new place"),
        ("file", "no deep/model.safetensors", "new place"),
        ("repository", "does not exist or is private", "log in"),
        ("moved", f"at {OTHER} instead of {COMMIT}", "find out why"),
    ],
)
def test_what_the_hub_refuses_has_its_own_words_and_no_other_revision_is_tried(
    tmp_path, capfd, step, cause, remedy
):
    with hubbub(step) as asked, pytest.raises(Refused) as error:
        fetch(FILE, wanted(), store(tmp_path))
    assert cause in error.value.cause and remedy in error.value.remedy
    assert all(COMMIT in path for _, path, _ in asked)
    assert SECRET not in f"{error.value.cause}{error.value.remedy}{capfd.readouterr()}"
    assert objects(tmp_path) == [] and parts(tmp_path) == []


def test_a_hub_that_is_down_is_a_passing_failure(tmp_path):
    with hubbub("down"), pytest.raises(NetworkError) as error:
        fetch(FILE, wanted(), store(tmp_path))
    assert not isinstance(error.value, Refused)


def test_right_size_and_wrong_bytes_are_set_aside_with_both_hashes(tmp_path):
    flipped = bytes([CONTENT[0] ^ 1]) + CONTENT[1:]
    with hubbub("ok", content=flipped), pytest.raises(DataError) as error:
        fetch(FILE, wanted(), store(tmp_path))
    assert digest(CONTENT) in error.value.cause and digest(flipped) in error.value.cause
    assert objects(tmp_path) == [] and [path.suffix for path in parts(tmp_path) if path.stat().st_size > 1000] == [
        ".bad"
    ]
    with hubbub("ok"):  # and the next run is not misled by it
        assert fetch(FILE, wanted(), store(tmp_path))[0].read_bytes() == CONTENT


def test_another_size_and_a_too_large_file_are_refused_before_the_first_byte(tmp_path):
    with hubbub("ok"):
        with pytest.raises(DataError, match="offers 300000 bytes"):
            fetch(FILE, wanted(CONTENT[:-1]), store(tmp_path))
        with pytest.raises(TooLarge):
            fetch(FILE, wanted(limit=299_999), store(tmp_path))
    assert objects(tmp_path) == [] and parts(tmp_path) == []


def test_a_web_page_is_no_file_of_unknown_hash(tmp_path):
    with hubbub("ok", content=b"<!DOCTYPE html><p>sign in"), pytest.raises(DataError, match="web page"):
        fetch(FILE, Remote(hub.address(FILE), "model.safetensors"), store(tmp_path))
    assert objects(tmp_path) == []


def test_the_hub_s_own_sha256_is_held_against_a_file_that_nobody_has_pinned(tmp_path):
    unknown = Remote(hub.address(FILE), "model.safetensors")
    with hubbub("ok", etag=digest(b"")), pytest.raises(DataError, match=digest(b"")):
        fetch(FILE, unknown, store(tmp_path))
    with hubbub("ok", etag=digest(CONTENT)):
        assert fetch(FILE, unknown, store(tmp_path))[1] == digest(CONTENT)


def test_an_open_revision_is_resolved_once_and_printed(tmp_path, capfd):
    with hubbub("ok") as asked:
        fetch(FILE.model_copy(update={"revision": None}), wanted(), store(tmp_path))
    assert f"revision: {COMMIT}" in capfd.readouterr().err
    assert [COMMIT in path for method, path, _ in asked if method == "GET"] == [True]


def test_without_a_network_it_ends_at_once(tmp_path, monkeypatch, waits):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(NetworkError, match="cannot be reached"):
        fetch(FILE, wanted(), store(tmp_path))
    assert sum(waits) < 5


def test_a_forbidden_hub_is_not_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(hub._client(), "is_offline_mode", lambda: True)
    with hubbub("ok") as asked, pytest.raises(NetworkError, match="HF_HUB_OFFLINE"):
        fetch(FILE, wanted(), store(tmp_path))
    assert asked == []


def test_an_unfinished_download_lies_where_the_cache_keeps_parts(tmp_path):
    with hubbub("cut"), pytest.raises(NetworkError):
        fetch(FILE, wanted(), store(tmp_path))
    folder = cache.part_path(tmp_path / "cache", hub.address(FILE), "model.safetensors").parent
    assert all(path.is_relative_to(folder) for path in parts(tmp_path))


def test_a_file_of_a_data_set_comes_from_where_data_sets_lie(tmp_path):
    known = Remote(hub.address(DATASET), "train.zip", len(CONTENT), digest(CONTENT))
    with hubbub("cut", "ok") as asked:
        path, sha256 = fetch(DATASET, known, store(tmp_path))
    assert path.read_bytes() == CONTENT and sha256 == digest(CONTENT)
    assert {path for _, path, _ in asked} == {f"/datasets/lab/faces/resolve/{COMMIT}/train.zip"}
    assert hub.address(DATASET) == f"https://huggingface.co/datasets/lab/faces/resolve/{COMMIT}/train.zip"


@pytest.mark.parametrize(
    ("step", "cause", "remedy"),
    [
        ("gated", "lab/faces is gated", "https://huggingface.co/datasets/lab/faces,"),
        ("revision", f"no revision {COMMIT}", "new place"),
        ("file", r"no train.zip", "new place"),
        ("repository", "does not exist or is private", "log in"),
    ],
)
def test_what_the_hub_refuses_of_a_data_set_has_the_same_words(tmp_path, capfd, step, cause, remedy):
    with hubbub(step), pytest.raises(Refused) as error:
        fetch(DATASET, Remote(hub.address(DATASET), "train.zip"), store(tmp_path))
    assert cause in error.value.cause and remedy in error.value.remedy
    assert SECRET not in f"{error.value.cause}{error.value.remedy}{capfd.readouterr()}"
    assert objects(tmp_path) == []


def test_a_model_and_a_data_set_of_one_name_are_kept_apart():
    model, dataset = (Hub(repo="a/b", revision=None, file="c", type=kind) for kind in ("model", "dataset"))
    assert hub.address(model) == "https://huggingface.co/a/b/resolve/main/c" != hub.address(dataset)
    assert Hub(repo="a/b", revision=None, file="c") == model
