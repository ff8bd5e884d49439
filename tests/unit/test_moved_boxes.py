"""Boxes that are not quite right: how they are moved, what contestants say in them, and how that is scored."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_evaluate import FAST, evaluate, faces, predictions
from test_learned import frame, nose, packed
from test_mean_shape import table

import drawn_faces
from prediction_setting import setting_in
from thermark.core import files, geometry, perturbations
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.core.faces import open_set
from thermark.core.perturbations import BoxPerturbation
from thermark.core.predictions import Predictions, file_name
from thermark.metrics import score_all
from thermark.metrics.outputs import SUFFIXES, Outputs
from thermark.metrics.registry import MOVED
from thermark.metrics.score_key import ScorePaths
from thermark.models import mean_shape
from thermark.models.inference.contract import Assets
from thermark.models.inference.crops import predict, predict_all

BOXES = np.array([[10, 20, 30, 60], [0, 0, 100, 50], [np.nan] * 4], np.float32)
IDS = ["a", "b", "c"]


def centre(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def test_a_shift_moves_the_centre_by_a_part_of_the_sides_and_leaves_them():
    shifted = perturbations.perturb_boxes(BOXES, IDS, BoxPerturbation(shift=0.1))
    np.testing.assert_allclose(geometry.box_size(shifted)[:2], geometry.box_size(BOXES)[:2], rtol=1e-6)
    steps = (centre(shifted) - centre(BOXES))[:2] / geometry.box_size(BOXES)[:2]
    np.testing.assert_allclose(np.hypot(*steps.T), 0.1, rtol=1e-5)
    assert np.isnan(shifted[2]).all()


def test_a_scale_makes_both_sides_larger_or_smaller_about_the_centre():
    scaled = perturbations.perturb_boxes(BOXES, IDS, BoxPerturbation(scale=0.2))
    np.testing.assert_allclose(centre(scaled)[:2], centre(BOXES)[:2], rtol=1e-6)
    factors = geometry.box_size(scaled)[:2] / geometry.box_size(BOXES)[:2]
    assert {round(float(each), 5) for each in factors.ravel()} <= {0.8, 1.2}
    np.testing.assert_allclose(factors[:, 0], factors[:, 1], rtol=1e-6)


def test_all_directions_and_both_factors_are_drawn_by_the_id_alone():
    ids = [f"face {number}" for number in range(400)]
    boxes = np.tile(np.array([[0, 0, 10, 10]], np.float32), (400, 1))
    steps = centre(perturbations.perturb_boxes(boxes, ids, BoxPerturbation(shift=0.2))) - 5
    angles = np.rint(np.degrees(np.arctan2(steps[:, 1], steps[:, 0])) % 360).astype(int)
    counts = dict(zip(*np.unique(angles, return_counts=True), strict=True))
    assert set(counts) == set(range(0, 360, 45)) and min(counts.values()) > 20
    grown = geometry.box_size(perturbations.perturb_boxes(boxes, ids, BoxPerturbation(scale=0.1)))[:, 0] > 10
    assert 150 < grown.sum() < 250
    again = perturbations.perturb_boxes(boxes[:3], ids[:3][::-1], BoxPerturbation(shift=0.2))[::-1]
    np.testing.assert_array_equal(again, perturbations.perturb_boxes(boxes, ids, BoxPerturbation(shift=0.2))[:3])


def test_variants_are_named_by_percent_and_boxes_stay_in_their_crop():
    config = parse({"datasets": ["x"], "shift": [0.1, 0.125], "scale": [0.2]}, perturbations.Config, "moved_boxes")
    assert config.moves(["x"]) == {
        "x": {
            "shift10": BoxPerturbation(0.1),
            "shift12.5": BoxPerturbation(0.125),
            "scale20": BoxPerturbation(0.0, 0.2),
        }
    }
    assert not perturbations.Config().moves([])
    with pytest.raises(ConfigError, match="moved_boxes names x, which is not scored"):
        config.moves(["y"])
    for wrong in ({"shift": [0.3]}, {"scale": [0.5]}, {"shift": [0.0]}, {"scales": [0.1]}):
        with pytest.raises(ConfigError):
            parse(wrong, perturbations.Config, "moved_boxes")


@settings(max_examples=20)
@given(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2), st.floats(0.8, 1.2))
def test_a_packed_crop_answers_for_another_box_as_the_picture_does(dx, dy, factor):
    """The brightest spot of a picture, told a box beside it: through the packed crop of the right box, and not."""
    at, box = np.array([150.0, 97.0]), np.array([110.0, 60, 190, 140], np.float32)
    other = (box + 80 * np.array([dx, dy] * 2) + 40 * (factor - 1) * np.array([-1, -1, 1, 1])).astype(np.float32)
    image = frame(at)
    direct = nose()([image], [other[None]])[0].xy
    pixels, to_source = packed(image, box, 192, 1.75)
    to_packed = geometry.compose(geometry.invert(to_source[0]), geometry.crop_to_source(other, 192, 1.75))
    seen, _ = nose().on_crops(pixels[..., 0], to_source, 1.75, to_packed[None])
    np.testing.assert_allclose(seen, direct, atol=0.5)
    np.testing.assert_allclose(seen[0, 0], at, atol=1)


def test_the_mean_shape_follows_the_box(tmp_path):
    """It looks at nothing, so that its points move exactly as the boxes do; without a move nothing changes."""
    drawn_faces.write(tmp_path / "faces/drawn", 20, 48)
    files.write_json(tmp_path / "reports/drawn.json", {"fingerprint": "f"})
    known, crops = open_set(tmp_path / "faces/drawn")
    shape = mean_shape.load(
        mean_shape.Config(family="mean_shape", train="drawn"), Assets(faces=tmp_path / "faces"), "cpu"
    )
    (tmp_path / "out").mkdir()
    moves = {"drawn": {"shift10": BoxPerturbation(0.1), "scale20": BoxPerturbation(0.0, 0.2)}}
    setting = setting_in(tmp_path, {"drawn": "all"}, moves=moves)
    missing = {"drawn.npz", *(file_name("drawn", name) for name in moves["drawn"])}
    predict_all(shape, "m", setting, ["drawn"], tmp_path / "out", missing)
    plain = Predictions.open(tmp_path / "out/drawn.npz")
    np.testing.assert_array_equal(plain.xy, predict(shape, "m", known, crops, "f").xy)
    for name, move in moves["drawn"].items():
        prediction = Predictions.open(tmp_path / "out" / file_name("drawn", name))
        boxes = perturbations.perturb_boxes(known.prompts, known.ids, move)
        np.testing.assert_array_equal(prediction.boxes, boxes)
        direct = shape([np.zeros((9, 9, 3), np.uint8)], [boxes])[0].xy
        np.testing.assert_allclose(prediction.xy, direct, atol=1e-2)
        assert np.abs(prediction.xy - plain.xy).max() > 1


def test_a_face_without_a_prompt_is_missed_in_moved_boxes_too():
    known = table(np.random.default_rng(2).uniform(20, 90, (2, 68, 2)), ["train"] * 2)
    shape = mean_shape.fit(known)
    maps = np.stack([geometry.crop_to_source(box, 64, 1.75) for box in known.prompts])
    maps[1] = np.nan
    xy, score = shape.on_crops(np.zeros((2, 64, 64), np.uint8), maps, 1.75, np.stack([np.eye(2, 3)] * 2))
    assert np.isnan(xy[1]).all() and np.isnan(score[1]).all() and np.isfinite(xy[0]).all()


def off(truth, dx: float) -> Predictions:
    prediction = predictions(truth, noise=0)
    return replace(prediction, xy=prediction.xy + np.array([dx, 0], np.float32))


def test_what_was_said_of_moved_boxes_is_a_subset_of_the_scores():
    """Three pixels off as it is, five and seven by seed in moved boxes: six on average, and nothing else moves."""
    truth = faces()
    plain = evaluate(truth, [off(truth, 3), off(truth, 3)], FAST)
    result = evaluate(
        truth, [off(truth, 3), off(truth, 3)], FAST, moved={"shift10": [off(truth, 5), off(truth, 7)]}
    )
    assert MOVED not in plain.subsets and result.summary == plain.summary
    assert result.subsets[MOVED].keys() == {"shift10"}
    assert result.subsets[MOVED]["shift10"]["error_px_mean"] == pytest.approx(6, abs=1e-4)
    assert result.summary["error_px_mean"] == pytest.approx(3, abs=1e-4)


def test_files_of_moved_boxes_are_scored_where_they_are_answers(tmp_path):
    truth = faces()
    truth.save(tmp_path / "faces/one/faces.npz")
    files.write_json(tmp_path / "reports/one.json", {"fingerprint": "d"})
    off(truth, 3).save(tmp_path / "predictions/c/one.npz")
    paths = ScorePaths(tmp_path / "faces", tmp_path / "reports", tmp_path / "predictions")
    out = Outputs(*(tmp_path / "out" / kind for kind in SUFFIXES))
    moves = {"one": {"shift10": BoxPerturbation(0.1)}}

    def scored() -> dict:
        score_all.score_all(["c"], {"one": FAST}, paths, out, tmp_path / "out/summary", {}, 1, moves)
        return files.read_json(out.details / "c/one.json")["subsets"]

    with pytest.raises(DataError, match=r"one@shift10\.npz is missing"):
        scored()
    Predictions.none("c", "d", "skipped", "it is told no box").save(tmp_path / "predictions/c/one@shift10.npz")
    assert MOVED not in scored()
    off(truth, 5).save(tmp_path / "predictions/c/one@shift10.npz")
    assert scored()[MOVED]["shift10"]["error_px_mean"] == pytest.approx(5, abs=1e-4)
    off(truth, 4).save(tmp_path / "predictions/c/one@shift10.npz")  # another answer is scored again
    assert scored()[MOVED]["shift10"]["error_px_mean"] == pytest.approx(4, abs=1e-4)
