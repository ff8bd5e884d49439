"""A post shows the figures of the page, whose numbers and words are tested there, and the numbers behind them."""

from io import StringIO
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.integrate import trapezoid

from post_inputs import EVIL, FORMULA, per_face, result_set, scene, unpainted
from thermark.metrics.bootstrap import interval
from thermark.report.blog import build, figures
from thermark.report.results import ranking
from thermark.report.results.curves import curve
from thermark.report.results.record import open_all


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Return the folder of records and all drawings, of which those of `tfake` are painted in `out` beside it."""
    root = scene(tmp_path_factory.mktemp("figures") / "results")
    out = root.parent / "out"
    with unpainted():
        drawings = build.draw(open_all(root), root, out)
    for drawing in drawings:
        if drawing.dataset == "tfake":
            figures.write(out, drawing)
    return root, {drawing.name: drawing for drawing in drawings}


def csv(root, name):
    return pd.read_csv(StringIO((root.parent / "out" / f"{name}.csv").read_text(encoding="utf-8")))


def test_a_csv_has_all_numbers_of_its_figure_and_says_whose_they_are(drawn):
    root, drawings = drawn
    assert {drawing.kind for drawing in drawings.values()} == set(figures.KINDS)
    for name, drawing in drawings.items():
        table = csv(root, name)
        assert set(table["data"]) == {{"tfake": "rendered", "car": "real"}[drawing.dataset]}
        assert len(table) == len(drawing.table) > 0
    leaderboard = csv(root, "leaderboard_tfake").set_index("contestant")
    assert leaderboard.loc["ktl_s", ["found", "error", "error_low"]].tolist() == pytest.approx([100, 9.12, 7.89])
    assert leaderboard.loc[EVIL, "error_found"] == pytest.approx(10.44) and np.isnan(
        leaderboard.loc["blind", "error_found"]
    )
    assert leaderboard["partial"].tolist() == [False, False, False, False, True]
    grey = {drawing.dataset for drawing in drawings.values() if drawing.kind == "ced"}
    assert grey == {"tfake", "car"} and set(csv(root, "ced_tfake")["contestant"]) == {
        "ktl_s",
        "kd_st",
        EVIL,
        f"'{FORMULA}",
    }
    assert csv(root, "pareto_tfake")["front"].iloc[:3].tolist() == [True, False, False]


def test_alternative_texts_hold_the_numbers(drawn):
    _, drawings = drawn
    text = drawings["leaderboard_tfake"].alt
    assert "ktl_s 9.12 % (95 % interval 7.89–10.57); kd_st 9.68 %" in text
    assert text.startswith("T-FAKE, rendered (rendered data, no evidence about cameras). 5 contestants.")
    assert "Most faces found: 2 contestants, 100.00 %" in text
    assert "ktl_s from 9.12 % (" in drawings["landmarks_tfake"].alt
    assert "ktl_s 4 M parameters and 9.12 %" in drawings["pareto_tfake"].alt


@pytest.mark.parametrize("width", figures.WIDTHS)
@pytest.mark.parametrize("kind", figures.KINDS)
def test_pictures_have_both_widths_are_safe_and_the_same_each_time(drawn, kind, width):
    root, drawings = drawn
    path = root.parent / "out" / f"{kind}_tfake_{width}.svg"
    svg = path.read_text(encoding="utf-8")
    assert float(ElementTree.fromstring(svg).get("width")) == pytest.approx(width, abs=4)
    with Image.open(path.with_suffix(".png")) as picture:
        assert picture.width == pytest.approx(2 * width, abs=8)
    assert "onerror=x>" not in svg and "T-FAKE, rendered" in svg
    assert "rendered data, no evidence about cameras" in svg and figures.FONT in svg
    assert figures.svg(drawings[f"{kind}_tfake"].spec, width) == svg
    assert figures.vl_convert.svg_to_png(svg, scale=2) == path.with_suffix(".png").read_bytes()


def test_nothing_is_drawn_of_what_is_not_known(tmp_path):
    root = scene(tmp_path / "results")
    sets = open_all(root)
    faceless = sets["tfake"].data_set.model_copy(update={"face": ()})
    record = sets["tfake"].records[0].model_copy(update={"exact": {}})
    bare = sets["tfake"].model_copy(update={"data_set": faceless, "records": (record,)})
    with unpainted():
        kinds = {drawing.kind for drawing in build.draw({"tfake": bare}, root, tmp_path / "out")}
    assert kinds == {"leaderboard", "ced"}
    nobody = bare.model_copy(update={"records": sets["tfake"].records[-1:]})
    assert build.draw({"tfake": nobody}, root, tmp_path / "none") == []


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_area_above_a_curve_is_the_mean_error_of_all_faces(seeds):
    errors = per_face(0.2, missed=5, seeds=seeds)
    drawn = curve(errors, 0.5, samples=5001)
    capped = np.minimum(errors["per_seed"], 0.5).mean()
    assert trapezoid(1 - drawn.fraction, drawn.error) == pytest.approx(capped, abs=2e-4)
    assert np.isnan(drawn.low).all()


def test_a_curve_by_hand():
    errors = per_face(0.1, 0)
    errors["per_seed"] = np.array([[0.1] * 12 + [0.3] * 6 + [np.inf] * 6])
    drawn = curve(errors, 0.4, samples=5, replicates=1000)
    assert drawn.error == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert drawn.fraction == pytest.approx([0, 0.5, 0.5, 0.75, 0.75])
    assert (drawn.low <= drawn.fraction).all() and (drawn.fraction <= drawn.high).all()
    expected = interval(errors["per_seed"] <= 0.3, errors["subjects"], 1000, 0, within=(0.0, 1.0))
    assert (drawn.low[3], drawn.high[3]) == pytest.approx(expected)


def test_faces_that_cannot_be_scored_do_not_count():
    errors = per_face(0.1, 0)
    errors["per_seed"] = np.array([[0.1] * 12 + [np.nan] * 6 + [np.inf] * 6])
    assert curve(errors, 0.4, samples=5).fraction == pytest.approx([0, 2 / 3, 2 / 3, 2 / 3, 2 / 3])


def test_order_goes_by_all_faces_and_landmarks(tmp_path):
    results = open_all(scene(tmp_path / "results"))["tfake"]
    assert [each.contestant for each in ranking.ranked(results)] == ["ktl_s", "kd_st", EVIL, "blind", FORMULA]
    assert [each.contestant for each in ranking.most_found(results)] == ["ktl_s", "kd_st"]
    assert ranking.overall({"a": results})[-1] == "dlib"
    assert ranking.ranked(result_set()) == [] and ranking.most_found(result_set()) == []
