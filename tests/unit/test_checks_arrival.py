"""Checks stop what must stop; the short report says everything that a reader needs, and no more."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from thermark.core import files
from thermark.core.errors import DataError
from thermark.datasets import charlotte, tfake, thermeval
from thermark.datasets.checks import arrival, depth, pairing
from thermark.datasets.checks import report as reports
from thermark.datasets.checks.splits import Fractions
from thermark.datasets.readers.loaded import Check, Findings

CHARLOTTE = charlotte.Config(raw="r")
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1"


def findings(*verdicts):
    result = Findings()
    result.check(*(Check(f"check {i}", "all", f"{i} of 9", v, "mend it") for i, v in enumerate(verdicts)))
    return result


def test_only_a_failed_check_stops():
    arrival.require(findings())
    arrival.require(findings("ok", "warning"))
    with pytest.raises(DataError, match="check 1: expected all, found 1 of 9") as error:
        arrival.require(findings("ok", "failed", "failed"))
    assert error.value.remedy == "mend it"


def test_checks_are_in_the_summary_and_survive_json(tmp_path):
    result = findings("ok", "warning")
    files.write_json(tmp_path / "r.json", result.summary())
    assert json.loads((tmp_path / "r.json").read_text())["checks"] == [asdict(check) for check in result.checks]


@pytest.mark.parametrize(
    ("raw", "scale", "verdict", "message"),
    [
        (30715, 0.01, "ok", "34.0"),
        (30715, 0.1, "failed", "2798.3 deg C; raw/100 - 273.15 would give 34.0"),
        (30715, 0.04, "failed", "955.5 deg C; raw/100 - 273.15 would give 34.0"),
        (3072, 0.01, "failed", "-242.4 deg C; raw/10 - 273.15 would give 34.1"),
        (7679, 0.01, "failed", "-196.4 deg C; raw * 0.04 - 273.15 would give 34.0"),
        (29000, 0.01, "failed", "no face either"),
    ],
)
def test_a_wrong_scale_is_named_by_the_right_one(raw, scale, verdict, message):
    config = CHARLOTTE.model_copy(update={"scale": scale})
    (check,) = arrival.face_temperature(raw * scale - 273.15, config)
    assert check.verdict == verdict
    assert message in check.found
    assert "the median face has" in check.found


def test_the_ends_of_the_plausible_range_belong_to_it():
    verdicts = [arrival.face_temperature(c, CHARLOTTE)[0].verdict for c in (27.9, 28.0, 40.0, 40.1)]
    assert verdicts == ["failed", "ok", "ok", "failed"]


def test_pictures_and_sets_without_a_plausible_range_have_no_temperature_check():
    assert arrival.face_temperature(np.nan, CHARLOTTE) == []
    assert arrival.face_temperature(90.0, tfake.Config(raw="r")) == []
    assert arrival.face_temperature(27.9, thermeval.Config(raw="r")) == []


def report(**changes):
    content = {
        "card": {"title": "A set"},
        "origin": "real",
        "frames": 1200,
        "faces": 1201,
        "subjects": 10,
        "splits": {"test": 200, "train": 1001},
        "frame_sizes": {"640x480": 1200},
        "median_box_width": 199.6,
        "median_face_celsius": 33.51,
    }
    return content | findings().summary() | changes


def test_the_short_report_names_everything():
    result = findings("ok", "warning", "failed")
    result.add("missing_image", "b", "a")
    result.add("warning", "something is odd")
    assert arrival.lines(report(**result.summary())) == [
        "A set (real)",
        "  1,200 frames, 1,201 faces, 10 subjects",
        "  splits: train 1,001, test 200",
        "  frames of 640x480 px; median box 200 px wide, median face 33.5 deg C",
        "  2 x missing image, first: a",
        "  warning: something is odd",
        "  ok      check 0: 0 of 9",
        "  warning check 1: 1 of 9; expected all (mend it)",
        "  failed  check 2: 2 of 9; expected all (mend it)",
    ]


def test_the_short_report_stays_short_and_keeps_the_checks():
    result = findings(*["ok"] * 9, "failed")
    for index in range(40):
        result.add(f"kind_{index:02d}", "x" * 400)
    lines = arrival.lines(report(**result.summary()))
    assert len(lines) == arrival.LINES
    assert max(map(len, lines)) <= arrival.WIDTH
    assert sum("check" in line for line in lines) == 10
    assert "  and 30 kinds more, see the data report" in lines


def test_old_reports_without_checks_can_be_shown():
    old = report(subjects=1200)
    del old["checks"], old["median_face_celsius"]
    assert arrival.lines(old)[1:2] == ["  1,200 frames, 1,201 faces"]


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        (bytes([16, 0]), "16-bit grey"),
        (bytes([8, 0]), "8-bit grey"),
        (bytes([8, 2]), "8-bit RGB"),
        (bytes([16, 6]), "16-bit RGB with alpha"),
        (bytes([8, 9]), "8-bit of no known kind"),
        (b"\x10", ""),
    ],
)
def test_depth_is_read_from_the_header(tmp_path, tail, expected):
    (tmp_path / "a.png").write_bytes(PNG + tail)
    assert depth.stored(tmp_path / "a.png") == expected


def test_no_png_has_no_depth(tmp_path):
    (tmp_path / "a.png").write_bytes(b"<html>" * 10)
    assert depth.stored(tmp_path / "a.png") == depth.stored(tmp_path / "absent.png") == ""


def test_a_sample_of_files_is_looked_at(tmp_path, monkeypatch):
    names = [f"{i}.png" for i in range(1000)]
    (tmp_path / "0.png").write_bytes(PNG + bytes([8, 0]))
    (tmp_path / "999.png").write_bytes(PNG + bytes([16, 0]))
    opened = []
    real = depth.stored
    monkeypatch.setattr(depth, "stored", lambda path: opened.append(path) or real(path))
    check = depth.check("files", tmp_path, names, "16-bit grey")
    assert len(set(opened)) == len(opened) == 200
    assert (check.verdict, check.found) == (
        "failed",
        "16-bit grey in 1 of 2 files looked at; 0.png is 8-bit grey",
    )
    assert depth.check("files", tmp_path, names, "16-bit grey", ["8-bit grey"]).verdict == "warning"
    assert depth.check("files", tmp_path, names[1:], "16-bit grey").verdict == "ok"
    assert depth.check("files", tmp_path, [], "16-bit grey").verdict == "ok"


@pytest.mark.parametrize(
    ("one", "other", "of_larger", "verdict"),
    [
        (range(100), range(100), True, "ok"),
        (range(100), range(99), True, "warning"),
        (range(100), range(1, 101), True, "warning"),
        (range(100), range(50), True, "warning"),
        (range(100), range(49), True, "failed"),
        (range(1000), range(100), True, "failed"),
        (range(100), range(1000), True, "failed"),
        (range(100), range(1000), False, "warning"),
        (range(1000), range(100), False, "failed"),
        (range(100), range(100, 200), False, "failed"),
        (range(100), [], True, "failed"),
    ],
)
def test_archives_that_do_not_belong_together_fail(one, other, of_larger, verdict):
    check = pairing.check("warm", set(one), "cold", set(other), of_larger)
    assert check.verdict == verdict
    assert f"{len(set(one) & set(other)):,} in both" in check.found


@pytest.mark.parametrize(
    ("bad", "verdict"), [(0, "ok"), (1, "warning"), (50, "warning"), (51, "failed"), (100, "failed")]
)
def test_label_files_without_their_points(bad, verdict):
    assert pairing.whole(100, bad, 70).verdict == verdict


@pytest.mark.parametrize(("count", "size"), [(1, 100), (100, 100), (101, 1000), (99_000, 100_000), (10**6, 10**5)])
def test_the_published_size_is_the_next_larger_one(count, size):
    assert pairing.published_size(count) == size


def test_the_report_of_a_loaded_set_can_be_shown(tmp_path):
    """All keys that `lines` reads are keys that the report has."""
    for index in range(12):
        for folder, suffix in (("labels", "_ldmks.txt"), ("warm", "_thermal.png"), ("cold", "_thermal.png")):
            (tmp_path / folder).mkdir(exist_ok=True)
            content = b"5 5\n" * 70 if folder == "labels" else PNG + bytes([16, 0])
            (tmp_path / folder / f"{index:06d}{suffix}").write_bytes(content)
    loaded = tfake.load(tmp_path, tfake.Config(raw="r", split=Fractions(val=0.3, test=0.3)))
    content = reports.content(loaded, tfake.CARD, {"median_face_celsius": 33.0}, {}, "real")
    assert arrival.lines(content)[:2] == ["T-FAKE (real)", "  24 frames, 24 faces, 12 subjects"]
    assert arrival.lines(content)[4:] == [
        "  ok      thermal files: 16-bit grey in 24 of 24 files looked at",
        "  ok      ids of warm and cold files: 12 in both",
        "  ok      ids of thermal and label files: 12 in both",
    ]
