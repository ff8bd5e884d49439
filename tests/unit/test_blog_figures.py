"""What a figure shows is what its CSV says, and so does its alternative text."""

import re
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.integrate import trapezoid

from posted import EVIL, FORMULA, per_face, result_set, scene
from thermark.metrics.rates import rate_interval
from thermark.report.blog import build, figures
from thermark.report.results import ranking
from thermark.report.results.curves import curve
from thermark.report.results.record import open_all
from thermark.report.style import figure


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    root = scene(tmp_path_factory.mktemp("figures") / "results")
    return root, {each.name: each for each in build.draw(open_all(root), root, root.parent / "out")}


def csv(root, name):
    return pd.read_csv(StringIO((root.parent / "out" / f"{name}.csv").read_text(encoding="utf-8")))


def artists(drawing, width=720):
    with figure(width / figures.INCH, drawing.heights[width]) as shown:
        drawing.draw(shown)
        shown.draw_without_rendering()
        return shown


@pytest.mark.parametrize("width", figures.WIDTHS)
def test_dots_and_whiskers_are_the_csv(drawn, width):
    root, drawings = drawn
    told = csv(root, "leaderboard_tfake")
    left, right = artists(drawings["leaderboard_tfake"], width).axes
    names = [each.get_text() for each in left.get_yticklabels()]
    assert [name.removeprefix("'") for name in told["contestant"]] == names
    for axes, column in ((left, "found"), (right, "all")):
        dots = [line for line in axes.lines if line.get_marker() == "o"]
        assert [float(line.get_xdata()[0]) for line in dots] == told[column].tolist()
        ends = np.array([each.get_segments()[0][:, 0] for each in axes.collections])
        assert ends == pytest.approx(told[[f"{column}_low", f"{column}_high"]].to_numpy())
    (ticks,) = [line for line in right.lines if line.get_marker() == "|"]
    assert ticks.get_xdata() == pytest.approx(told["on_found"].to_numpy(), nan_ok=True)


def test_curves_and_bands_are_the_csv(drawn):
    root, drawings = drawn
    told = csv(root, "ced_tfake")
    (axes,) = artists(drawings["ced_tfake"]).axes
    lines = {tuple(map(tuple, line.get_xydata())) for line in axes.lines if len(line.get_xdata()) > 2}
    own = {name: rows for name, rows in told.groupby("contestant")}
    assert lines == {tuple(zip(rows["error"], rows["fraction"], strict=True)) for rows in own.values()}
    banded = [rows for rows in own.values() if rows["low"].notna().all()]
    bands = [each.get_paths()[0].vertices for each in axes.collections]
    assert len(bands) == len(banded) == 3
    for rows in banded:
        corners = {*zip(rows["error"], rows["low"], strict=True), *zip(rows["error"], rows["high"], strict=True)}
        assert any(corners <= set(map(tuple, vertices)) for vertices in bands)


def test_landmarks_and_parameters_are_the_csv(drawn):
    root, drawings = drawn
    told = csv(root, "landmarks_tfake")
    faces = [axes for axes in artists(drawings["landmarks_tfake"]).axes if axes.get_title(loc="center")]
    assert [axes.get_title(loc="center") for axes in faces] == list(dict.fromkeys(told["contestant"]))
    dots = np.concatenate([np.asarray(axes.collections[0].get_offsets()) for axes in faces])
    assert dots == pytest.approx(told[["x", "y"]].to_numpy())
    colours = np.concatenate([np.asarray(axes.collections[0].get_array()) for axes in faces])
    assert colours == pytest.approx(told["error"].to_numpy())
    told = csv(root, "pareto_tfake")
    (axes,) = artists(drawings["pareto_tfake"]).axes
    shown = [line.get_xydata()[0] for line in axes.lines if line.get_marker() == "o"]
    assert np.array(shown) == pytest.approx(told[["parameters", "error"]].to_numpy())
    assert told["best"].tolist() == [True, False, False]  # kd_st has as many as ktl_s and a higher error


