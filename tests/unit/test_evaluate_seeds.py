"""Several seeds of one run as one contestant: means, spread, intervals, and misses that no mean can hide."""

import json
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from test_evaluate import faces, predictions, silent

from thermark.core import files, seeds
from thermark.core.errors import DataError
from thermark.core.predictions import Predictions
from thermark.core.runs import seed_folders
from thermark.metrics import bootstrap, names, outputs
from thermark.metrics import evaluate as evaluation
from thermark.metrics.evaluate import Config
from thermark.metrics.outputs import Outputs, score_all

FAST = Config(bootstrap=50)
KINDS = tuple(Outputs.__dataclass_fields__)
STAGE = Path(__file__).parents[2] / "stages/evaluate.py"
evaluate = partial(evaluation.evaluate, dataset="shown")


def shifted(truth, by):
    return replace(predictions(truth, noise=0), xy=truth.xy + np.float32(by))


def numbers(summary):
    return {name: value for name, value in summary.items() if not isinstance(value, str)}


def test_two_constant_shifts_give_known_numbers():
    truth = faces()
    summary = evaluate(truth, [shifted(truth, [3, 4]), shifted(truth, [6, 8])], FAST).summary
    assert summary["error_px_mean"] == pytest.approx(7.5)
    assert (summary["pck@3px"], summary["pck@20px"]) == (0, 1)
    eyes = np.linalg.norm(truth.xy[:, 36] - truth.xy[:, 45], axis=1)
    each = np.mean(5 / eyes), np.mean(10 / eyes)
    assert summary["nme_io"] == pytest.approx(np.mean(each), rel=1e-5)
    assert summary["nme_io_seed_std"] == pytest.approx(abs(each[0] - each[1]) / np.sqrt(2), rel=1e-5)
    counts = {name: summary[name] for name in ("faces", "points", "missed", "seeds")}
    assert counts == {"faces": 12, "points": 68, "missed": 0, "seeds": 2}
    assert all(isinstance(count, int) for count in counts.values())


def test_every_metric_of_every_part_is_the_mean_over_seeds():
    truth = faces()
    truth.visible[:, 30] = False
    said = [predictions(truth, seed=seed, noise=1 + seed) for seed in range(3)]
    together, alone = evaluate(truth, said, FAST), [evaluate(truth, one, FAST) for one in said]

    def check(whole, parts):
        assert whole.keys() - {"seeds"} == parts[0].keys() | {"nme_io_seed_std"}
        for name in parts[0].keys() - {*names.TEXTS, "nme_io_low", "nme_io_high"}:
            assert whole[name] == pytest.approx(np.mean([part[name] for part in parts]), rel=1e-12), name
        spread = np.std([part["nme_io"] for part in parts], ddof=1)
        assert whole["nme_io_seed_std"] == pytest.approx(spread, rel=1e-12)

    check(together.summary, [one.summary for one in alone])
    for stratum, values in together.subsets.items():
        for value, summary in values.items():
            check(summary, [one.subsets[stratum][value] for one in alone])


def test_the_spread_of_the_metric_that_ranks_is_given_beside_that_of_the_eyes():
    truth = faces()
    truth.xy[2, 36] = np.nan
    said = [predictions(faces(), seed=seed) for seed in range(3)]
    summary = evaluate(truth, said, FAST).summary
    spreads = {name for name in summary if name.endswith("_seed_std")}
    assert summary["metric"] == "nme_diag" and spreads == {"nme_diag_seed_std", "nme_io_seed_std"}


def test_one_seed_has_exactly_the_numbers_of_a_contestant_without_seeds():
    truth = faces()
    said = silent(predictions(truth), 5)
    bare, seeded = evaluate(truth, said, FAST), evaluate(truth, [said], FAST)
    assert not any("seed" in name for name in bare.summary)
    assert seeded.summary == bare.summary | {"seeds": 1}
    assert seeded.subsets == bare.subsets
    for name, column in bare.errors.items():
        np.testing.assert_array_equal(seeded.errors[name], column)
    np.testing.assert_array_equal(seeded.ced["fraction"], bare.ced["fraction"])


