"""The stage `fetch` under DVC: pinned once, run again only for a reason, stopped when upstream has changed."""

import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from checkout import ROOT, completed, environment
from fetch_machine import FILES, below, tree, write, zipped

pytestmark = pytest.mark.slow


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def upstream(tmp_path) -> Iterator[tuple[Path, str]]:
    """A folder and the address at which its files are published."""
    folder = write(tmp_path / "upstream", {"set.zip": zipped(FILES)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join(5)


class Checkout:
    """A git and DVC project that has nothing but the stage `fetch` of dvc.yaml."""

    def __init__(self, folder: Path, cache: Path):
        self.folder, self.cache = folder, cache

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        variables = environment(ROOT / "src", THERMARK_CACHE=str(self.cache), THERMARK_ACCEPT_LICENCES="tfake")
        return completed(self.folder, variables, *command, check=check)

    def repro(self, check: bool = True) -> str:
        done = self.run("dvc", "repro", check=check)
        assert check or done.returncode
        return done.stdout + done.stderr

    def commit(self) -> None:
        self.run("git", "add", "-A")
        self.run("git", "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "all")

    def params(self, url: str, max_mb: float) -> None:
        pieces = {"warm": {"url": f"{url}/set.zip", "licence": "tfake"}}
        content = {"fetch": {"set": {"max_mb": max_mb, "pieces": pieces}}}
        write(self.folder, {"params.yaml": yaml.safe_dump(content).encode()})

    def held(self) -> tuple[bytes, bytes]:
        return (self.folder / "data/manifests/set.json").read_bytes(), (self.folder / "dvc.lock").read_bytes()


@pytest.fixture
def checkout(tmp_path, upstream) -> Checkout:
    made = Checkout(tmp_path / "project", tmp_path / "cache")
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    files = {
        "dvc.yaml": yaml.safe_dump({"stages": {"fetch": stages["fetch"]}}, sort_keys=False).encode(),
        "stages/fetch.py": (ROOT / "stages/fetch.py").read_bytes(),
        "data/licences/tfake.yaml": (ROOT / "data/licences/tfake.yaml").read_bytes(),
        ".gitignore": b"/data/raw/\n",
    }
    write(made.folder, files)
    made.params(upstream[1], 10.0)
    made.run("git", "init", "-q")
    made.run("dvc", "init", "-q")
    made.repro()
    made.commit()
    return made


def test_a_fetched_set_is_pinned_kept_and_held_against_upstream(checkout, upstream):
    raw, (pins, lock) = checkout.folder / "data/raw/set", checkout.held()
    assert tree(raw) == below("warm", FILES) and b'"path": "l.txt"' in pins
    # Nothing of it is in git or in DVC's cache.
    assert not checkout.run("git", "ls-files", "data/raw").stdout
    assert not any(path.is_file() for path in (checkout.folder / ".dvc/cache").rglob("*"))

    assert "matched" not in checkout.repro()
    shutil.rmtree(raw)
    assert "matched sha256" in checkout.repro()
    assert tree(raw) == below("warm", FILES) and checkout.held() == (pins, lock)

    # A parameter that changes nothing in the files does not cost what is there.
    inode = (raw / "warm/l.txt").stat().st_ino
    checkout.params(upstream[1], 20.0)
    shutil.rmtree(checkout.cache)
    (upstream[0] / "set.zip").rename(upstream[0] / "away.zip")
    checkout.repro()
    assert (raw / "warm/l.txt").stat().st_ino == inode and checkout.held()[0] == pins

    # Offline, without files: it says so, and nothing else changes.
    shutil.rmtree(raw)
    held = checkout.held()
    assert "set lacks 1 pieces" in checkout.repro(check=False)
    assert not raw.exists() and checkout.held() == held

    write(upstream[0], {"set.zip": zipped(FILES | {"l.txt": b"3.0 4.0\n"})})
    output = checkout.repro(check=False)
    assert "remedy: " in output and "to pin it anew" in output
    assert not raw.exists() and checkout.held() == held

    # An edit of a fetched file is found and undone.
    (upstream[0] / "away.zip").rename(upstream[0] / "set.zip")
    checkout.repro()
    write(raw, {"warm/l.txt": b"edited"})
    checkout.repro()
    assert tree(raw) == below("warm", FILES) and checkout.held() == held

    # Whoever wants the new files deletes the pin.
    write(upstream[0], {"set.zip": zipped(FILES | {"l.txt": b"3.0 4.0\n"})})
    (checkout.folder / "data/manifests/set.json").unlink()
    shutil.rmtree(raw)
    shutil.rmtree(checkout.cache)
    checkout.repro()
    assert (raw / "warm/l.txt").read_bytes() == b"3.0 4.0\n" and checkout.held() != held


def test_a_fresh_clone_verifies_against_the_pins_in_git(checkout, upstream, tmp_path):
    clone = Checkout(tmp_path / "clone", tmp_path / "other cache")
    checkout.run("git", "clone", "-q", str(checkout.folder), str(clone.folder))
    assert clone.held() == checkout.held()
    write(upstream[0], {"set.zip": zipped(FILES | {"l.txt": b"3.0 4.0\n"})})
    assert "expected" in clone.repro(check=False)
    assert not (clone.folder / "data/raw/set").exists() and clone.held() == checkout.held()
    write(upstream[0], {"set.zip": zipped(FILES)})
    clone.repro()
    assert tree(clone.folder / "data/raw/set") == below("warm", FILES)
    assert clone.held() == checkout.held()
    assert clone.run("git", "status", "--porcelain").stdout == ""