def test_alternative_texts_hold_the_numbers(drawn):
    root, drawings = drawn
    assert "ktl_s 9.12 (7.89–10.57) %; kd_st 9.68" in drawings["leaderboard_tfake"].alt
    assert "3 contestants" not in drawings["leaderboard_tfake"].alt
    assert "Most faces found: 2 contestants, 100.00 %" in drawings["leaderboard_tfake"].alt
    told = csv(root, "ced_tfake")
    error = float(re.search(r"At an error of ([\d.]+) %", drawings["ced_tfake"].alt)[1])
    row = told[(told["contestant"] == EVIL) & np.isclose(told["error"], error)]
    assert f"{EVIL} {row['fraction'].item():.2f} %" in drawings["ced_tfake"].alt
    assert "ktl_s: lowest 9.12 % at" in drawings["landmarks_tfake"].alt
    assert "highest 13.12 % at" in drawings["landmarks_tfake"].alt
    assert "ktl_s 4.00 million, 9.12 %" in drawings["pareto_tfake"].alt


def test_pictures_have_both_widths_and_no_clock(drawn):
    root, _ = drawn
    for width in figures.WIDTHS:
        with Image.open(root.parent / "out" / f"ced_tfake_{width}.png") as picture:
            assert picture.width == 2 * width
        svg = (root.parent / "out" / f"ced_tfake_{width}.svg").read_text(encoding="utf-8")
        assert float(re.search(r'width="([\d.]+)pt"', svg)[1]) * 4 / 3 == pytest.approx(width)
        assert "<dc:date>" not in svg and "onerror=x>" not in svg and "T-FAKE, rendered" in svg
        assert "rendered data, no evidence about cameras" in svg


def test_nothing_is_drawn_of_what_is_not_known(tmp_path):
    root = scene(tmp_path / "results")
    sets = open_all(root)
    faceless = sets["tfake"].data_set.model_copy(update={"face": ()})
    bare = sets["tfake"].model_copy(update={"data_set": faceless, "records": sets["tfake"].records[:1]})
    kinds = {each.kind for each in build.draw({"tfake": bare}, root, tmp_path / "out")}
    assert kinds == {"leaderboard", "ced"}
    nobody = bare.model_copy(update={"records": sets["tfake"].records[-1:]})
    assert build.draw({"tfake": nobody}, root, tmp_path / "none") == []


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_area_above_a_curve_is_the_mean_error_of_all_faces(seeds):
    own = per_face(0.2, missed=5, seeds=seeds)
    drawn = curve(own, 0.5, samples=5001, replicates=0)
    capped = np.minimum(own["per_seed"], 0.5).mean()
    assert trapezoid(1 - drawn.fraction, drawn.error) == pytest.approx(capped, abs=2e-4)
    assert np.isnan(drawn.low).all()


def test_a_curve_by_hand():
    own = per_face(0.1, 0)
    own["per_seed"] = np.array([[0.1] * 12 + [0.3] * 6 + [np.inf] * 6])
    drawn = curve(own, 0.4, samples=5)
    assert drawn.error == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert drawn.fraction == pytest.approx([0, 0.5, 0.5, 0.75, 0.75])
    assert (drawn.low <= drawn.fraction).all() and (drawn.fraction <= drawn.high).all()
    expected = rate_interval(own["per_seed"] <= 0.3, own["subjects"], 1000, 0)
    assert (drawn.low[3], drawn.high[3]) == pytest.approx(expected)


def test_faces_that_cannot_be_scored_do_not_count():
    own = per_face(0.1, 0)
    own["per_seed"] = np.array([[0.1] * 12 + [np.nan] * 6 + [np.inf] * 6])
    assert curve(own, 0.4, samples=5, replicates=0).fraction == pytest.approx([0, 2 / 3, 2 / 3, 2 / 3, 2 / 3])


def test_order_goes_by_all_faces_and_landmarks(tmp_path):
    results = open_all(scene(tmp_path / "results"))["tfake"]
    assert [each.contestant for each in ranking.ranked(results)] == ["ktl_s", "kd_st", EVIL, "blind", FORMULA]
    assert [each.contestant for each in ranking.most_found(results)] == ["ktl_s", "kd_st"]
    assert ranking.overall({"a": results})[-1] == "dlib"
    assert ranking.ranked(result_set()) == [] and ranking.most_found(result_set()) == []
