"""Scoring all contestants from files to files: what is written, what stays, what goes, and who is told of."""

import json
import shutil
from dataclasses import replace

import pytest
from test_evaluate import faces, predictions

from command_line import exit_code
from thermark.core import files
from thermark.core.errors import ConfigError, DataError
from thermark.core.predictions import Predictions
from thermark.core.runs import seed_folders
from thermark.metrics import score_all
from thermark.metrics.evaluate import Config
from thermark.metrics.outputs import KEYS, SUFFIXES, Outputs
from thermark.metrics.score_key import ABSENT, ScorePaths

FAST = Config(bootstrap=50)
EVERYBODY = ("ktl_s", "c", "idle")
CODE = {"evaluate": "v1", "landmarks": {"ibug68": "v1"}, "bridges": {}}


@pytest.fixture
def tree(tmp_path):
    """Two prepared face sets; three seeds of a run, a contestant without seeds, and one that could not run."""
    for index, dataset in enumerate(("one", "two")):
        truth = faces(seed=index)
        truth.save(tmp_path / "faces" / dataset / "faces.npz")
        files.write_json(tmp_path / "reports" / f"{dataset}.json", {"fingerprint": "d"})
        for seed in (0, 2, 10):
            prediction = replace(predictions(truth, seed=seed), contestant="ktl_s")
            prediction.save(tmp_path / "predictions/ktl_s" / f"seed{seed}" / f"{dataset}.npz")
        predictions(truth, noise=9).save(tmp_path / "predictions/c" / f"{dataset}.npz")
        Predictions.none("idle", "d", "failed", "no memory").save(tmp_path / "predictions/idle" / f"{dataset}.npz")
    return tmp_path


def scored(tree, names=EVERYBODY, datasets=("one", "two"), code=CODE, workers=1, **config):
    out = Outputs(*(tree / "out" / kind for kind in SUFFIXES))
    configs = dict.fromkeys(datasets, Config(bootstrap=50, **config))
    paths = ScorePaths(tree / "faces", tree / "reports", tree / "predictions")
    score_all.score_all(names, configs, paths, out, tree / "out/summary", code, workers)
    return out


def there(tree):
    return {path.relative_to(tree): path.read_bytes() for path in (tree / "out").rglob("*") if path.is_file()}


@pytest.fixture
def counted(monkeypatch):
    """Which contestant was scored on which data set."""
    seen = []

    def noting(task, folder):
        seen.append((task.contestant, task.on.dataset))
        return real(task, folder)

    real = score_all._evaluated
    monkeypatch.setattr(score_all, "_evaluated", noting)
    return seen


def test_everybody_is_scored_on_all_data_sets_in_the_order_of_its_seeds(tree):
    (tree / "predictions/ktl_s/seed01").mkdir()  # is no seed
    assert [folder.name for folder in seed_folders(tree / "predictions/ktl_s")] == ["seed0", "seed2", "seed10"]
    out = scored(tree)
    for kind, suffix in SUFFIXES.items():
        for name in EVERYBODY:
            names_there = {path.name for path in (getattr(out, kind) / name).iterdir()} - {KEYS}
            assert names_there == {f"one{suffix}", f"two{suffix}"}
    details = files.read_json(out.details / "ktl_s/one.json")
    assert details["predictions"] == [
        files.sha256(tree / f"predictions/ktl_s/seed{k}/one.npz") for k in (0, 2, 10)
    ]
    assert details["summary"] == files.read_json(out.scores / "ktl_s/one.json")
    assert details["summary"]["seeds"] == 3 and details["summary"]["interval"] == "subjects and seeds"
    assert details["errors"] == files.sha256(out.errors / "ktl_s/one.npz")
    assert files.read_arrays(out.errors / "ktl_s/two.npz")["per_seed"].shape == (3, 12)
    flat = files.read_json(out.scores / "c/two.json")
    assert "seeds" not in flat and flat["faces"] == 12 and flat["interval"] == "subjects"


def test_who_could_not_run_leaves_whole_files_with_the_reason(tree):
    files.write_json(tree / "predictions/untrained/skipped.json", {"reason": "nothing to learn from"})
    out = scored(tree, [*EVERYBODY, "absent", "untrained"])
    expected = {"idle": ("failed", "no memory"), "absent": ("skipped", ABSENT)}
    expected |= {"untrained": ("skipped", "nothing to learn from")}
    for name, (status, reason) in expected.items():
        for dataset in ("one", "two"):
            assert files.read_json(out.scores / name / f"{dataset}.json") == {"reason": reason, "status": status}
            assert files.read_arrays(out.errors / name / f"{dataset}.npz") == {}
            details = files.read_json(out.details / name / f"{dataset}.json")
            assert details["summary"]["reason"] == reason and details["subsets"] == {}


