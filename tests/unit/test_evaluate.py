"""Evaluation of whole face sets: alignment, misses, vocabularies, subsets, and what may never happen."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instances import predictions_at
from thermark.core import files
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.core.faces import Faces
from thermark.core.geometry import bounding_box
from thermark.core.predictions import Predictions
from thermark.datasets.readers.loaded import build_faces
from thermark.landmarks import load, project, weights
from thermark.metrics import evaluate as evaluation
from thermark.metrics import registry
from thermark.metrics.evaluate import Config, Evaluation
from thermark.metrics.outputs import Outputs, write

FAST = Config(bootstrap=50)
ROWS = ("frames", "faces", "xy", "score", "boxes", "box_score")
evaluate = partial(evaluation.evaluate, dataset="shown")


def faces(count: int = 12, vocabulary: str = "facesynthetics70", seed: int = 0) -> Faces:
    rng = np.random.default_rng(seed)
    points = len(load(vocabulary))
    xy = rng.uniform(50, 250, (count, points, 2)).astype(np.float32)
    ids = np.array([f"f{i:03}" for i in range(count)])
    people = np.array([f"s{i % 4}" for i in range(count)])
    strata = {
        "ambient": np.array(["warm", "cold", "cold"] * count)[:count],
        "width_band": np.array(["Mean", ""] * count)[:count],
    }
    return build_faces(ids, people, np.full(count, "test"), vocabulary, xy, strata=strata)


def predictions(truth: Faces, noise: float = 2.0, vocabulary: str = "", seed: int = 1) -> Predictions:
    vocabulary = vocabulary or str(truth.vocabularies[0])
    xy = project(truth.xy, str(truth.vocabularies[0]), vocabulary)
    xy = xy + np.random.default_rng(seed).normal(0, noise, xy.shape)
    return predictions_at(truth, xy, "c", vocabulary)


def without(given: Predictions, row: int) -> Predictions:
    keep = np.arange(len(given)) != row
    columns = {name: getattr(given, name)[keep] for name in ROWS}
    return replace(given, **columns)


def silent(given: Predictions, row: int) -> Predictions:
    xy = given.xy.copy()
    xy[row] = np.nan
    return replace(given, xy=xy)


def numbers(summary: dict) -> dict[str, float]:
    return {name: value for name, value in summary.items() if not isinstance(value, str)}


def test_a_constant_shift_gives_known_numbers():
    truth = faces()
    shifted = replace(predictions(truth, noise=0), xy=truth.xy + np.float32([3, 4]))
    summary = evaluate(truth, shifted, FAST).summary
    assert summary["error_px_mean"] == pytest.approx(5)
    assert summary["error_px_median"] == pytest.approx(5)
    eyes = np.linalg.norm(truth.xy[:, 36] - truth.xy[:, 45], axis=1)
    assert summary["nme_io"] == pytest.approx(np.mean(5 / eyes), rel=1e-5)
    width, height = (bounding_box(truth.xy[:, :68])[:, 2:] - bounding_box(truth.xy[:, :68])[:, :2]).T
    assert summary["nme_diag"] == pytest.approx(np.mean(5 / np.hypot(width, height)), rel=1e-5)
    assert summary["nme_mean_wh"] == pytest.approx(np.mean(10 / (width + height)), rel=1e-5)
    assert summary["nme_sqrt_wh"] == pytest.approx(np.mean(5 / np.sqrt(width * height)), rel=1e-5)
    for name in ("io", "diag", "mean_wh", "sqrt_wh"):  # with all points labelled, both means are the same
        assert summary[f"nme_{name}_pooled"] == pytest.approx(summary[f"nme_{name}"], rel=1e-5), name
    assert (summary["pck@3px"], summary["pck@10px"]) == (0, 1)
    assert (summary["faces"], summary["missed"], summary["points"]) == (12, 0, 68)


def test_the_box_of_an_error_is_that_of_the_scored_labels_and_is_called_so():
    """Two pupils far outside, which 68 points do not have, and a publisher's box: neither is divided by."""
    truth = faces()
    truth.xy[:, 68:] += 500
    shifted = replace(predictions(truth, noise=0), xy=truth.xy + np.float32([3, 4]))
    near, far = bounding_box(truth.xy[:, :68])[:, :2], bounding_box(truth.xy[:, :68])[:, 2:]
    wanted = np.mean(5 / np.linalg.norm(far - near, axis=1))
    for boxes in (truth.boxes, truth.boxes * 3):
        summary = evaluate(replace(truth, boxes=boxes), shifted, FAST).summary
        assert summary["nme_diag"] == pytest.approx(wanted, rel=1e-5)
    assert "tight box round the scored labels" in registry.describe("nme_diag").meaning
    assert "tight box round the labels" in (Path(__file__).parents[2] / "docs/concepts.md").read_text()


