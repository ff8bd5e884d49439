"""All contestants on all data sets: each predicts again only when something that it depends on has changed."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import drawn_faces
import tiny_runs
from prediction_setting import paths_in, setting_in
from thermark.core import bundle, files, packed_images
from thermark.core.errors import ConfigError, DataError
from thermark.core.jitter import Jitter
from thermark.core.perturbations import BoxPerturbation
from thermark.core.predictions import Predictions
from thermark.core.runs import SKIPPED
from thermark.models import mean_shape
from thermark.models.inference import predict_everyone
from thermark.models.inference.predict_everyone import KEYS
from thermark.models.inference.setting import Setting

MEAN = {"family": "mean_shape", "train": "one"}
LEARNED = {"family": "learned", "run": "net"}
ABSENT = {"family": "facemesh", "weights": "far"}
CODE = {
    "predict": {"mean_shape": "m", "learned": "l", "facemesh": "f", "cascade": "c"},
    "landmarks": {"ibug68": "i", "nose1": "n"},
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """Return a tree with the face sets `one` and `two`, a run of two seeds, and a bundle that is not here."""
    root = tmp_path_factory.mktemp("tree")
    paths = paths_in(root)
    for number, name in enumerate(("one", "two")):
        drawn_faces.write(paths.faces / name, 6 + number, 96, 1.75)
        files.write_json(paths.reports / f"{name}.json", {"fingerprint": f"print {name}"})
        files.write_json(
            paths.framed / f"{name}.json", {"data": f"print {name}", "variants": {packed_images.BASE: {}}}
        )
    for seed in (0, 1):
        tiny_runs.teach(paths.models, "net", seed, trained_on=["one"])
    (paths.weights / "far").mkdir(parents=True)
    bundle.write(paths.weights / "far", "skipped", "far away", {})
    return root


@pytest.fixture
def setting(tree, tmp_path: Path) -> Setting:
    """Return a tree of the test's own."""
    shutil.copytree(tree, tmp_path, dirs_exist_ok=True)
    return setting_in(tmp_path, {"one": "all", "two": "all"}, CODE, versions={"numpy": "1"})


def predicted(setting: Setting, out: Path, **sections) -> dict[str, float]:
    """Predict, and return when each file was written."""
    predict_everyone.predict_everyone(sections, setting, out)
    return written(out)


def written(out: Path) -> dict[str, float]:
    return {path.relative_to(out).as_posix(): path.stat().st_mtime_ns for path in sorted(out.rglob("*.npz"))}


def changed(before: dict, after: dict) -> set[str]:
    return {path for path in after if before.get(path) != after[path]}


@pytest.fixture(scope="module")
def answers(tree, tmp_path_factory) -> Path:
    """Return what everybody predicts on the tree."""
    out = tmp_path_factory.mktemp("answers") / "out"
    setting = setting_in(tree, {"one": "all", "two": "all"}, CODE, versions={"numpy": "1"})
    predicted(setting, out, mean=MEAN, net=LEARNED, mesh=ABSENT)
    return out


@pytest.fixture
def done(setting, answers, tmp_path):
    """Return these answers in a folder of the test's own, and when each was written."""
    out = shutil.copytree(answers, tmp_path / "out")
    return out, written(out)


def test_every_contestant_answers_or_says_why_not(done):
    out, written = done
    seeds = [f"net/seed{seed}/{name}.npz" for seed in (0, 1) for name in ("one", "two")]
    assert sorted(written) == sorted([*seeds, "mean/one.npz", "mean/two.npz", "mesh/one.npz", "mesh/two.npz"])
    predictions = {path: Predictions.open(out / path) for path in written}
    assert {one.data for one in predictions.values()} == {"print one", "print two"}
    assert (predictions["mesh/one.npz"].status, predictions["mesh/one.npz"].reason) == ("skipped", "far away")
    assert not np.array_equal(predictions[seeds[0]].xy, predictions[seeds[2]].xy)
    assert len(predictions["mean/two.npz"]) == 7


def test_a_second_run_predicts_nothing(setting, done):
    out, written = done
    assert predicted(setting, out, mean=MEAN, net=LEARNED, mesh=ABSENT) == written


def test_a_new_contestant_costs_itself_and_one_that_left_is_gone(setting, done):
    out, written = done
    again = predicted(setting, out, net=LEARNED, other={"family": "mean_shape", "train": "two"})
    assert changed(written, again) == {"other/one.npz", "other/two.npz"}
    assert not (out / "mean").exists() and not (out / "mesh").exists()


def test_a_new_data_set_leaves_the_others_alone(setting, done):
    """Of one of them nothing is left but its predictions: to predict it again would be an error."""
    out, written = done
    drawn_faces.write(setting.paths.faces / "three", 5, 96, 1.75)
    files.write_json(setting.paths.reports / "three.json", {"fingerprint": "print three"})
    shutil.rmtree(setting.paths.faces / "two")
    kept = {path: (out / path).read_bytes() for path in written if path.startswith("net/")}
    predicted(replace(setting, datasets={**setting.datasets, "three": "all"}), out, net=LEARNED)
    assert len(Predictions.open(out / "net/seed0/three.npz")) == 5
    assert kept == {path: (out / path).read_bytes() for path in kept}