def test_people_see_few_numbers_of_few_digits(tree):
    out = scored(tree)
    assert sorted(path.name for path in (tree / "out/summary").iterdir()) == ["c.json", "ktl_s.json"]
    summary = files.read_json(tree / "out/summary/ktl_s.json")
    assert list(summary) == ["missed", "one", "two"] and summary["missed"] == 0
    whole = files.read_json(out.scores / "ktl_s/one.json")
    assert summary["one"] == {whole["metric"]: float(f"{whole[whole['metric']]:.4g}")}
    blind = Predictions.open(tree / "predictions/c/one.npz")
    blind.xy[:] = float("nan")
    blind.save(tree / "predictions/c/one.npz")
    scored(tree)
    summary = files.read_json(tree / "out/summary/c.json")
    assert summary["missed"] == 12 and list(summary) == ["missed", "two"]
    Predictions.none("c", "d", "skipped", "x").save(tree / "predictions/c/one.npz")
    Predictions.none("c", "d", "skipped", "x").save(tree / "predictions/c/two.npz")
    scored(tree)
    assert not (tree / "out/summary/c.json").exists()


def test_the_same_input_gives_the_same_bytes_however_many_work_on_it(tree):
    scored(tree)
    first = there(tree)
    shutil.rmtree(tree / "out")
    scored(tree, EVERYBODY[::-1], workers=2)
    assert there(tree) == first


def test_what_is_scored_stays_and_what_changed_is_scored_again(tree, counted):
    scored(tree)
    first = there(tree)
    assert len(counted) == 6
    counted.clear()
    scored(tree)
    assert counted == [] and there(tree) == first

    prediction = Predictions.open(tree / "predictions/ktl_s/seed2/two.npz")
    replace(prediction, xy=prediction.xy + 1).save(tree / "predictions/ktl_s/seed2/two.npz")
    scored(tree)
    assert counted == [("ktl_s", "two")]
    counted.clear()
    prediction.save(tree / "predictions/c/one@png.npz")  # details know of variants
    scored(tree)
    assert counted == [("c", "one")]


@pytest.mark.parametrize(
    "change",
    [
        {"code": CODE | {"evaluate": "v2"}},
        {"code": CODE | {"landmarks": {"ibug68": "v2"}}},
        {"seed": 1},
        {"split": "all"},
    ],
)
def test_everything_is_scored_again_with_other_code_or_settings(tree, counted, change):
    scored(tree)
    counted.clear()
    scored(tree, **change)
    assert len(counted) == 6


def test_without_knowing_the_code_everything_is_scored_again(tree, counted):
    scored(tree, code=None)
    scored(tree, code=None)
    assert len(counted) == 12
    scored(tree, code=CODE | {"train": "whoever does not score"})
    counted.clear()
    scored(tree)
    assert counted == []


def test_another_face_set_of_the_same_files_counts(tree, counted):
    files.write_json(tree / "reports/one.json", {"fingerprint": "d", "raw": "r"})
    scored(tree)
    counted.clear()
    files.write_json(tree / "reports/other.json", {"fingerprint": "e", "raw": "elsewhere"})
    scored(tree)
    assert counted == []
    files.write_json(tree / "reports/person.json", {"fingerprint": "e", "raw": "r"})
    scored(tree)
    assert counted == [(name, "one") for name in EVERYBODY]


@pytest.mark.parametrize("kind", [*SUFFIXES, "keys"])
@pytest.mark.parametrize("harm", ["absent", "damaged"])
def test_a_damaged_or_absent_file_is_made_again(tree, counted, kind, harm):
    out = scored(tree)
    first = there(tree)
    counted.clear()
    path = out.errors / "c" / KEYS if kind == "keys" else out.of("c").files("two")[kind]
    if harm == "absent":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-7])
    scored(tree)
    assert there(tree) == first
    assert set(counted) == ({("c", "one"), ("c", "two")} if kind == "keys" else {("c", "two")})


def test_an_interrupted_run_leaves_whole_files_and_the_next_makes_the_rest(tree, monkeypatch):
    scored(tree)
    whole = there(tree)
    shutil.rmtree(tree / "out")
    real, left = score_all.write, iter(range(3))

    def write(*arguments):
        if next(left, None) is None:
            raise KeyboardInterrupt
        real(*arguments)

    monkeypatch.setattr(score_all, "write", write)
    with pytest.raises(KeyboardInterrupt):
        scored(tree)
    made = there(tree)
    assert 0 < len(made) < len(whole) and made.items() <= whole.items()
    monkeypatch.setattr(score_all, "write", real)
    scored(tree)
    assert there(tree) == whole


def test_who_is_no_longer_listed_goes_and_what_is_not_ours_stays(tree, counted):
    out = scored(tree)
    (out.scores / "c/notes.txt").write_text("mine")
    left = out.errors / "ktl_s/one.npz.tmp-12ab34cd-77"
    left.write_bytes(b"of a killed process")
    counted.clear()
    scored(tree, ["ktl_s"], ["one"])
    assert counted == [] and not left.exists()
    assert {path.name for kind in SUFFIXES for path in (tree / "out" / kind).iterdir()} == {"ktl_s", "c"}
    assert [path.name for path in out.scores.rglob("*") if path.is_file()] == ["notes.txt", "one.json"]
    assert [path.name for path in (tree / "out/summary").iterdir()] == ["ktl_s.json"]
    assert list(files.read_json(tree / "out/summary/ktl_s.json")) == ["missed", "one"]
    scored(tree, ["ktl_s"], ["one", "two"])
    assert counted == [("ktl_s", "two")]


