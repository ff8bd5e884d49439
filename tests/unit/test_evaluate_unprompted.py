"""Contestants that find faces themselves: what is matched, what is counted, and what must not leak."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_evaluate import ROWS, faces, predictions, silent

from thermark.core import files
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.core.faces import Faces
from thermark.core.predictions import Predictions
from thermark.metrics import evaluate as evaluation
from thermark.metrics import registry
from thermark.metrics.evaluate import Config
from thermark.metrics.outputs import Outputs, relatives
from thermark.metrics.score_all import score_all
from thermark.metrics.score_key import ScorePaths

NOSE = Config(vocabulary="nose1", bootstrap=20)
FAST = Config(bootstrap=20)
evaluate = partial(evaluation.evaluate, dataset="shown")


def scene(splits: str = "test") -> Faces:
    """Return two people in frame a at (50, 50) and (150, 50), one in b at (100, 80); heads of 40, 40 and 20 px."""
    noses = np.float32([[50, 50], [150, 50], [100, 80]])
    half = np.float32([20, 20, 10])[:, None]
    prompts = np.concatenate([noses - half, noses + half], axis=1)
    table = replace(faces(3, "nose1"), xy=noses[:, None], prompts=prompts, boxes=prompts)
    strata = {"distance": np.array(["2ft", "6ft", "6ft"])}
    return replace(table, frames=np.array(["a", "a", "b"]), splits=np.full(3, splits), strata=strata)


def found(*instances: tuple[str, float, float], source: str = "detector") -> Predictions:
    """Return noses found in frames."""
    count = len(instances)
    return Predictions(
        contestant="c",
        vocabulary="nose1",
        box_source=source,
        data="d",
        frames=np.array([frame for frame, _, _ in instances], "U9"),
        faces=np.full(count, -1),
        xy=np.array([place for _, *place in instances], np.float32).reshape(-1, 1, 2),
        score=np.ones((count, 1), np.float32),
        boxes=np.zeros((count, 4), np.float32),
        box_score=np.ones(count, np.float32),
    )


def counts(summary: dict) -> list[float]:
    return [summary.get(name) for name in ("faces", "missed", "predictions", "extra", "recall", "precision")]


def test_a_scene_has_known_numbers():
    detections = found(("a", 153, 54), ("a", 10, 110), ("a", 50, 47), ("b", 100, 90))
    result = evaluate(scene(), detections, NOSE)
    assert counts(result.summary) == [3, 0, 4, 1, 1, 0.75]
    assert result.summary["boxes"] == "detector"
    assert result.summary["error_px_mean"] == pytest.approx((3 + 5 + 10) / 3)
    assert result.summary["offset_y_px"] == pytest.approx((-3 + 4 + 10) / 3)
    assert result.errors["instances"].tolist() == [[2, 0, 3]]


def test_the_cap_is_a_part_of_the_size_of_the_face():
    """10 px are half of the head in b and a quarter of one in a."""
    detections = found(("b", 110, 80), ("a", 60, 50), ("a", 150, 70.5))
    assert counts(evaluate(scene(), detections, NOSE).summary) == [
        3,
        1,
        3,
        1,
        pytest.approx(2 / 3),
        pytest.approx(2 / 3),
    ]
    strict, lenient = Config(vocabulary="nose1", cap=0.49), Config(vocabulary="nose1", cap=0.52)
    assert evaluate(scene(), detections, strict).summary["missed"] == 2
    assert evaluate(scene(), detections, lenient).summary["missed"] == 0
    for cap in (0.0, -1.0):
        with pytest.raises(ConfigError, match=r"evaluate\.x\.cap"):
            parse({"cap": cap}, Config, "evaluate.x")


def test_a_miss_is_a_failure_and_one_answer_is_no_two():
    summary = evaluate(scene(), found(("a", 50, 50), ("a", 51, 50)), NOSE).summary
    assert counts(summary) == [3, 2, 2, 1, pytest.approx(1 / 3), 0.5]
    assert summary["pck@20px"] == pytest.approx(1 / 3) and summary["error_px_mean"] == 0
    assert summary["failure@20px"] == pytest.approx(2 / 3)


def test_what_says_nothing_is_no_prediction():
    detections = found(("a", np.nan, np.nan), ("a", 50, 50), ("b", np.nan, 80), ("b", np.inf, 80))
    assert counts(evaluate(scene(), detections, NOSE).summary) == [3, 2, 1, 0, pytest.approx(1 / 3), 1]


@pytest.mark.parametrize(("source", "alone"), [("detector", True), ("frame", True), ("prompt", False)])
def test_who_finds_nobody_at_all_is_known_by_its_boxes(source, alone):
    summary = evaluate(scene(), found(source=source), NOSE).summary
    assert counts(summary) == [3, 3, *((0, 0, 0, None) if alone else (None,) * 4)]
    json.dumps(summary, allow_nan=False)


def test_faces_that_are_not_scored_answer_for_nothing():
    """The second person in a is of another split: a detection there is one too many; frame b is not looked at."""
    truth = scene()
    truth.splits[1:] = "train"
    detections = found(("a", 150, 50), ("a", 50, 50), ("b", 0, 0))
    assert counts(evaluate(truth, detections, NOSE).summary) == [1, 0, 2, 1, 1, 0.5]
    truth = scene()
    truth.xy[1] = np.nan  # neither is a face without a label
    assert counts(evaluate(truth, found(("a", 50, 50), ("a", 150, 50)), NOSE).summary) == [2, 1, 2, 1, 0.5, 0.5]


def test_recall_is_told_by_stratum_and_precision_only_of_the_whole():
    result = evaluate(scene(), found(("a", 150, 50), ("b", 0, 0)), NOSE)
    by = result.subsets["distance"]
    assert (by["2ft"]["recall"], by["6ft"]["recall"]) == (0, 0.5)
    assert not {"precision", "extra", "predictions"} & (by["2ft"].keys() | by["6ft"].keys())


def test_an_unknown_frame_is_refused():
    with pytest.raises(DataError, match="a frame that does not exist"):
        evaluate(scene(), found(("a", 50, 50), ("other", 1, 1)), NOSE)


def test_being_told_costs_or_wins_nothing_where_everybody_is_found():
    """One face a frame, 68 points with an error of 2 px; the rows in any order."""
    truth = faces()
    with_prompt = predictions(truth)
    order = np.random.default_rng(0).permutation(12)
    columns = {name: getattr(with_prompt, name)[order] for name in ROWS} | {"faces": np.full(12, -1)}
    alone = evaluate(truth, replace(with_prompt, box_source="detector", **columns), FAST)
    expected = evaluate(truth, with_prompt, FAST)
    extra = {"recall": 1, "precision": 1, "predictions": 12, "extra": 0, "boxes": "detector"}
    assert alone.summary == expected.summary | extra
    assert expected.summary["boxes"] == "prompt" and not extra.keys() - {"boxes"} & expected.summary.keys()
    np.testing.assert_array_equal(alone.errors["per_seed"], expected.errors["per_seed"])
    assert alone.errors["instances"].tolist() == [np.argsort(order).tolist()]
    assert expected.errors["instances"].tolist() == [list(range(12))]


def test_of_seeds_ratios_are_means_and_counts_the_most():
    first = found(("a", 50, 50), ("a", 150, 50), ("b", 100, 80))
    second = found(("a", 50, 50), ("a", 0, 0), ("a", 200, 0), ("b", 0, 0), ("b", 1, 1))
    summary = evaluate(scene(), [first, second], NOSE).summary
    assert counts(summary) == [3, 2, 5, 4, pytest.approx((1 + 1 / 3) / 2), pytest.approx((1 + 0.2) / 2)]
    assert all(isinstance(summary[name], int) for name in ("predictions", "extra", "missed"))
    assert "precision" not in evaluate(scene(), [first, found()], NOSE).summary  # undefined for one of them


def test_frames_that_raised_an_error_are_counted_for_everybody():
    truth = faces()
    answers = silent(predictions(truth), 5)
    assert "failed_frames" not in evaluate(truth, answers, FAST).summary
    assert evaluate(truth, replace(answers, failed=("f005",)), FAST).summary["failed_frames"] == 1
    several = [answers, replace(answers, failed=("f005", "f006"))]
    assert evaluate(truth, several, FAST).summary["failed_frames"] == 2


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_whatever_is_found_counts_add_up_and_every_number_is_explained(seed):
    rng = np.random.default_rng(seed)
    truth = replace(scene(), frames=rng.choice(list("ab"), 3))
    truth.xy[rng.uniform(size=3) < 0.2] = np.nan
    if np.isnan(truth.xy).all():
        return
    places = rng.uniform(0, 200, (rng.integers(0, 8), 2))
    places[rng.uniform(size=len(places)) < 0.2] = np.nan
    detections = found(*[(str(rng.choice(truth.frames)), *place) for place in places])
    config = Config(vocabulary="nose1", bootstrap=5, cap=float(rng.uniform(0.1, 9)))
    summary = evaluate(truth, detections, config).summary
    json.dumps(summary, allow_nan=False)
    for name in summary.keys() - registry.TEXTS:
        assert registry.describe(name).meaning
    matched = summary["faces"] - summary["missed"]
    assert summary["recall"] * summary["faces"] == pytest.approx(matched)
    assert summary["predictions"] == summary["extra"] + matched <= len(detections)
    assert summary.get("precision", 0) * summary["predictions"] == pytest.approx(matched)


def test_nobody_is_scored_on_all_faces_that_a_relative_of_the_set_has_shown():
    truth, everyone = faces(), Config(split="all", bootstrap=0)
    trained_here = replace(predictions(truth), trained_on=("shown_person",))
    assert evaluate(truth, trained_here, everyone).summary["faces"] == 12
    with pytest.raises(DataError, match="trained on shown_person, which was read from the same files as shown"):
        evaluate(truth, trained_here, everyone, relatives=frozenset({"shown_person"}))
    assert evaluate(truth, trained_here, FAST, relatives=frozenset({"shown_person"})).summary["faces"] == 12


def test_relatives_are_known_by_their_reports(tmp_path):
    for name, raw in {"shown": "r", "person": "r", "other": "s", "older": None, "oldest": None}.items():
        files.write_json(tmp_path / f"{name}.json", {"fingerprint": "d"} | ({"raw": raw} if raw else {}))
    everybody = ["shown", "person", "other", "older", "oldest", "absent"]
    assert relatives("shown", everybody, tmp_path) == {"person"}
    assert relatives("older", everybody, tmp_path) == frozenset()


def test_scoring_from_files_sees_relatives_and_variants(tmp_path):
    truth = faces()
    truth.save(tmp_path / "faces" / "shown" / "faces.npz")
    for name in ("shown", "person"):
        files.write_json(tmp_path / "reports" / f"{name}.json", {"fingerprint": "d", "raw": "r"})
    answers = replace(predictions(truth), trained_on=("person",))
    for name in ("shown", "shown@png", "shown@clahe", "shown_person@png"):
        answers.save(tmp_path / "predictions" / "c" / f"{name}.npz")
    out = Outputs(*(tmp_path / "out" / kind for kind in Outputs.__dataclass_fields__))
    paths = ScorePaths(tmp_path / "faces", tmp_path / "reports", tmp_path / "predictions")
    to = (paths, out, tmp_path / "out" / "summary", {"evaluate": "v1"})
    with pytest.raises(DataError, match="from the same files as shown"):
        score_all(["c"], {"shown": Config(split="all", bootstrap=0)}, *to)
    score_all(["c"], {"shown": Config(bootstrap=0)}, *to)
    details = files.read_json(out.details / "c/shown.json")
    assert list(details["variants"]) == ["clahe", "png"]
    assert details["variants"]["png"] == files.sha256(tmp_path / "predictions/c/shown@png.npz")
    for name in ("shown@png", "shown@clahe"):
        (tmp_path / "predictions/c" / f"{name}.npz").unlink()
    score_all(["c"], {"shown": Config(bootstrap=0)}, *to)
    assert "variants" not in files.read_json(out.details / "c/shown.json")
