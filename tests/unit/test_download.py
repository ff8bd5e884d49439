import socket
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from scripted_server import (
    CUT,
    FLIPPED,
    HELD,
    HTML,
    NO_RANGE,
    OK,
    PAGE_AS_FILE,
    SHIFTED,
    SHORT,
    SLOW,
    Script,
    digest,
    serving,
)

import kill_process
from fetch_machine import fill_disk
from thermark.core.errors import ConfigError, DataError, NetworkError
from thermark.download import cache
from thermark.download.download import RetryPolicy, download
from thermark.download.mirrors import Mirrors
from thermark.download.request import Changed, Remote, WebPage, is_web_page, without_secrets
from thermark.download.resolve import FileStore, resolve

CONTENT = np.random.default_rng(0).bytes(700_000)
UNKNOWN = {"size": None, "sha256": None}
QUICK = RetryPolicy(connect=60.0, read=60.0, pause=0.001, attempts=4)


def remote(script: Script, **known) -> Remote:
    given = {"size": len(script.content), "sha256": digest(script.content)} | known
    return Remote(script.url, "set.zip", **given)


def run(script: Script, part: Path, **known) -> str:
    return download(remote(script, **known), part, QUICK)


FAULTS = [[CUT, OK], [CUT, NO_RANGE], [CUT, 503, OK], [SLOW], [CUT, SHIFTED], [CUT, SHORT, OK]]


@pytest.mark.parametrize(
    ("steps", "known"),
    [
        *((steps, {}) for steps in ([OK], [CUT, CUT, OK], [429, OK], [503, 503, 503, OK], *FAULTS)),
        *((steps, UNKNOWN) for steps in ([OK], *FAULTS)),
    ],
)
def test_the_file_arrives_whole_despite_passing_faults(tmp_path, steps, known):
    with serving(Script(CONTENT, steps, pause=0.002)) as script:
        assert run(script, tmp_path / "a.part", **known) == digest(CONTENT)
    assert (tmp_path / "a.part").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["a.part"]


def test_a_cut_download_asks_only_for_the_rest(tmp_path):
    with serving(Script(CONTENT, [CUT, OK])) as script:
        run(script, tmp_path / "a.part")
    assert script.seen[0] is None
    start = int(script.seen[1].removeprefix("bytes=").rstrip("-"))
    assert len(CONTENT) // 2 - (1 << 16) <= start <= len(CONTENT) // 2


def test_giving_up_keeps_the_part_and_the_next_run_continues_it(tmp_path):
    with serving(Script(CONTENT, [CUT, 503])) as script:
        with pytest.raises(NetworkError, match="after 4 attempts: HTTP 503"):
            run(script, tmp_path / "a.part")
        assert 0 < (tmp_path / "a.part").stat().st_size <= len(CONTENT) // 2
        script.steps = [OK]
        assert run(script, tmp_path / "a.part") == digest(CONTENT)
    assert script.seen[-1] is not None


def test_a_server_that_always_cuts_at_the_same_byte_ends_in_an_error(tmp_path):
    with serving(Script(CONTENT, [CUT], etag=None)) as script, pytest.raises(NetworkError, match="gave up"):
        run(script, tmp_path / "a.part", sha256=None)
    # Without ETag and sha256 nothing says that two halves belong together: never a Range.
    assert script.seen == [None] * 4


@pytest.mark.parametrize(("etag", "known"), [('"v1"', None), (None, digest(CONTENT[::-1]))], ids=["etag", "hash"])
def test_new_content_between_two_runs_is_not_glued_to_the_old(tmp_path, etag, known):
    """Without an ETag a stale half is found by its hash, and fetched again."""
    other = CONTENT[::-1]
    with serving(Script(CONTENT, [CUT, 404], etag=etag)) as script:
        with pytest.raises(NetworkError, match="gone"):
            run(script, tmp_path / "a.part")
        script.content, script.etag, script.steps = other, etag and '"v2"', [OK]
        assert run(script, tmp_path / "a.part", sha256=known) == digest(other)


def test_a_finished_part_needs_no_network(tmp_path):
    (tmp_path / "a.part").write_bytes(CONTENT)
    gone = Remote("http://127.0.0.1:9/x", "x", len(CONTENT), digest(CONTENT))
    assert download(gone, tmp_path / "a.part", QUICK) == digest(CONTENT)