def test_no_seeds_misses_are_hidden_by_the_others():
    truth = faces()
    said = [predictions(truth, seed=seed) for seed in range(3)]
    said[0], said[2] = silent(silent(said[0], 3), 4), silent(said[2], 5)
    result = evaluate(truth, said, FAST)
    assert result.summary["missed"] == 2  # the most of any seed, not their mean of 1
    alone = [evaluate(truth, one, FAST).summary for one in said]
    assert result.summary["failure@0.08io"] == pytest.approx(np.mean([one["failure@0.08io"] for one in alone]))
    assert np.flatnonzero(np.isinf(result.errors["nme_io"])).tolist() == [3, 4, 5]
    assert np.isinf(result.errors["per_seed"]).sum(axis=1).tolist() == [2, 0, 1]


def test_a_seed_that_finds_nothing_leaves_no_mean():
    truth = faces()
    blind = replace(predictions(truth), xy=np.full_like(truth.xy, np.nan))
    summary = evaluate(truth, [predictions(truth), blind], FAST).summary
    assert not any(name.startswith(("nme_", "error_px")) for name in summary)
    assert summary["missed"] == 12 and summary["failure@0.08io"] >= 0.5
    assert summary["pck@20px"] == pytest.approx(0.5, abs=0.01)


def test_misses_of_prompted_faces_are_the_most_of_any_seed():
    truth = faces()
    truth = replace(truth, prompts=np.where(np.arange(12)[:, None] < 2, np.nan, truth.prompts))
    first = silent(silent(predictions(truth), 0), 1)
    second = silent(silent(silent(predictions(truth), 7), 8), 9)
    summary = evaluate(truth, [first, second], FAST).summary
    assert (summary["unprompted"], summary["missed"], summary["missed_prompted"]) == (2, 3, 3)


def test_errors_of_a_face_are_means_over_seeds_beside_those_of_each():
    truth = faces()
    truth.splits[:4] = "train"
    said = [predictions(truth, seed=seed) for seed in range(2)]
    errors = evaluate(truth, said, FAST).errors
    px = np.stack([np.linalg.norm(one.xy[4:, :68] - truth.xy[4:, :68], axis=-1).mean(axis=1) for one in said])
    eyes = np.linalg.norm(truth.xy[4:, 36] - truth.xy[4:, 45], axis=1)
    np.testing.assert_allclose(errors["error_px"], px.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(errors["per_seed"], px / eyes, rtol=1e-5)
    np.testing.assert_allclose(errors["nme_io"], errors["per_seed"].mean(axis=0), rtol=1e-12)
    assert errors["rows"].tolist() == list(range(4, 12)) and len(errors["ids"]) == 8


def test_the_curve_pools_the_faces_of_all_seeds():
    truth = faces()
    said = [silent(predictions(truth), 0), predictions(truth, noise=9, seed=4)]
    result = evaluate(truth, said, FAST)
    pooled = result.errors["per_seed"].ravel()
    brute = [(pooled <= error).mean() for error in result.ced["error"]]
    np.testing.assert_allclose(result.ced["fraction"], brute)


def test_the_interval_is_that_of_the_mean_over_seeds_with_all_faces_of_a_drawn_subject():
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 1, (3, 40)) + np.array([[0.0], [0.5], [2.0]])
    values[0, :9], values[2, 30:33], values[:, 20] = np.inf, np.inf, np.nan
    subjects = rng.integers(0, 8, 40).astype(str)
    drawn = seeds.rng(5, "bootstrap").integers(0, 8, (300, 8), dtype=np.int32)
    means = []
    for draw in drawn:
        rows = np.concatenate([np.flatnonzero(subjects == str(subject)) for subject in draw])
        means.append(np.mean([own[rows][np.isfinite(own[rows])].mean() for own in values]))
    expected = np.percentile(means, [2.5, 97.5])
    assert bootstrap.interval(values, subjects, 300, 5) == pytest.approx(expected, rel=1e-12)