def test_pooled_means_count_points_where_means_per_image_count_faces():
    truth = faces(2)
    truth.xy[1, 34:] = np.nan
    shift = np.array([[[3.0, 4.0]], [[6.0, 8.0]]], np.float32)
    summary = evaluate(truth, replace(predictions(truth, noise=0), xy=truth.xy + shift), FAST).summary
    box = bounding_box(truth.xy[:, :68])
    width, height = (box[:, 2:] - box[:, :2]).T
    sizes = {"diag": np.hypot(width, height), "mean_wh": (width + height) / 2, "sqrt_wh": np.sqrt(width * height)}
    for name, size in sizes.items():
        each = np.array([5.0, 10.0]) / size
        assert summary[f"nme_{name}"] == pytest.approx(each.mean(), rel=1e-5), name
        assert summary[f"nme_{name}_pooled"] == pytest.approx((each * [68, 34]).sum() / 102, rel=1e-5), name


def test_perfect_predictions_are_perfect():
    summary = evaluate(faces(), predictions(faces(), noise=0), FAST).summary
    assert summary["nme_io"] == summary["nme_io_low"] == summary["nme_io_high"] == 0
    assert summary["auc@0.08io"] == 1
    assert summary["failure@0.08io"] == 0


@pytest.mark.parametrize("miss", [without, silent])
def test_a_miss_costs_and_is_counted_however_it_is_said(miss):
    truth = faces()
    full = evaluate(truth, predictions(truth), FAST).summary
    less = evaluate(truth, miss(predictions(truth), 5), FAST).summary
    assert (full["missed"], less["missed"]) == (0, 1)
    assert less["faces"] == full["faces"] == 12
    for name in full:
        metric = registry.describe(name) if name not in registry.TEXTS else None
        if metric and metric.counts_misses and metric.higher_is_better is not None:
            worse = less[name] < full[name] if metric.higher_is_better else less[name] > full[name]
            assert worse or less[name] == full[name], name
    assert less["pck@10px"] == pytest.approx(full["pck@10px"] * 11 / 12, rel=0.02)
    assert less["failure@0.08io"] == pytest.approx(full["failure@0.08io"] + 1 / 12)


def test_leaving_out_the_difficult_points_makes_the_face_a_miss():
    truth, output = faces(), predictions(faces())
    output.xy[3, 40] = np.nan
    summary = evaluate(truth, output, FAST).summary
    assert summary["missed"] == 1


def test_all_missed_has_no_mean_and_is_never_the_best():
    truth = faces()
    nothing = replace(predictions(truth), xy=np.full_like(truth.xy, np.nan))
    summary = evaluate(truth, nothing, FAST).summary
    assert "nme_io" not in summary and "error_px_mean" not in summary
    assert summary["auc@0.08io"] == summary["pck@20px"] == 0
    assert summary["failure@0.08io"] == 1
    assert summary["missed"] == 12


def test_order_of_faces_and_predictions_is_irrelevant():
    truth, output = faces(), predictions(faces())
    rng = np.random.default_rng(5)
    order = rng.permutation(len(truth))
    back = np.argsort(order)
    moved = replace(output, **{n: getattr(output, n)[order] for n in ROWS if n != "faces"}, faces=np.arange(12))
    shuffle = rng.permutation(12)
    shuffled = replace(output, **{n: getattr(output, n)[shuffle] for n in ROWS})
    expected = numbers(evaluate(truth, output, FAST).summary)
    assert numbers(evaluate(truth.take(order), moved, FAST).summary) == pytest.approx(expected)
    assert numbers(evaluate(truth, shuffled, FAST).summary) == expected
    assert (truth.take(order).take(back).ids == truth.ids).all()


