"""Several seeds of one run as one contestant: means, spread, intervals, and misses that no mean can hide."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from test_evaluate import faces, predictions, silent

from thermark.core.errors import DataError
from thermark.core.predictions import Predictions
from thermark.metrics import bootstrap, outputs, registry
from thermark.metrics import evaluate as evaluation
from thermark.metrics.evaluate import Config
from thermark.metrics.outputs import Outputs

FAST = Config(bootstrap=50)
evaluate = partial(evaluation.evaluate, dataset="shown")


def shifted(truth, by):
    return replace(predictions(truth, noise=0), xy=truth.xy + np.float32(by))


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
    seed_outputs = [predictions(truth, seed=seed, noise=1 + seed) for seed in range(3)]
    together, alone = evaluate(truth, seed_outputs, FAST), [evaluate(truth, one, FAST) for one in seed_outputs]

    def check(whole, parts):
        assert whole.keys() - {"seeds"} == parts[0].keys() | {"nme_io_seed_std"}
        for name in parts[0].keys() - {*registry.TEXTS, "nme_io_low", "nme_io_high"}:
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
    seed_outputs = [predictions(faces(), seed=seed) for seed in range(3)]
    summary = evaluate(truth, seed_outputs, FAST).summary
    spreads = {name for name in summary if name.endswith("_seed_std")}
    assert summary["metric"] == "nme_diag" and spreads == {"nme_diag_seed_std", "nme_io_seed_std"}


def test_one_seed_has_exactly_the_numbers_of_a_contestant_without_seeds():
    truth = faces()
    output = silent(predictions(truth), 5)
    bare, seeded = evaluate(truth, output, FAST), evaluate(truth, [output], FAST)
    assert not any("seed" in name for name in bare.summary)
    assert seeded.summary == bare.summary | {"seeds": 1}
    assert seeded.subsets == bare.subsets
    for name, column in bare.errors.items():
        np.testing.assert_array_equal(seeded.errors[name], column)


def test_no_seeds_misses_are_hidden_by_the_others():
    truth = faces()
    seed_outputs = [predictions(truth, seed=seed) for seed in range(3)]
    seed_outputs[0], seed_outputs[2] = silent(silent(seed_outputs[0], 3), 4), silent(seed_outputs[2], 5)
    result = evaluate(truth, seed_outputs, FAST)
    assert result.summary["missed"] == 2  # the most of any seed, not their mean of 1
    alone = [evaluate(truth, one, FAST).summary for one in seed_outputs]
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
    seed_outputs = [predictions(truth, seed=seed) for seed in range(2)]
    errors = evaluate(truth, seed_outputs, FAST).errors
    px = np.stack(
        [np.linalg.norm(one.xy[4:, :68] - truth.xy[4:, :68], axis=-1).mean(axis=1) for one in seed_outputs]
    )
    eyes = np.linalg.norm(truth.xy[4:, 36] - truth.xy[4:, 45], axis=1)
    np.testing.assert_allclose(errors["error_px"], px.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(errors["per_seed"], px / eyes, rtol=1e-5)
    np.testing.assert_allclose(errors["nme_io"], errors["per_seed"].mean(axis=0), rtol=1e-12)
    assert errors["rows"].tolist() == list(range(4, 12)) and len(errors["ids"]) == 8


def test_an_interval_says_whether_it_holds_for_other_seeds_too():
    truth = faces()
    seed_outputs = [shifted(truth, [3, 4]), shifted(truth, [6, 8]), shifted(truth, [3, 4])]
    both, alone = evaluate(truth, seed_outputs, FAST), evaluate(truth, seed_outputs[:1], FAST)
    assert (both.summary["interval"], alone.summary["interval"]) == ("subjects and seeds", "subjects")
    assert all(part["interval"] == "subjects and seeds" for part in both.subsets["ambient"].values())
    assert (
        both.summary["nme_io_high"] - both.summary["nme_io"]
        > alone.summary["nme_io_high"] - alone.summary["nme_io"]
    )
    assert both.summary["nme_io_low"] >= 0  # no error is below
    assert "interval" not in evaluate(truth, seed_outputs, Config(bootstrap=0)).summary


def test_equal_seeds_have_the_interval_of_one():
    values, subjects = np.random.default_rng(1).uniform(0, 1, 50), np.arange(50).astype(str)  # no seed differs
    one = bootstrap.interval(values, subjects, 200, 0)
    assert bootstrap.interval(np.stack([values] * 3), subjects, 200, 0) == pytest.approx(one, rel=1e-12)
    values[:] = np.inf
    assert bootstrap.interval(np.stack([np.ones(50), values]), subjects, 200, 0) is None


def test_what_holds_for_one_holds_for_each_seed():
    truth, everyone = faces(), Config(split="all", bootstrap=0)
    output = predictions(truth)
    with pytest.raises(DataError, match="c was trained on shown"):
        evaluate(truth, [output, replace(output, trained_on=("shown",))], everyone)
    with pytest.raises(DataError, match="facesynthetics70 and ibug68"):
        evaluate(truth, [output, predictions(truth, vocabulary="ibug68")], FAST)
    given_up = Predictions.none("c", "d", "failed", "no memory")
    assert evaluate(truth, [output, given_up], FAST).summary == {"status": "failed", "reason": "no memory"}


def test_a_metric_that_nobody_explains_is_not_written(tmp_path):
    result = evaluate(faces(), predictions(faces()), FAST)
    odd = replace(result, summary=result.summary | {"nme_eye": 0.1})
    with pytest.raises(Exception, match="no metric 'nme_eye'"):
        outputs.write(odd, [], "one", Outputs(*(tmp_path / kind for kind in Outputs.__dataclass_fields__)))