def test_a_finished_part_of_unknown_hash_is_accepted_by_the_server(tmp_path):
    (tmp_path / "a.part").write_bytes(CONTENT)
    (tmp_path / "a.part.validator").write_text('"v1"')
    with serving(Script(CONTENT)) as script:
        assert run(script, tmp_path / "a.part", sha256=None, size=None) == digest(CONTENT)
    assert script.seen == [f"bytes={len(CONTENT)}-"]


def test_wrong_bytes_of_the_right_size_are_set_aside_with_both_hashes(tmp_path):
    flipped = bytes([CONTENT[0] ^ 1]) + CONTENT[1:]
    with serving(Script(CONTENT, [FLIPPED])) as script, pytest.raises(DataError) as error:
        run(script, tmp_path / "a.part")
    assert digest(CONTENT) in error.value.cause and digest(flipped) in error.value.cause
    assert [path.name for path in tmp_path.iterdir()] == ["a.part.bad"]


@pytest.mark.parametrize("step", [HTML, PAGE_AS_FILE])
@pytest.mark.parametrize("known", [{}, UNKNOWN])
def test_a_web_page_is_not_a_file(tmp_path, step, known):
    # A page that says nothing of itself is known by its size before it is known by its bytes.
    kind = Changed if step == PAGE_AS_FILE and not known else WebPage
    with serving(Script(CONTENT, [step])) as script, pytest.raises(DataError) as error:
        run(script, tmp_path / "a.part", **known)
    assert len(script.seen) == 1 and type(error.value) is kind
    assert all(path.stat().st_size <= len('"v1"') for path in tmp_path.iterdir())


@pytest.mark.parametrize(("code", "word"), [(401, "refused"), (403, "refused"), (404, "gone"), (418, "418")])
def test_a_final_answer_is_not_asked_for_twice(tmp_path, code, word):
    with serving(Script(CONTENT, [code])) as script, pytest.raises(NetworkError, match=word):
        run(script, tmp_path / "a.part")
    assert len(script.seen) == 1


@pytest.mark.parametrize(
    ("known", "free", "kind", "cause"),
    [
        ({"size": 5}, None, DataError, "offers 700000 bytes, expected 5"),
        ({"limit": 699_999}, None, ConfigError, "max_mb"),
        ({}, 1000, DataError, "700000 bytes but 1000 bytes are free"),
    ],
    ids=["size", "limit", "disk"],
)
def test_what_cannot_be_taken_is_refused_before_the_first_byte(tmp_path, monkeypatch, known, free, kind, cause):
    if free:
        fill_disk(monkeypatch, free)
    with serving(Script(CONTENT)) as script, pytest.raises(kind, match=cause):
        run(script, tmp_path / "a.part", **known)
    assert not (tmp_path / "a.part").exists()


def test_a_silent_server_is_given_up(tmp_path):
    policy = RetryPolicy(connect=1.0, read=0.1, pause=0.001, attempts=2)
    with serving(Script(CONTENT, [SLOW], pause=0.5)) as script, pytest.raises(NetworkError, match="gave up"):
        download(remote(script), tmp_path / "a.part", policy)


def test_a_disk_that_fills_up_is_reported_and_resumed(tmp_path, monkeypatch):
    original = Path.open

    class Full:
        def __init__(self, file):
            self.file, self.room = file, 200_000

        def __enter__(self):
            return self

        def __exit__(self, *arguments):
            self.file.close()

        def write(self, chunk):
            self.room -= len(chunk)
            if self.room < 0:
                raise OSError(28, "No space left on device")
            self.file.write(chunk)

    def scarce(self, mode="r", *arguments, **named):
        file = original(self, mode, *arguments, **named)
        return Full(file) if self.name.endswith(".part") and mode in ("ab", "wb") else file

    with serving(Script(CONTENT)) as script:
        with monkeypatch.context() as patched:
            patched.setattr(Path, "open", scarce)
            with pytest.raises(DataError, match="needs more space"):
                run(script, tmp_path / "a.part")
        assert run(script, tmp_path / "a.part") == digest(CONTENT)
    assert script.seen[1] is not None


def test_secrets_in_an_address_stay_out_of_messages():
    assert without_secrets("https://me:pw@host.org:8/a/b.zip?token=s#f") == "https://host.org:8/a/b.zip"


@pytest.mark.parametrize(
    ("head", "page"),
    [(b"\xef\xbb\xbf<!doctype HTML>", True), (b"  \n<html lang=x>", True), (b"PK\x03\x04", False), (b"", False)],
)
def test_web_pages_are_told_by_their_first_bytes(head, page):
    assert is_web_page(head) is page


# --- resolve: the cache, two processes, kills, no network