@settings(max_examples=15)
@given(st.integers(0, 10_000))
def test_the_whole_is_the_weighted_mean_of_its_parts(seed):
    truth = faces(seed=seed)
    output = silent(predictions(truth, seed=seed + 1), seed % 12)
    result = evaluate(truth, output, FAST)
    parts = result.subsets["ambient"].values()
    counts = np.array([part["faces"] - part["missed"] for part in parts])
    all_faces = np.array([part["faces"] for part in parts])
    for name in ("nme_io", "nme_diag", "nme_mean_wh", "nme_sqrt_wh", "error_px_mean"):
        mean = np.average([part[name] for part in parts], weights=counts)
        assert result.summary[name] == pytest.approx(mean), name
    for name in ("auc@0.08io", "failure@0.08io", "pck@10px", "pck@0.05io"):
        mean = np.average([part[name] for part in parts], weights=all_faces)
        assert result.summary[name] == pytest.approx(mean), name
    assert result.summary["missed"] == sum(part["missed"] for part in parts) == 1


def test_subsets_hold_strata_and_landmark_groups_but_no_empty_value():
    truth = faces()
    truth.visible[:, 30] = False
    result = evaluate(truth, predictions(truth), FAST)
    assert set(result.subsets["ambient"]) == {"warm", "cold"}
    assert set(result.subsets["width_band"]) == {"Mean"}
    points = result.subsets["points"]
    assert (points["inner51"]["points"], points["jaw"]["points"]) == (51, 17)
    whole = (points["inner51"]["error_px_mean"] * 51 + points["jaw"]["error_px_mean"] * 17) / 68
    assert result.summary["error_px_mean"] == pytest.approx(whole)
    assert points["hidden"]["error_px_mean"] == pytest.approx(
        np.linalg.norm(predictions(truth).xy[:, 30] - truth.xy[:, 30], axis=1).mean(), rel=1e-5
    )


def test_translation_happens_on_both_sides():
    truth = faces()
    scores = evaluate(truth, predictions(truth, noise=0, vocabulary="ibug68"), FAST).summary
    assert scores["error_px_mean"] == 0
    nose = Config(vocabulary="nose1", bootstrap=50)
    summary = evaluate(truth, predictions(truth, noise=0, vocabulary="nose1"), nose).summary
    assert summary["error_px_mean"] == 0
    assert summary["nme_io"] == 0  # normalised by the eyes of the face, although a nose has none
    assert "nme_diag" not in summary


def test_a_single_point_reports_its_signed_offset_in_pixels():
    truth = faces(vocabulary="nose1")
    output = replace(predictions(truth, noise=0), xy=truth.xy + np.float32([0.5, 2]))
    summary = evaluate(truth, output, Config(vocabulary="nose1", bootstrap=50)).summary
    assert summary["offset_x_px"] == pytest.approx(0.5, abs=1e-4)
    assert summary["offset_y_px"] == pytest.approx(2, abs=1e-4)
    assert not any("nme" in name or name.endswith("io") for name in summary)
    assert summary["metric"] == "error_px_mean"
    assert "auc@20px" in summary and "error_px_mean_low" in summary


def test_a_smaller_vocabulary_is_scored_on_what_it_has():
    truth = faces(vocabulary="ibug68")
    known = weights("charlotte43_left", "ibug68").any(axis=1)
    half = predictions(truth, noise=0)
    xy = np.zeros((12, 43, 2), np.float32)
    for point, row in enumerate(weights("charlotte43_left", "ibug68")):
        xy[:, row > 0] = truth.xy[:, point, None]  # so that averages of these are exact
    summary = evaluate(truth, replace(half, vocabulary="charlotte43_left", xy=xy), FAST).summary
    assert 20 < summary["points"] == known.sum() < 68
    assert summary["missed"] == 0
    assert summary["error_px_mean"] == pytest.approx(0, abs=1e-4)


def test_every_row_is_read_in_its_own_vocabulary():
    truth = faces(vocabulary="charlotte73")
    profile = np.arange(12) % 2 == 1
    truth = replace(truth, vocabularies=np.where(profile, "charlotte43_left", "charlotte73"))
    truth.xy[profile, 43:] = np.nan
    output = predictions(faces(vocabulary="ibug68"), noise=0)
    output.xy[~profile] = project(truth.xy[~profile], "charlotte73", "ibug68")
    output.xy[profile] = np.nan_to_num(project(truth.xy[profile, :43], "charlotte43_left", "ibug68"), nan=-999)
    result = evaluate(truth, replace(output, xy=output.xy + np.float32([0, 2])), FAST)
    assert result.summary["error_px_mean"] == pytest.approx(2, abs=1e-4)
    assert result.summary["unnormalised_io"] == 6
    assert result.summary["metric"] == "nme_diag"
    box = bounding_box(project(truth.xy[profile, :43], "charlotte43_left", "ibug68"))
    diagonal = np.hypot(*(box[:, 2:] - box[:, :2]).T)
    assert result.errors["nme_diag"][profile] == pytest.approx(2 / diagonal, rel=1e-4)


