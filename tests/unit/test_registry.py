"""A metric is one entry of the table: everything that shows metrics has it."""

import json

import numpy as np
import pytest

import results_scene
from thermark.core.config import parse
from thermark.core.errors import ConfigError
from thermark.core.point_errors import PCK_LIMITS, lower_median_of_finite, summary
from thermark.metrics import registry
from thermark.metrics.registry import METRICS, Metric, describe, parse_name, with_limit
from thermark.metrics.summary import Thresholds
from thermark.report import metric_list
from thermark.report.gate.gate_config import Config as Gate
from thermark.report.gate.judge import judge
from thermark.report.gate.sources import side
from thermark.report.leaderboard.board import Board
from thermark.report.leaderboard.board_tables import main_table
from thermark.report.number_format import label, long_unit, shown
from thermark.report.page.board import card
from thermark.report.page.view import View
from thermark.report.results.record import open_set


def worst(scores):
    return float(scores.face_px[np.isfinite(scores.face_px)].max())


def far(scores, limit):
    return float((scores.face_px > limit).mean())


NEW = {
    "error_px_worst": Metric("px", False, "the worst face", worst, label="worst face", columns=("nme_io",)),
    "far@px": Metric("fraction", False, "faces further off", far, limits=(4.0, 8.5), columns=("nme_io",)),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Records that were made when the table had two entries more."""
    for name, metric in NEW.items():
        monkeypatch.setitem(METRICS, name, metric)
    return results_scene.write(tmp_path)


def test_a_new_entry_is_everywhere(folder):
    names = ["error_px_worst", "far@4px", "far@8.5px"]
    scores = json.loads((folder.parent / "scores/run/shown.json").read_text())
    parts = json.loads((folder.parent / "details/run/shown.json").read_text())["subsets"]["distance"]["near"]
    assert {*names} <= scores.keys() & parts.keys() and scores["error_px_worst"] > scores["error_px_mean"]

    results = open_set(folder / "shown.json")
    record = results.of("run")
    assert [record.metrics[name].value for name in names] == [scores[name] for name in names]

    titles = ["worst face, px ↓", "far @ 4 px, % ↓", "far @ 8.5 px, % ↓"]
    assert [label(name) for name in names] == titles
    header = main_table(Board(results, {})).splitlines()[0]
    assert all(f" {title} " in header for title in titles)
    assert {*titles} <= {row[0] for row in card(View(results), record)["metrics"]}
    assert shown("far@4px", 0.25) == "25.00" and long_unit("error_px_worst") == "px of the source image"

    listed = metric_list.markdown()
    assert "| `error_px_worst` | px | lower | yes | the worst face |" in listed and "`far@<limit>px`" in listed


def test_a_new_entry_is_gated(folder, tmp_path):
    head = results_scene.write(tmp_path / "head", lambda own: own)
    raw = json.loads((head / "shown.json").read_text())
    raw["records"][0]["metrics"]["far@4px"]["value"] += 0.5
    (head / "shown.json").write_text(json.dumps(raw))
    gate = parse({"results": "r", "margins": {"nme_io": {}, "far@4px": {"absolute": 0.1}}}, Gate, "gate")
    rows = judge(side(str(folder), "r"), side(str(head), "r"), gate)
    assert [row.contestant for row in rows if row.metric == "far@4px" and row.verdict == "regression"] == ["run"]


@pytest.mark.parametrize(
    ("name", "key", "limit"),
    [
        ("pck@10px", "pck@px", 10),
        ("auc@0.08io", "auc@io", 0.08),
        ("pck@1e-05diag", "pck@diag", 1e-5),
        ("nme_io", "nme_io", None),
        ("pck@px", "pck@px", None),
        ("pck@1.2.3px", "pck@1.2.3px", None),
    ],
)
def test_names_hold_their_limit(name, key, limit):
    assert parse_name(name) == (key, limit)
    assert limit is None or with_limit(key, limit) == name


@pytest.mark.parametrize(
    ("name", "higher", "counts_misses", "title"),
    [
        ("pck@10px", True, True, "PCK @ 10 px, % ↑"),
        ("failure@0.08io", False, True, "failure @ 0.08 io, % ↓"),
        ("nme_io_low", False, False, "NME inter-ocular, % ↓"),
        ("nme_diag_all", False, True, "NME diagonal of all faces, % ↓"),
        ("nme_io_seed_std", None, False, "NME inter-ocular, %"),
        ("error_px_mean", False, False, "error, px ↓"),
        ("missed", False, True, "missed ↓"),
    ],
)
def test_what_entries_say(name, higher, counts_misses, title):
    metric = describe(name)
    assert (metric.higher_is_better, metric.counts_misses, label(name)) == (higher, counts_misses, title)
    assert metric.meaning and ("standard deviation" in metric.meaning) == name.endswith("_seed_std")


@pytest.mark.parametrize("name", ["nme_eye", "pck@1.2.3px", "pck"])
def test_an_unknown_metric_is_a_config_error(name):
    with pytest.raises(ConfigError, match="there is no metric"):
        describe(name)


def test_every_limit_and_column_exists():
    for name, metric in METRICS.items():
        assert (metric.limits != ()) == ("@" in name)
        assert all(limit > 0 for limit in (Thresholds().of(metric) if metric.limits else ()))
        assert {*metric.columns} <= {*registry.MAIN}
    assert Thresholds().pck_px == PCK_LIMITS


def test_a_summary_of_errors_by_hand():
    errors = np.array([1.0, 4.0, 6.0, 30.0, np.inf])
    rates = {"pck@3": 0.2, "pck@5": 0.4, "pck@10": 0.6, "pck@20": 0.6}
    assert summary(errors) == pytest.approx({"mean": 10.25, "median": 5.0} | rates)
    assert summary(errors, lower_median_of_finite)["median"] == 4.0
    assert summary(np.array([np.inf])) == dict.fromkeys(rates, 0.0)
    assert summary(np.array([])) == {}