@pytest.mark.parametrize("known", [{}, UNKNOWN])
def test_a_file_is_fetched_once_whether_or_not_its_hash_is_known(tmp_path, known):
    store = FileStore(tmp_path / "cache", Mirrors(()), QUICK)
    with serving(Script(CONTENT)) as script:
        (path, sha256), again = (resolve(remote(script, **known), store) for _ in range(2))
    assert len(script.seen) == 1 and again == (path, sha256) and sha256 == digest(CONTENT)
    assert path == tmp_path / "cache/objects" / sha256[:2] / sha256
    assert path.read_bytes() == CONTENT


def test_a_damaged_object_is_set_aside_and_fetched_again(tmp_path):
    store = FileStore(tmp_path, Mirrors(()), QUICK)
    with serving(Script(CONTENT)) as script:
        path, _ = resolve(remote(script), store)
        path.chmod(0o644)
        path.write_bytes(CONTENT[:-1] + b"x")
        assert resolve(remote(script), store)[0].read_bytes() == CONTENT
    assert path.with_name(path.name + ".bad").exists()


KILLED = """
import sys
from pathlib import Path
from thermark.download.mirrors import Mirrors
from thermark.download.resolve import FileStore, resolve
from thermark.download.request import Remote
resolve(Remote(sys.argv[1], "set.zip", int(sys.argv[3]), sys.argv[4]), FileStore(Path(sys.argv[2]), Mirrors(())))
"""


@pytest.mark.slow
def test_a_killed_download_leaves_no_object_and_is_continued(tmp_path):
    content = np.random.default_rng(1).bytes(4_000_000)
    with serving(Script(content, [HELD, OK])) as script:
        known = remote(script)
        arguments = [script.url, str(tmp_path), str(known.size), known.sha256]
        process = subprocess.Popen([sys.executable, "-c", KILLED, *arguments])
        part = cache.part_path(tmp_path, script.url, "set.zip")
        kill_process.kill_when(lambda: part.exists() and part.stat().st_size > 500_000, process)
        assert not (tmp_path / "objects").exists()
        assert 500_000 < part.stat().st_size < len(content)
        path, _ = resolve(known, FileStore(tmp_path, Mirrors(()), QUICK))
    assert script.seen[1] is not None
    assert path.read_bytes() == content
    assert not part.exists()


def test_a_name_look_up_that_hangs_ends_in_time(tmp_path, monkeypatch):
    done, ended = threading.Event(), threading.Event()

    def hang(*arguments, **named):
        done.wait(600)
        ended.set()
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with pytest.raises(NetworkError, match="cannot be reached"):
        download(Remote("https://nowhere.example/x", "x"), tmp_path / "x", RetryPolicy(connect=0.2))
    assert not ended.is_set()
    done.set()


def test_a_proxy_is_asked_instead_of_the_host(tmp_path, monkeypatch):
    with serving(Script(CONTENT)) as script:
        monkeypatch.setenv("http_proxy", script.url.removesuffix("/folder/set.zip"))
        monkeypatch.setenv("no_proxy", "")
        known = Remote("http://nowhere.invalid/x", "x", len(CONTENT), digest(CONTENT))
        assert download(known, tmp_path / "x", QUICK) == digest(CONTENT)


def test_an_impossible_host_name_cannot_be_reached(tmp_path):
    with pytest.raises(NetworkError, match="cannot be reached"):
        download(Remote(f"https://{'a' * 70}.example/x", "x"), tmp_path / "x", QUICK)


def test_the_cache_follows_its_variables(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("THERMARK_CACHE", raising=False)
    assert cache.location() == tmp_path / "xdg" / "thermark"
    monkeypatch.setenv("THERMARK_CACHE", str(tmp_path / "own"))
    assert cache.location() == tmp_path / "own"


@pytest.mark.parametrize("known", [{}, UNKNOWN], ids=["pinned", "unpinned"])
def test_a_page_in_between_loses_nothing_of_what_has_come(tmp_path, known):
    """Quotas pass; of a hundred gigabytes the half that is here must still be here then."""
    part = tmp_path / "set.part"
    with serving(Script(CONTENT, [CUT, HTML])) as script:
        with pytest.raises(DataError, match="sent a web page"):
            run(script, part, **known)
        held = part.read_bytes()
        assert 0 < len(held) < len(CONTENT)
        assert CONTENT.startswith(held)
        script.steps = [OK]
        assert run(script, part, **known) == digest(CONTENT)
        assert script.seen[-1] == f"bytes={len(held)}-"