def test_unlabelled_points_are_not_called_hidden():
    truth = faces()
    truth.xy[:, 30] = np.nan
    truth.visible[:, 30] = False
    assert not {"hidden", "visible"} & set(evaluate(truth, predictions(faces()), FAST).subsets["points"])


def test_a_face_without_eyes_is_counted_out_of_the_interocular_metrics_only():
    truth = faces()
    truth.xy[2, 36] = np.nan
    result = evaluate(truth, predictions(faces()), FAST)
    assert result.summary["metric"] == "nme_diag"  # one face in twelve is too many to rank without
    assert "nme_diag_low" in result.summary and "nme_io_low" in result.summary
    assert result.summary["unnormalised_io"] == 1
    assert result.summary["unnormalised_box"] == 0
    kept = np.isfinite(result.errors["nme_io"])
    assert kept.sum() == 11
    assert result.summary["nme_io"] == pytest.approx(result.errors["nme_io"][kept].mean())
    assert np.isfinite(result.errors["nme_diag"]).sum() == 12


def test_only_the_test_split_is_scored():
    truth = faces()
    truth.splits[:4] = "train"
    assert evaluate(truth, predictions(truth), FAST).summary["faces"] == 8
    assert evaluate(truth, predictions(truth), Config(split="all", bootstrap=0)).summary["faces"] == 12
    assert (evaluate(truth, predictions(truth), FAST).errors["rows"] == np.arange(4, 12)).all()
    truth.splits[:] = "train"
    with pytest.raises(DataError, match="no face"):
        evaluate(truth, predictions(truth), FAST)


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"faces": np.zeros(12, np.int64)}, "of c name a face twice"),
        ({"faces": np.arange(12) + 1}, "does not exist"),
        ({"faces": np.where(np.arange(12) == 11, -1, np.arange(12))}, "of c name a face in some rows"),
        ({"faces": np.where(np.arange(12) == 11, -2, np.arange(12))}, "of c name a face"),
        ({"xy": np.zeros((12, 60, 2), np.float32)}, "shape"),
    ],
)
def test_misaligned_predictions_are_refused(changed, cause):
    with pytest.raises(DataError, match=cause):
        evaluate(faces(), replace(predictions(faces()), **changed), FAST)


def test_faces_without_label_or_prompt_excuse_no_miss():
    """Of 12 faces one is missed with its box known; 3 unlabelled ones without a box have nothing to do with it."""
    truth = faces()
    truth.xy[:3] = np.nan
    truth = replace(truth, prompts=np.where(np.arange(12)[:, None] < 3, np.nan, truth.prompts))
    summary = evaluate(truth, silent(predictions(faces()), 5), FAST).summary
    assert (summary["faces"], summary["missed"], summary["unlabelled"]) == (9, 1, 3)
    assert "unprompted" not in summary


@pytest.mark.parametrize(("missed", "prompted"), [((3, 4), 0), ((3, 4, 5), 1), ((5,), 1), ((), 0)])
def test_only_misses_of_prompted_faces_count_as_the_contestants(missed, prompted):
    """Faces 3 and 4 have no box; who finds them all the same is not forgiven another miss for that."""
    truth, output = faces(), predictions(faces())
    truth = replace(truth, prompts=np.where(np.isin(np.arange(12), (3, 4))[:, None], np.nan, truth.prompts))
    for row in missed:
        output = silent(output, row)
    summary = evaluate(truth, output, FAST).summary
    assert (summary["missed"], summary["unprompted"], summary["missed_prompted"]) == (len(missed), 2, prompted)


def test_nobody_is_scored_on_all_faces_of_a_set_that_taught_him():
    truth, everyone = faces(), Config(split="all", bootstrap=0)
    trained_here = replace(predictions(truth), trained_on=("other", "shown"))
    with pytest.raises(DataError, match="c was trained on shown") as caught:
        evaluate(truth, trained_here, everyone)
    assert caught.value.code == 3 and "scored.shown: test" in caught.value.remedy
    assert evaluate(truth, trained_here, FAST).summary["faces"] == 12  # all are test faces
    assert evaluation.evaluate(truth, trained_here, everyone, "third").summary["faces"] == 12


