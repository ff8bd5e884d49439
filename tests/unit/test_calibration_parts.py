"""Folds, intervals, verdicts and pictures of a calibration, each against what is known by hand."""

import re
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from thermark import cli
from thermark.calibrate import options, paths, pictures, predict, summary_text
from thermark.calibrate.cross_validation import Trainer, cross_validate, folds
from thermark.calibrate.labelled import LabelledCrops, touches
from thermark.calibrate.predict import Input, batches
from thermark.calibrate.table import number
from thermark.core import files, geometry
from thermark.core.errors import ConfigError, DataError
from thermark.fewshot import training
from thermark.landmarker import units
from thermark.metrics.paired import Paired
from thermark.train.checkpoint import Progress
from thermark.train.loop import Trained


@given(
    groups=st.lists(st.sampled_from("abcdefgh"), min_size=3, max_size=30),
    count=st.integers(-1, 10),
    seed=st.integers(0, 3),
)
def test_no_group_is_on_two_sides_and_each_row_is_held_out_once(groups, count, seed):
    names = np.array(groups)
    try:
        made = folds(names, count, seed)
    except ConfigError as error:
        assert "choose --folds" in error.remedy or "label" in error.remedy
        different = len(set(groups))
        # With as many folds as groups, one is held out and two are needed beside it.
        assert different < 3 or count != different
        return
    assert len(made) == count
    assert sorted(np.concatenate([fold.test for fold in made]).tolist()) == list(range(len(names)))
    for fold in made:
        sides = [set(names[rows]) for rows in (fold.train, fold.val, fold.test)]
        assert all(sides) and sum(map(len, sides)) == len(set().union(*sides)) == len(set(groups))


def test_folds_depend_on_the_seed_and_on_nothing_else():
    names = np.array([f"{index:02d}" for index in range(20)])
    first, again, other = (folds(names, 5, seed)[0].test.tolist() for seed in (0, 0, 1))
    assert first == again != other and len(first) == 4


def test_a_summary_counts_misses_and_gives_no_false_certainty():
    errors = np.array([1.0, 2.0, 3.0, 6.0, np.inf])
    summary = summary_text.summary(errors, np.array(list("abcde")), 0)
    assert summary["mean"].value == 3 and summary["median"].value == 2.5 and summary["missed"].value == 1
    assert summary["pck@3px"].value == pytest.approx(0.6) and summary["pck@20px"].value == pytest.approx(0.8)
    low, high = summary["mean"].bounds
    assert 0 <= low < 3 < high
    low, high = summary["median"].bounds
    assert 1 <= low < 2.5 < high <= 6
    assert summary_text.summary(errors[:3], np.array(list("abc")), 0)["pck@20px"].bounds is None
    assert summary_text.summary(errors[:3], np.array(list("aaa")), 0)["mean"].bounds is None
    assert summary_text.summary(errors[4:], np.array(["a"]), 0)["mean"].value is None


def test_the_interval_of_a_median_resamples_groups():
    """Rows of one group come and go together, so doubling them changes nothing."""
    values, names = np.arange(12.0), np.array([f"{index:02d}" for index in range(12)])
    once = summary_text.median_interval(values, names, 0)
    assert once == summary_text.median_interval(np.repeat(values, 3), np.repeat(names, 3), 0)
    assert once[0] > 1 and once[1] < 10


def gain(mean, median=(-3.0, -4.0, -2.0), missed=(0, 0)):
    paired = Paired(*mean, faces=30, left_out=0, seeds=(0, 0), varied="subjects")
    return summary_text.Improvement(
        paired, summary_text.Number(median[0], median[1:] if median[1] is not None else None), missed
    )


BETTER, SAME, WORSE, UNKNOWN = (-3.0, -4.0, -2.0), (-3.0, -4.0, 0.5), (3.0, 2.0, 4.0), (-3.0, None, None)