def test_equal_seeds_have_the_interval_of_one():
    values, subjects = np.random.default_rng(1).uniform(0, 1, 50), np.arange(50).astype(str)
    one = bootstrap.interval(values, subjects, 200, 0)
    assert bootstrap.interval(np.stack([values] * 3), subjects, 200, 0) == pytest.approx(one, rel=1e-12)
    values[:] = np.inf
    assert bootstrap.interval(np.stack([np.ones(50), values]), subjects, 200, 0) is None


def test_what_holds_for_one_holds_for_each_seed():
    truth, everyone = faces(), Config(split="all", bootstrap=0)
    said = predictions(truth)
    with pytest.raises(DataError, match="c was trained on shown"):
        evaluate(truth, [said, replace(said, trained_on=("shown",))], everyone)
    with pytest.raises(DataError, match="facesynthetics70 and ibug68"):
        evaluate(truth, [said, predictions(truth, vocabulary="ibug68")], FAST)
    given_up = Predictions.none("c", "d", "failed", "no memory")
    assert evaluate(truth, [said, given_up], FAST).summary == {"status": "failed", "reason": "no memory"}


def test_every_number_is_explained():
    truth = faces()
    for name in numbers(evaluate(truth, [predictions(truth), predictions(truth, seed=2)], FAST).summary):
        assert names.describe(name).meaning
    spread = names.describe("nme_io_seed_std")
    assert spread.higher_is_better is None and spread.unit == "fraction" and "standard deviation" in spread.meaning


@pytest.fixture
def tree(tmp_path):
    """Two prepared face sets and three seeds of a run on them."""
    for index, dataset in enumerate(("one", "two")):
        truth = faces(seed=index)
        truth.save(tmp_path / "faces" / dataset / "faces.npz")
        files.write_json(tmp_path / "reports" / f"{dataset}.json", {"fingerprint": "d"})
        for seed in (0, 2, 10):
            said = replace(predictions(truth, seed=seed), contestant="ktl_s")
            said.save(tmp_path / "said" / f"seed{seed}" / f"{dataset}.npz")
        predictions(truth, noise=9).save(tmp_path / "flat" / f"{dataset}.npz")
    return tmp_path


def scored(tree, contestant="ktl_s", said="said", datasets=("one", "two")):
    out = Outputs(*(tree / "out" / kind for kind in KINDS))
    configs = dict.fromkeys(datasets, FAST)
    score_all(contestant, configs, tree / "faces", tree / "reports", tree / said, out)
    return out


def test_a_contestant_is_scored_on_all_data_sets_in_the_order_of_its_seeds(tree):
    (tree / "said" / "seed01").mkdir()  # is no seed
    assert [folder.name for folder in seed_folders(tree / "said")] == ["seed0", "seed2", "seed10"]
    out = scored(tree)
    for kind, suffix in zip(KINDS, ("json", "json", "csv", "npz"), strict=True):
        names_there = sorted(path.name for path in getattr(out, kind).iterdir())
        assert names_there == [f"one.{suffix}", f"two.{suffix}"]
    details = files.read_json(out.details / "one.json")
    assert details["predictions"] == [files.sha256(tree / f"said/seed{k}/one.npz") for k in (0, 2, 10)]
    assert details["summary"] == files.read_json(out.metrics / "one.json") and details["summary"]["seeds"] == 3
    assert files.read_arrays(out.errors / "two.npz")["per_seed"].shape == (3, 12)
    flat = files.read_json(scored(tree, "c", "flat").metrics / "two.json")
    assert "seeds" not in flat and flat["faces"] == 12