@pytest.mark.parametrize("trained_on", [(), ("tfake",), ("facesynthetics", "tfake")])
def test_predictions_are_read_as_written(tmp_path, trained_on):
    output = replace(predictions(faces()), trained_on=trained_on)
    output.save(tmp_path / "p.npz")
    back = Predictions.open(tmp_path / "p.npz")
    assert back.trained_on == trained_on and back.contestant == "c"
    assert (back.xy == output.xy).all() and (back.frames == output.frames).all()


def test_predictions_of_another_version_are_refused(tmp_path):
    predictions(faces()).save(tmp_path / "p.npz")
    stored = files.read_arrays(tmp_path / "p.npz")
    del stored["trained_on"]
    files.write_arrays(tmp_path / "p.npz", stored)
    with pytest.raises(DataError, match="has no trained_on"):
        Predictions.open(tmp_path / "p.npz")


@pytest.mark.parametrize(
    ("predicted", "status", "reason"),
    [
        (Predictions.none("c", "d", "skipped", "weights absent"), "skipped", "weights absent"),
        (predictions(faces(), vocabulary="nose1"), "skipped", "nose1 cannot be read as ibug68"),
    ],
)
def test_a_contestant_without_numbers_has_a_reason(predicted, status, reason):
    result = evaluate(faces(), predicted, FAST)
    assert result.summary == {"status": status, "reason": reason} and result.subsets == {}


@pytest.mark.parametrize(
    "section",
    [
        {"bootstrap": -1},
        {"seed": -1},
        {"split": "train"},
        {"thresholds": {"pck_px": [0.0]}},
        {"thresholds": {"auc_io": -0.1}},
        {"thresholds": {"auc_px": float("inf")}},
    ],
)
def test_impossible_scoring_is_a_config_error(section):
    with pytest.raises(ConfigError, match=r"evaluate\.x") as caught:
        parse(section, Config, "evaluate.x")
    assert caught.value.code == 2


def test_one_subject_has_no_interval():
    truth = replace(faces(), subjects=np.full(12, "s0"))
    assert not any(name.endswith(("_low", "_high")) for name in evaluate(truth, predictions(truth), FAST).summary)


def test_details_tell_errors_apart_that_no_summary_can(tmp_path):
    truth = faces()
    result = evaluate(truth, predictions(truth), FAST)
    moved = replace(result, errors=result.errors | {"nme_io": result.errors["nme_io"] * (1 + 1e-9)})
    details = {}
    for name, each in {"first": result, "again": result, "moved": moved}.items():
        folders = Outputs(*(tmp_path / name / kind for kind in Outputs.__dataclass_fields__))
        write(each, ["0" * 64], "shown", folders)
        details[name] = files.read_json(folders.details / "shown.json")
        assert details[name]["errors"] == files.sha256(folders.errors / "shown.npz")
    assert details["first"] == details["again"]
    differing = {key for key in details["first"] if details["first"][key] != details["moved"][key]}
    assert differing == {"errors"}


def everything(result: Evaluation) -> str:
    return json.dumps([result.summary, result.subsets], allow_nan=False)


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from(["facesynthetics70", "ibug68", "nose1"]))
def test_no_input_brings_nan_into_the_numbers(seed, vocabulary):
    rng = np.random.default_rng(seed)
    truth = faces(5, vocabulary, seed)
    output = predictions(truth, seed=seed)
    truth.xy[rng.uniform(size=truth.xy.shape[:2]) < rng.uniform(0, 0.9)] = np.nan
    output.xy[rng.uniform(size=output.xy.shape[:2]) < rng.uniform(0, 0.9)] = np.nan
    if np.isnan(truth.xy[..., 0]).all():
        return
    target = "nose1" if vocabulary == "nose1" else "ibug68"
    try:
        result = evaluate(truth, output, Config(vocabulary=target, bootstrap=20))
    except DataError:
        assert np.isnan(truth.xy[:, : len(load(target)), 0]).all()
        return
    everything(result)
    for name in result.summary:
        assert name in registry.TEXTS or registry.describe(name)
