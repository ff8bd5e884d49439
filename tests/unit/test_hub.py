import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import pytest
from scripted_server import Answers, digest, listening

from fetch_machine import objects, store
from thermark.core.errors import DataError, NetworkError
from thermark.download import hub
from thermark.download.hub import Refused
from thermark.download.request import Remote
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
    requests: list[tuple[str, str, str | None]] = []
    tokens.clear()

    class Handler(Answers):
        def do_HEAD(self) -> None:
            self.play(steps[0], body=False)

        def do_GET(self) -> None:
            gets = sum(method == "GET" and "/resolve/" in path for method, path, _ in requests)
            self.play(steps[min(gets, len(steps) - 1)], body=True)

        def play(self, step: str, body: bool) -> None:
            requests.append((self.command, self.path, self.headers.get("Range")))
            tokens.append((self.headers["Host"].split(":")[0], self.headers.get("Authorization")))
            if step == "mute" and "/tree/" in self.path and self.over.wait(600):
                return
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
        yield requests


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", SECRET)


def wanted(content: bytes = CONTENT, limit: int | None = None) -> Remote:
    return Remote(hub.address(FILE), "model.safetensors", len(content), digest(content), limit)


def parts(tmp_path: Path) -> list[Path]:
    """What an earlier run left of a file; the client's notes are smaller."""
    paths = [path for path in (tmp_path / "cache").rglob("*") if "objects" not in path.parts]
    return [path for path in paths if path.is_file() and path.stat().st_size > 1000]


@pytest.mark.parametrize("which", [FILE, DATASET], ids=["model", "data set"])
def test_a_file_at_its_revision_lands_in_the_cache_and_nothing_else_stays(tmp_path, which):
    with hubbub("ok") as requests:
        path, sha256 = hub.file(which, wanted(), store(tmp_path))
    assert path.read_bytes() == CONTENT and sha256 == digest(CONTENT)
    assert objects(tmp_path) == [digest(CONTENT)] and parts(tmp_path) == []
    there = {"model": "/lab/model", "dataset": "/datasets/lab/faces"}[which.type]
    assert {path for _, path, _ in requests} == {f"{there}/resolve/{COMMIT}/{which.file}"}
    assert hub.address(which) == f"https://huggingface.co{there}/resolve/{COMMIT}/{which.file}"


def test_the_token_goes_to_the_hub_and_not_to_the_host_that_it_points_to(tmp_path):
    with hubbub("elsewhere"):
        assert hub.file(FILE, wanted(), store(tmp_path))[0].read_bytes() == CONTENT
    assert set(tokens) == {("127.0.0.1", f"Bearer {SECRET}"), ("localhost", None)}


@pytest.mark.parametrize("which", [FILE, DATASET], ids=["model", "data set"])
@pytest.mark.parametrize(
    ("step", "cause", "remedy"),
    [
        ("gated", "{0.repo} is gated", "https://huggingface.co/{1}{0.repo},"),
        ("token", "rejected the token", "hf auth login"),
        ("revision", f"no revision {COMMIT}", "new place"),
        ("file", "no {0.file}", "new place"),
        ("repository", "does not exist or is private", "log in"),
        ("moved", f"at {OTHER} instead of {COMMIT}", "find out why"),
    ],
)
def test_what_the_hub_refuses_has_its_own_words_and_no_other_revision_is_tried(
    tmp_path, capfd, step, cause, remedy, which
):
    with hubbub(step) as requests, pytest.raises(Refused) as error:
        hub.file(which, wanted(), store(tmp_path))
    assert cause.format(which) in error.value.cause
    assert remedy.format(which, "datasets/" * (which is DATASET)) in error.value.remedy
    assert all(COMMIT in path for _, path, _ in requests)
    assert SECRET not in f"{error.value.cause}{error.value.remedy}{capfd.readouterr()}"
    assert objects(tmp_path) == [] and parts(tmp_path) == []


def test_a_hub_that_is_down_is_a_passing_failure(tmp_path):
    with hubbub("down"), pytest.raises(NetworkError) as error:
        hub.file(FILE, wanted(), store(tmp_path))
    assert not isinstance(error.value, Refused)


def test_the_hub_s_own_sha256_is_held_against_a_file_that_nobody_has_pinned(tmp_path):
    unknown = Remote(hub.address(FILE), "model.safetensors")
    with hubbub("ok", etag=digest(b"")), pytest.raises(DataError, match=digest(b"")):
        hub.file(FILE, unknown, store(tmp_path))
    with hubbub("ok", etag=digest(CONTENT)):
        assert hub.file(FILE, unknown, store(tmp_path))[1] == digest(CONTENT)


def test_an_open_revision_is_resolved_once_and_printed(tmp_path, capfd):
    with hubbub("ok") as requests:
        hub.file(FILE.model_copy(update={"revision": None}), wanted(), store(tmp_path))
    assert f"revision: {COMMIT}" in capfd.readouterr().err
    assert [COMMIT in path for method, path, _ in requests if method == "GET"] == [True]


def test_a_forbidden_hub_is_not_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(hub._client(), "is_offline_mode", lambda: True)
    with hubbub("ok") as requests, pytest.raises(NetworkError, match="HF_HUB_OFFLINE"):
        hub.file(FILE, wanted(), store(tmp_path))
    assert requests == []


def test_a_model_and_a_data_set_of_one_name_are_kept_apart():
    model, dataset = (Hub(repo="a/b", revision=None, file="c", type=kind) for kind in ("model", "dataset"))
    assert hub.address(model) == "https://huggingface.co/a/b/resolve/main/c" != hub.address(dataset)
    assert Hub(repo="a/b", revision=None, file="c") == model