@pytest.mark.parametrize(
    ("found", "helps", "says"),
    [
        (gain(BETTER), True, r"^Calibration helps: the mean error changes by -3\.00 px"),
        (gain(BETTER, SAME), True, "^Calibration helps: "),
        (gain(SAME, BETTER), True, "^Calibration helps on the typical picture: .* decide the mean"),
        (gain(SAME, SAME), False, "^Nothing was gained"),
        (gain(WORSE, BETTER), False, "^Calibration makes it worse"),
        (gain(BETTER, WORSE), False, "^Calibration makes it worse"),
        (gain(BETTER, missed=(0, 1)), False, "^1 instead of 0 labels are missed"),
        (gain(BETTER, missed=(2, 1)), True, "helps"),
        (gain(UNKNOWN, UNKNOWN), False, "too few groups"),
        (gain((None, None, None), (None, None, None)), False, "^Nothing can be said"),
    ],
)
def test_only_a_difference_that_was_shown_is_a_gain(found, helps, says):
    assert found.helps == helps and re.search(says, summary_text.verdict(found))


def test_a_difference_is_after_minus_before():
    names = np.array([f"{index:02d}" for index in range(30)])
    before = 5 + np.sin(np.arange(30.0))
    comparison = summary_text.paired_gain(before, before - 2, names, names, 0)
    assert comparison.mean.difference == pytest.approx(-2) and comparison.mean.verdict == "lower error"
    assert comparison.median.value == pytest.approx(-2) and comparison.median.bounds == pytest.approx((-2, -2))
    columns = {"before": before, "after": before - 2, "constant": before + 1}
    table = summary_text.table({name: summary_text.summary(each, names, 0) for name, each in columns.items()})
    assert table.splitlines()[0].split() == list(columns)
    assert [line.split("  ")[0] for line in table.splitlines()][1:3] == ["mean, px", "median, px"]
    assert "None" not in table and len(table.splitlines()) == 8


def test_who_gains_much_may_still_be_no_better_than_a_constant():
    names = np.array([f"{index:02d}" for index in range(30)])
    noise = np.sin(np.arange(30.0))
    before, after, constant = 80 + noise, 21 + noise, 20 + np.cos(np.arange(30.0))
    assert summary_text.paired_gain(before, after, names, names, 0).helps
    better = summary_text.paired_gain(constant, after, names, names, 0)
    assert summary_text.constant_verdict(better).startswith("It is no better than a constant place")
    assert "+1.0" in summary_text.constant_verdict(better)
    comparison = summary_text.paired_gain(constant, after - 5, names, names, 0)
    assert (
        summary_text.constant_verdict(comparison).startswith("It is better than a constant place")
        and comparison.helps
    )


def test_a_constant_answers_the_mean_place_of_the_labels_of_others():
    """In crop px, each point from where it is labelled; an affine map then puts it into the frame."""
    crop_xy = np.array(
        [[[10.0, 20], [0, 0]], [[30, 40], [np.nan, np.nan]], [[99, 99], [4, 8]], [[50, 50], [np.nan, np.nan]]]
    )
    to_frame = np.repeat(np.array([[[2.0, 0, 1], [0, 3.0, 0]]]), 4, axis=0)
    xy = geometry.apply(to_frame, crop_xy)
    labelled = SimpleNamespace(crop_xy=crop_xy, to_frame=to_frame, xy=xy)
    trainer = Trainer(labelled, torch.zeros(4), None, training.Config(), 4, 0, "dark")
    errors = trainer.constant_errors(np.array([0, 1]), np.array([2, 3]))
    # The first point's mean is (20, 30), the second's (0, 0) from the only row that has it.
    first = np.hypot(2 * 79, 3 * 69), np.hypot(2 * 4, 3 * 8)
    np.testing.assert_allclose(errors, [np.mean(first), np.hypot(2 * 30, 3 * 20)])


def test_gross_errors_of_a_few_do_not_hide_a_gain():
    """A fifth is lost before and after, to various places: the mean is all noise, the median is not."""
    names = np.array([f"{index:02d}" for index in range(60)])
    near = np.sin(np.arange(60.0))
    before, after = 14 + near, 6 + near
    before[:10], after[:10] = 40 + 60 * np.abs(np.sin(np.arange(10))), 40 + 60 * np.abs(np.cos(np.arange(10)))
    after[10:13] = 140
    comparison = summary_text.paired_gain(before, after, names, names, 0)
    assert (
        comparison.mean.verdict == "no difference shown" and comparison.median.bounds[1] < -4 and comparison.helps
    )