MESSAGES = {
    "missing": "seed2/two.npz is missing",
    "stale": "another version",
    "foreign": "of kd_s",
    "damaged": "seed2/two.npz is damaged",
    "misaligned": "a face twice",
}


@pytest.mark.parametrize(("damage", "workers"), [*((damage, 1) for damage in MESSAGES), ("misaligned", 2)])
def test_one_broken_contestant_keeps_its_files_and_hides_nobody(tree, damage, workers):
    out = scored(tree)
    before = {path: path.read_bytes() for kind in SUFFIXES for path in (out.of("ktl_s").files("one")[kind],)}
    path = tree / "predictions/ktl_s/seed2/two.npz"
    prediction = Predictions.open(path)
    if damage == "missing":
        path.unlink()
    if damage == "stale":
        replace(prediction, data="other").save(path)
    if damage == "foreign":
        replace(prediction, contestant="kd_s").save(path)
    if damage == "damaged":
        path.write_bytes(path.read_bytes()[:200])
    if damage == "misaligned":
        prediction.faces[:] = 0
        prediction.save(path)
    shutil.rmtree(out.scores / "c")
    with pytest.raises(DataError, match=MESSAGES[damage]) as caught:
        scored(tree, ["ktl_s", "c", "idle"], seed=1, workers=workers)
    assert "ktl_s" in caught.value.cause and caught.value.remedy
    assert {path: path.read_bytes() for path in before} == before
    assert files.read_json(out.scores / "c/two.json")["status"] == "ok"
    assert (tree / "out/summary/ktl_s.json").exists()


def test_the_first_of_several_errors_names_the_others(tree):
    for name in ("c", "idle"):
        (tree / "predictions" / name / "one.npz").unlink()
    with pytest.raises(DataError, match=r"c/one\.npz is missing \(errors too: idle\)"):
        scored(tree)
    assert files.read_json(tree / "out/scores/ktl_s/one.json")["seeds"] == 3


def test_a_set_that_is_not_prepared_is_said_at_once(tree):
    scored(tree)
    before = there(tree)
    with pytest.raises(DataError, match="three is not prepared"):
        scored(tree, datasets=("one", "three"))
    assert there(tree) == before
    (tree / "faces/two/faces.npz").unlink()
    with pytest.raises(DataError, match="two is not prepared"):
        scored(tree, seed=1)


def test_errors_of_settings_keep_their_kind(tree):
    with pytest.raises(ConfigError):
        scored(tree, bridges={"facesynthetics70": "no such version"})


def staged(tree, listed, evaluate, splits):
    (tree / "listed.yaml").write_text(listed)
    options = {name: name for name in ("scored", "moved", "jitter", "faces", "reports")}
    options |= {
        "contestants": "listed.yaml",
        "params": "evaluate",
        "code": "code.json",
        "predictions": "predictions",
    }
    options |= {kind: f"out/{kind}" for kind in ("summary", *SUFFIXES)}
    params = {"evaluate": evaluate, "scored": splits, "moved": {}, "jitter": {}}
    return exit_code("evaluate", tree, params, options)


def test_the_stage_takes_contestants_and_data_sets_from_the_parameters(tree, capfd):
    files.write_json(tree / "code.json", CODE)
    listed = "c: {family: x}\nktl_s: {family: learned}\n"
    assert staged(tree, listed, {"two": {"bootstrap": 50}}, {"two": "test"}) == 0
    assert json.loads((tree / "out/scores/ktl_s/two.json").read_text())["seeds"] == 3
    assert json.loads((tree / "out/errors/c" / KEYS).read_text())["two"]["key"]
    assert not (tree / "out/scores/idle").exists() and not (tree / "out/scores/c/one.json").exists()
    (tree / "predictions/c/two.npz").unlink()
    assert staged(tree, listed, {"two": {"bootstrap": 50}}, {"two": "test"}) == 3
    complained = capfd.readouterr().err
    assert "predictions/c/two.npz is missing" in complained and "remedy" in complained


@pytest.mark.parametrize(
    ("own", "splits", "named"),
    [
        ({"bootstrap": -1}, {"two": "test"}, "evaluate.two.bootstrap"),
        ({"split": "all"}, {"two": "test"}, "evaluate.two does not say which faces"),
        ({}, {"one": "test"}, "evaluate.two does not say which faces"),
        ({}, {"two": "most"}, "scored must say `test` or `all`"),
    ],
)
def test_wrong_parameters_are_named(tree, capfd, own, splits, named):
    assert staged(tree, "c: {}\n", {"two": own}, splits) == 2 and named in capfd.readouterr().err