def test_a_new_data_set_costs_itself(setting, done):
    out, written = done
    drawn_faces.write(setting.paths.faces / "three", 5, 96, 1.75)
    files.write_json(setting.paths.reports / "three.json", {"fingerprint": "print three"})
    files.write_json(
        setting.paths.framed / "three.json", {"data": "print three", "variants": {packed_images.BASE: {}}}
    )
    more = replace(setting, datasets={**setting.datasets, "three": "all"})
    again = predicted(more, out, mean=MEAN, net=LEARNED, mesh=ABSENT)
    named = {path for path in again if path.endswith("three.npz")}
    kept = {path: (out / path).read_bytes() for path in written}
    assert len(named) == 4 and named <= changed(written, again)
    fresh = predicted(more, out.with_name("fresh"), mean=MEAN, net=LEARNED, mesh=ABSENT)
    assert fresh.keys() == again.keys()
    for path in fresh:
        assert (out.with_name("fresh") / path).read_bytes() == kept.get(path, (out / path).read_bytes())


def same_but(setting: Setting, what: str) -> Setting:
    """Return the setting after one thing has changed, in place or in a copy."""
    paths = setting.paths
    if what == "labels":
        files.write_json(paths.reports / "two.json", {"fingerprint": "another"})
    elif what == "seed":
        shutil.rmtree(paths.models / "net/seed1")
        tiny_runs.teach(paths.models, "net", 1, trained_on=["one", "two"])
    elif what == "split":
        return replace(setting, datasets={"one": "all", "two": "test"})
    elif what == "version":
        return replace(setting, versions={"numpy": "2"})
    elif what == "code":
        return replace(setting, code=CODE | {"predict": CODE["predict"] | {"learned": "new"}})
    elif what == "table":
        return replace(setting, code=CODE | {"landmarks": {"ibug68": "new"}})
    return setting


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("labels", {"mean/two.npz", "net/seed0/two.npz", "net/seed1/two.npz"}),
        ("seed", {"net/seed1/one.npz", "net/seed1/two.npz"}),
        ("split", {"mean/two.npz", "net/seed0/two.npz", "net/seed1/two.npz"}),
        ("version", {"mean", "net"}),
        ("code", {"net"}),
        ("table", {"net"}),
        ("nothing", set()),
    ],
)
def test_what_has_changed_is_predicted_again_and_nothing_else(setting, done, what, expected):
    wanted = predict_everyone.keys("mean", MEAN, setting), predict_everyone.keys("net", LEARNED, setting)
    after = same_but(setting, what)
    again = predict_everyone.keys("mean", MEAN, after), predict_everyone.keys("net", LEARNED, after)
    stale = {f"mean/{path}" for path in again[0] if again[0][path] != wanted[0][path]}
    stale |= {f"net/{path}" for path in again[1] if again[1][path] != wanted[1][path]}
    every = {name: {path for path in done[1] if path.startswith(f"{name}/")} for name in ("mean", "net")}
    assert stale == set().union(*(every.get(name, {name}) for name in expected))


@pytest.mark.parametrize("damage", ["gone", "cut", "no keys", "other bytes"])
def test_damaged_predictions_are_made_again(setting, done, damage):
    out, _ = done
    path = out / "net/seed1/two.npz"
    whole = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "no keys":
        (out / "net" / KEYS).write_text("{")
    else:
        path.write_bytes(whole[:100] if damage == "cut" else whole[:-1] + b"x")
    predicted(setting, out, mean=MEAN, net=LEARNED, mesh=ABSENT)
    assert path.read_bytes() == whole


def test_a_run_that_came_to_nothing_is_a_row_with_its_reason(setting, tmp_path):
    files.write_json(setting.paths.models / "net" / SKIPPED, {"reason": "the teacher was weak"})
    written = predicted(setting, tmp_path / "out", net=LEARNED)
    assert set(written) == {"net/one.npz", "net/two.npz"}
    for path in written:
        one = Predictions.open(tmp_path / "out" / path)
        assert (one.status, one.reason) == ("skipped", "net was not trained: the teacher was weak")


def test_weights_that_arrive_are_used(setting, done):
    keys = predict_everyone.keys("mesh", ABSENT, setting)
    bundle.write(setting.paths.weights / "far", "skipped", "still far", {})
    assert set(keys.values()) != set(predict_everyone.keys("mesh", ABSENT, setting).values())


def test_moved_boxes_have_files_and_keys_of_their_own(setting, tmp_path):
    shaken = replace(setting, moves={"one": {"shift10": BoxPerturbation(0.1)}})
    out = tmp_path / "out"
    before = predicted(setting, out, mean=MEAN, mesh=ABSENT)
    after = predicted(shaken, out, mean=MEAN, mesh=ABSENT)
    assert set(after) - set(before) == {"mean/one@shift10.npz", "mesh/one@shift10.npz"}
    further = replace(setting, moves={"one": {"shift10": BoxPerturbation(0.2)}})
    keys = [predict_everyone.keys("mean", MEAN, each)["one@shift10.npz"] for each in (shaken, further)]
    assert keys[0] != keys[1]
    # Who no longer moves boxes has no such files.
    assert set(predicted(setting, out, mean=MEAN, mesh=ABSENT)) == set(before)