@pytest.mark.parametrize(
    ("unit", "of_celsius"), [("fahrenheit", lambda t: t * 1.8 + 32), ("kelvin", lambda t: t + 273.15)]
)
def test_another_unit_is_named_and_converted_on_request(tmp_path, unit, of_celsius):
    """25 to 37 degrees, which as Fahrenheit or Kelvin would all be white."""
    degrees = np.linspace(25, 37, 64, dtype=np.float32).reshape(8, 8)
    cv2.imwrite(str(tmp_path / "c.tiff"), degrees)
    cv2.imwrite(str(tmp_path / "x.tiff"), of_celsius(degrees).astype(np.float32))
    wanted = pictures.read(tmp_path / "c.tiff", pictures.heat("20,40", "celsius"))
    with pytest.raises(
        ConfigError, match=rf"x\.tiff has a median of .*, which looks like degrees in {unit}"
    ) as error:
        pictures.read(tmp_path / "x.tiff", pictures.heat("20,40", "celsius"))
    assert error.value.remedy == f"add --unit {unit}"
    picture = pictures.read(tmp_path / "x.tiff", pictures.heat("20,40", unit))
    assert np.abs(picture.astype(int) - wanted).max() <= 1 and wanted.std() > 20


def test_a_calibration_remembers_its_unit_and_older_ones_had_celsius(tmp_path):
    tone = pictures.tone("20,40").model_dump()
    for account, wanted in (
        ({"tone": tone, "unit": "kelvin"}, "kelvin"),
        ({"tone": tone}, "celsius"),
        ({"tone": None, "unit": None}, None),
    ):
        files.write_json(tmp_path / paths.ACCOUNT, account)
        heat = paths.heat(tmp_path / "seed0")
        assert (heat and heat.unit) == wanted
    assert ("celsius", *units.LIKELY) == options.UNITS


@pytest.mark.parametrize(("text", "name"), [("20,40", "clip"), ("minmax", "minmax"), ("clahe", "clahe")])
def test_a_tone_is_named_or_two_temperatures(text, name):
    assert pictures.tone(text).name == name


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("40,20", "--tone 40,20: LOW must be below HIGH"),
        ("20,20", "must be below"),
        ("nan,40", "must be below"),
        ("-inf,40", "must be below"),
        ("1,2,3", "is no tone mapping"),
    ],
)
def test_a_tone_that_cannot_be_is_refused_in_words_of_the_command(text, cause):
    with pytest.raises(ConfigError, match=cause) as caught:
        pictures.tone(text)
    assert "params" not in caught.value.remedy and "\n" not in str(caught.value)


def test_a_temperature_is_known_by_its_type_and_its_unit(tmp_path):
    """The same 20..40 degrees in centikelvin, 1/64 kelvin and degrees."""
    celsius = np.linspace(20, 40, 64).reshape(8, 8)
    stored = {
        "a.tiff": celsius.astype(np.float32),
        "b.tiff": np.rint((celsius + 273.15) * 100).astype(np.uint16),
        "c.png": np.rint((celsius + 273.15) * 64).astype(np.uint16),
    }
    for name, image in stored.items():
        cv2.imwrite(str(tmp_path / name), image)
        grey = pictures.read(tmp_path / name, pictures.heat("20,40", "celsius"))
        np.testing.assert_allclose(grey, np.linspace(0, 255, 64).reshape(8, 8), atol=0.7)
        with pytest.raises(ConfigError, match="temperatures"):
            pictures.read(tmp_path / name, None)
    cv2.imwrite(str(tmp_path / "d.png"), np.full((8, 8, 3), 30_000, np.uint16))
    with pytest.raises(DataError, match="3 channels of uint16"):
        pictures.read(tmp_path / "d.png", None)
    cv2.imwrite(str(tmp_path / "e.png"), np.full((8, 8, 4), 30, np.uint8))
    assert pictures.read(tmp_path / "e.png", None).shape == (8, 8, 3)


