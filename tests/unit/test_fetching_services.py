"""Whole data sets from Google Drive, Kaggle and the Hub, as far as this machine can play their part."""

import pytest
from google_drive import FORM, QUOTA, Drive, driving
from scripted_server import digest
from test_hub import COMMIT, hubbub
from test_kaggle import Kaggle, kaggling

from fetch_machine import FILES, Machine, below, zipped
from thermark.core.errors import DataError

ID, FOLDER = "1-Y40_wqVV5WM1swEpjFTJiB8sGdZtQwR", "1UE4BsRsJBSEyLtcAkMQ_jYIBKwKjwyQc"
ARCHIVE = zipped(FILES)


def test_a_file_and_a_folder_of_google_drive(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    listed = [("a" * 28, "l.txt", "file"), ("b" * 28, "deep", "folder")]
    inner = [("c" * 28, "x.png", "file")]
    held = {ID: ARCHIVE, "a" * 28: b"1.0 2.0\n", "c" * 28: FILES["000000.png"]}
    script = Drive(held, {FOLDER: listed, "b" * 28: inner}, {ID: [(FORM,)]})
    pieces = {"warm": {"drive": ID, "name": "warm.zip"}, "all": {"drive_folder": FOLDER}}
    case = Machine(tmp_path / "m", pieces=pieces)
    wanted = below("warm", FILES) | {"all/l.txt": b"1.0 2.0\n", "all/deep/x.png": FILES["000000.png"]}
    with driving(script):
        assert case.fetch() == wanted
        pins = case.pins()
        assert pins["warm"].file.sha256 == digest(ARCHIVE) and pins["all"].file is None
        seen = len(script.seen)
        case.lose()
        assert case.fetch() == wanted and len(script.seen) == seen
        case.lose(cached=True)
        assert case.fetch() == wanted and case.pins() == pins
        case.lose(cached=True)
        script.files["a" * 28] = b"3.0 4.0\n"
        with pytest.raises(DataError, match=r"all from .* is not what was pinned: .* l\.txt has sha256"):
            case.fetch()
        script.files["a" * 28], script.steps[ID] = b"1.0 2.0\n", [(QUOTA,)]
        case.lose(cached=True)
        with pytest.raises(DataError, match=r"lacks 1 pieces: warm .*too many people") as error:
            case.fetch()
        assert f"place by hand warm.zip as {case.placed / 'warm.zip'}" in error.value.remedy
        assert "try again in a day" in error.value.remedy and "pin it anew" not in error.value.remedy
    assert case.pins() == pins


def test_a_quota_of_one_piece_keeps_no_other_away(tmp_path):
    other = "1-_-RHg7ZDzFFtoyeXJsyrdtgkcnJ3FMR"
    script = Drive({ID: ARCHIVE, other: ARCHIVE}, {}, {ID: [(QUOTA,)]})
    pieces = {"warm": {"drive": ID, "name": "warm.zip"}, "cold": {"drive": other, "name": "cold.zip"}}
    case = Machine(tmp_path, pieces=pieces)
    with driving(script):
        with pytest.raises(DataError, match=r"lacks 1 pieces: warm .*too many people"):
            case.fetch()
        asked = len(script.ranges(other))
        script.steps = {}
        assert case.fetch() == below("warm", FILES) | below("cold", FILES)
        assert asked and len(script.ranges(other)) == asked


def test_a_pin_of_the_newest_revision_serves_the_one_that_is_written_down(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    case = Machine(tmp_path, pieces={"pairs": {"hub": "lab/faces", "file": "pairs.zip"}})
    with hubbub("ok", content=ARCHIVE):
        case.fetch()
        assert f"revision: {COMMIT}; pins in its manifest stay" in capfd.readouterr().err
        pins = case.pins()
        case.pieces["pairs"]["revision"] = COMMIT
        for cached in (False, True):
            case.lose(cached=cached)
            assert case.fetch() == below("pairs", FILES) and case.pins() == pins
    with hubbub("ok", content=zipped({"other": b"1"})):
        case.lose(cached=True)
        with pytest.raises(DataError, match=r"offers|expected"):
            case.fetch()


def test_a_data_set_of_kaggle(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    case = Machine(tmp_path / "m", pieces={"frames": {"kaggle": "shriayush/thermeval", "version": 3}})
    with kaggling(Kaggle(ARCHIVE)) as script:
        assert case.fetch() == below("frames", FILES)
        pins = case.pins()
        assert pins["frames"].source.endswith("shriayush/thermeval/versions/3")
        case.lose(cached=True)
        assert case.fetch() == below("frames", FILES) and case.pins() == pins
        script.archive = zipped(FILES | {"l.txt": b"3.0 4.0\n"})
        case.lose(cached=True)
        with pytest.raises(DataError, match=r"l\.txt has sha256"):
            case.fetch()


def test_a_file_of_a_data_set_on_the_hub(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    case = Machine(
        tmp_path / "m", pieces={"pairs": {"hub": "lab/faces", "file": "deep/pairs.zip", "revision": COMMIT}}
    )
    with hubbub("ok", content=ARCHIVE) as asked:
        assert case.fetch() == below("pairs", FILES)
        assert asked[0][1].startswith(f"/datasets/lab/faces/resolve/{COMMIT}/deep/pairs.zip")
        count = len(asked)
        case.lose()
        case.fetch()
        assert len(asked) == count
        case.lose(cached=True)
        case.fetch()
    with hubbub("ok", content=zipped({"other": b"1"})):
        case.lose(cached=True)
        with pytest.raises(DataError, match=r"offers|expected"):
            case.fetch()