def test_shifted_pictures_have_files_and_keys_of_their_own(setting, tmp_path, monkeypatch):
    """Another jitter costs itself: nothing else of the same data set is asked for again."""
    counts = []

    def on_crops(self, pixels, *rest):
        counts.append(len(pixels))
        return seen(self, pixels, *rest)

    seen = mean_shape.MeanShape.on_crops
    monkeypatch.setattr(mean_shape.MeanShape, "on_crops", on_crops)
    out, others = tmp_path / "out", {"mean": MEAN, "net": LEARNED, "mesh": ABSENT}
    before = predicted(setting, out, **others)
    assert counts == [6, 7]
    shaken = replace(setting, moves={"one": {"jitter": Jitter((1, 2), 3)}})
    kept = {path: (out / path).read_bytes() for path in before}
    counts.clear()
    after = predicted(shaken, out, **others)
    seeds = {f"net/seed{seed}/one@jitter.npz" for seed in (0, 1)}
    assert set(after) - set(before) == {"mean/one@jitter.npz", "mesh/one@jitter.npz", *seeds}
    assert counts == [3 * 8]
    assert len(Predictions.open(out / "net/seed1/one@jitter.npz")) == 3 * 8
    assert Predictions.open(out / "mesh/one@jitter.npz").reason == "far away"
    assert predicted(shaken, out, **others) == after
    counts.clear()
    fewer = replace(setting, moves={"one": {"jitter": Jitter((2,), 3)}})
    predicted(fewer, out, **others)
    assert counts == [3 * 4] and len(Predictions.open(out / "mean/one@jitter.npz")) == 3 * 4
    keys = [predict_everyone.keys("net", LEARNED, each) for each in (setting, shaken, fewer)]
    assert keys[0].items() <= keys[1].items() and keys[0].items() <= keys[2].items()
    assert all(keys[1][path] != keys[2][path] for path in keys[1].keys() - keys[0].keys())
    assert kept == {path: (out / path).read_bytes() for path in kept}
    # Who no longer shifts pictures has no such files.
    assert set(predicted(setting, out, **others)) == set(before)


def test_moved_boxes_may_not_be_called_as_pictures_are(setting):
    about = {"data": "print one", "variants": {packed_images.BASE: {}, "shift10": {}}}
    files.write_json(setting.paths.framed / "one.json", about)
    with pytest.raises(ConfigError, match=r"frames\.one\.variants\.shift10 has the name of moved boxes"):
        predict_everyone.keys("mesh", ABSENT, replace(setting, moves={"one": {"shift10": BoxPerturbation(0.1)}}))


def test_who_failed_is_tried_again(setting, tmp_path, monkeypatch):
    """And a failure on a new set fails everybody's sets, as it would have from scratch."""
    calls = []

    def predict_one(contestant, section, setting, out, missing):
        calls.append(sorted(missing))
        for name in missing:
            status = "failed" if broken else "ok"
            data = f"print {name.removesuffix('.npz')}"
            Predictions.none(contestant, data, status, "broken").save(out / name)

    monkeypatch.setattr(predict_everyone.contestant, "predict_all", predict_one)
    broken = True
    predicted(setting, tmp_path / "out", mesh=ABSENT)
    predicted(setting, tmp_path / "out", mesh=ABSENT)
    assert calls == [["one.npz", "two.npz"]] * 2
    broken = False
    predicted(setting, tmp_path / "out", mesh=ABSENT)
    files.write_json(setting.paths.framed / "two.json", {"data": "new", "variants": {packed_images.BASE: {}}})
    broken, calls[:] = True, []
    predicted(setting, tmp_path / "out", mesh=ABSENT)
    assert calls == [["two.npz"], ["one.npz", "two.npz"]]
    assert {Predictions.open(path).status for path in (tmp_path / "out").rglob("*.npz")} == {"failed"}


def test_one_broken_contestant_does_not_stop_the_others(setting, tmp_path):
    (setting.paths.models / "net/seed0/model.safetensors").write_bytes(b"")
    with pytest.raises(DataError):
        predicted(setting, tmp_path / "out", net=LEARNED, mean=MEAN, mesh=ABSENT)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"mean", "mesh"}


@pytest.mark.parametrize(
    ("section", "cause"),
    [
        ({"family": "means_shape", "train": "one"}, "family is means_shape"),
        ({"family": "learned", "run": "nett"}, "there is no run nett"),
        ({"family": "mean_shape", "train": "one", "size": 3}, "size"),
        ({"family": "learned"}, "run"),
    ],
)
def test_a_wrong_section_is_named(setting, tmp_path, section, cause):
    with pytest.raises(ConfigError, match=cause) as caught:
        predicted(setting, tmp_path / "out", me=section)
    assert caught.value.code == 2