def test_the_same_input_gives_the_same_bytes_and_nothing_old_stays(tree):
    out = scored(tree)
    first = {path: path.read_bytes() for kind in KINDS for path in getattr(out, kind).iterdir()}
    (out.metrics / "old.json").write_text("{}")
    scored(tree)
    assert {path: path.read_bytes() for kind in KINDS for path in getattr(out, kind).iterdir()} == first
    lines = (out.ced / "one.csv").read_text().splitlines()
    assert lines[0] == "error,fraction" and len(lines) == 102
    assert lines[1].startswith("0,") and lines[-1].startswith("0.16,")


def test_a_contestant_that_could_not_run_leaves_whole_files(tree):
    for dataset in ("one", "two"):
        Predictions.none("c", "d", "failed", "x").save(tree / "none" / f"{dataset}.npz")
    out = scored(tree, "c", "none")
    assert (out.ced / "one.csv").read_text() == "error,fraction\n"
    assert files.read_json(out.metrics / "two.json") == {"reason": "x", "status": "failed"}
    assert files.read_arrays(out.errors / "one.npz") == {}


@pytest.mark.parametrize("damage", ["missing", "stale", "foreign", "unprepared"])
def test_a_failure_leaves_all_four_folders_as_they_were(tree, damage):
    out = scored(tree, datasets=("one",))
    before = {path: path.read_bytes() for path in (tree / "out").rglob("*") if path.is_file()}
    path = tree / "said" / "seed2" / "two.npz"
    said = Predictions.open(path)
    if damage == "missing":
        path.unlink()
    if damage == "stale":
        replace(said, data="other").save(path)
    if damage == "foreign":
        replace(said, contestant="kd_s").save(path)
    if damage == "unprepared":
        (tree / "faces/two/faces.npz").unlink()
    told = {
        "missing": "is missing",
        "stale": "another version",
        "foreign": "of kd_s",
        "unprepared": "not prepared",
    }
    with pytest.raises(DataError, match=told[damage]):
        scored(tree)
    assert {path: path.read_bytes() for path in (tree / "out").rglob("*") if path.is_file()} == before
    assert sorted(path.name for path in (tree / "out").iterdir()) == sorted(KINDS) and out.metrics.is_dir()


def test_the_stage_takes_its_data_sets_from_the_parameters(tree):
    (tree / "params.yaml").write_text("evaluate: {two: {bootstrap: 50}}\nscored: {two: test}\n")
    flags = [f"--{kind}=out/{kind}/ktl_s" for kind in KINDS]
    where = ["--faces=faces", "--reports=reports", "--predictions=said"]
    told = ["--contestant=ktl_s", "--params=evaluate", "--scored=scored"]
    command = [sys.executable, str(STAGE), *told, *where, *flags]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads((tree / "out/metrics/ktl_s/two.json").read_text())["seeds"] == 3
    for wrong, named in (
        ("evaluate: {two: {bootstrap: -1}}\nscored: {two: test}\n", "evaluate.two.bootstrap"),
        ("evaluate: {two: {split: all}}\nscored: {two: test}\n", "evaluate.two does not say which faces"),
        ("evaluate: {two: {}}\nscored: {one: test}\n", "evaluate.two does not say which faces"),
        ("evaluate: {two: {}}\nscored: {two: most}\n", "scored must say `test` or `all`"),
    ):
        (tree / "params.yaml").write_text(wrong)
        done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
        assert done.returncode == 2 and named in done.stderr, done.stderr


def test_a_metric_that_nobody_explains_is_not_written(tree):
    result = evaluate(faces(), predictions(faces()), FAST)
    odd = replace(result, summary=result.summary | {"nme_eye": 0.1})
    with pytest.raises(Exception, match="no metric 'nme_eye'"):
        outputs.write(odd, [], "one", Outputs(*(tree / kind for kind in KINDS)))