def test_a_picture_is_found_by_its_name_or_by_the_only_one_like_it(tmp_path):
    for name in ("a.png", "b.png", "b.tiff", "c.jpg", "d.jpeg", "d.png"):
        (tmp_path / name).write_bytes(b"")
    assert pictures.find(tmp_path, "b.png").name == "b.png" and pictures.find(tmp_path, "a.jpg").name == "a.png"
    assert pictures.find(tmp_path, "b.jpg").name == "b.png" and pictures.find(tmp_path, "b.tif").name == "b.tiff"
    for name in ("d.jpg", "d.tif"):
        with pytest.raises(DataError, match=rf"{name} may be d\.jpeg or d\.png"):
            pictures.find(tmp_path, name)
    with pytest.raises(DataError, match="is not in"):
        pictures.find(tmp_path, "x/c.jpg")
    with pytest.raises(DataError, match="there is no folder"):
        pictures.below(tmp_path / "x")


def test_predict_takes_one_picture_and_says_that_its_tag_turns_it(tmp_path, monkeypatch, capsys):
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("a.jpg", "b.jpg"):
        Image.fromarray(np.full((40, 60), 50, np.uint8)).save(tmp_path / name, exif=exif)

    def centres(images, boxes):
        return [((part[:, None, :2] + part[:, None, 2:]) / 2, np.ones((len(part), 1))) for part in boxes]

    monkeypatch.setattr(predict, "load_predictor", lambda *_: ("nose1", centres))
    monkeypatch.setattr(paths, "only_seed", lambda folder: folder)
    out = tmp_path / "p.csv"
    cli._main(["predict", "--predictor", str(tmp_path), "--images", str(tmp_path / "b.jpg"), "--out", str(out)])
    assert out.read_text().splitlines()[1:] == ["b.jpg,-0.5,-0.5,60,40,29.5,19.5,1"]
    said = "warning: b.jpg: its EXIF tag turns it: pixels are taken as they are stored\n"
    assert capsys.readouterr().err == said


def test_a_box_beside_the_picture_does_not_touch_it():
    picture = np.zeros((10, 20), np.uint8)
    assert touches(np.array([19.4, 9.4, 30, 30]), picture) and touches(np.array([-9, -9, -0.4, -0.4]), picture)
    assert not touches(np.array([19.5, 0, 30, 5]), picture) and not touches(np.array([0, -9, 5, -0.5]), picture)


def test_pictures_go_through_a_network_together_unless_their_depth_differs():
    grey, colour = np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.uint8)
    row = [grey] * 20 + [None, colour, None, colour, grey]
    seen = [Input(str(index), picture, np.zeros((1, 4), np.float32)) for index, picture in enumerate(row)]
    parts = list(batches(iter(seen)))
    assert [one.name for part in parts for one in part] == [one.name for one in seen]
    assert [len(part) for part in parts] == [16, 5, 3, 1]


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1"), (-0.0001, "0"), (12.3456, "12.346"), (100.0, "100"), (np.nan, ""), (-0.5, "-0.5")],
)
def test_numbers_are_written_without_needless_digits(value, text):
    assert number(value, 3) == text


def test_no_head_is_measured_on_what_it_has_seen(monkeypatch):
    """Each weight remembers the groups of its rows, and no answer is asked of it about one of them."""
    groups = np.array([f"{row // 2:02d}" for row in range(24)])
    calls = []

    def fit(features, xy, train, val, *rest):
        return Trained({"saw": torch.tensor([*train, *val])}, Progress(best_epoch=7, best=0.0))

    def predict(trainer, weights, rows):
        calls.append((set(groups[weights["saw"].numpy()]), rows))
        return np.zeros((len(rows), 1, 2))

    monkeypatch.setattr(training, "fit", fit)
    monkeypatch.setattr(Trainer, "predict", predict)
    to_frame = np.tile(np.eye(2, 3), (24, 1, 1))
    xy = np.ones((24, 1, 2))
    data = LabelledCrops(groups, groups, groups, np.zeros((24, 8, 8), np.uint8), xy, xy, to_frame)
    trainer = Trainer(data, torch.zeros(24, 1, 2, 2), None, training.Config(), 4, 0, "dark")
    given = {"saw": torch.tensor([], dtype=torch.int64)}
    result = cross_validate(trainer, given)
    assert sorted(np.concatenate([rows for _, rows in calls[1:]]).tolist()) == list(range(24))
    assert all(len(saw) == 9 and not saw & set(groups[rows]) for saw, rows in calls[1:])
    assert result.epochs == (7,) * 4 and result.after == pytest.approx(np.full(24, np.sqrt(2)))
