"""Whole contestants against a clock that we hold: who is called when, what is counted, and who is left out."""

import signal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import drawn_faces
import dying_turn
import tiny_runs
from prediction_setting import paths_in, setting_in
from thermark.core import bundle, files, packed_images
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.core.faces import Faces
from thermark.core.runs import skip
from thermark.models.inference.contract import Unavailable
from thermark.models.inference.setting import Setting
from thermark.report.speed import reference, timed, turns
from thermark.report.speed.speed_config import Contestants
from thermark.report.speed.timed import TimedContestant

MEAN = {"family": "mean_shape", "train": "one"}
NET = {"family": "learned", "run": "net"}
FAR = {"family": "facemesh", "weights": "far"}
SEEN = np.zeros((1, 5, 2), np.float32)


def options(**changed) -> Contestants:
    return Contestants(**({"dataset": "one", "pictures": 5, "turns": 2} | changed))


class Fake:
    """A contestant that takes 10 ms more for each picture than for the one before, and its clock."""

    def __init__(self, monkeypatch, count=5, missed=(), parameters=7, raises=None):
        self.now, self.calls, self.raises = 0.0, [], raises
        self.count, self.missed, self.parameters = count, missed, parameters
        monkeypatch.setattr(turns, "time", SimpleNamespace(perf_counter=lambda: self.now))

    def predict(self, number):
        self.calls.append(number)
        self.now += 0.01 * (number + 1)
        if self.raises and number == self.raises[0]:
            raise self.raises[1]
        return SEEN * np.nan if number in self.missed else SEEN

    def beside(self):
        self.calls.append("reference")
        self.now += 0.004

    def load(self, name, section, measurements, setting):
        self.calls.append(f"load {name}")
        return TimedContestant(self.predict, self.count, "one", "own", lambda: self.parameters)

    def turn(self, number, **changed):
        self.calls.clear()
        return turns.time_contestant("me", {}, number, options(**changed), None, self.beside, load=self.load)


def test_a_turn_warms_up_and_asks_each_picture_once_beside_the_reference(monkeypatch):
    fake = Fake(monkeypatch, missed=(2,))
    first = fake.turn(0)
    assert fake.calls == ["load me", "reference", 0, *("reference", 0), *("reference", 2), *("reference", 4)]
    assert first["ms"] == pytest.approx([10, 30, 50]) and first["beside"] == pytest.approx([4] * 3)
    assert (first["found"], first["parameters"], first["dataset"], first["boxes"]) == (2, 7, "one", "own")
    second = fake.turn(1)
    assert fake.calls == ["load me", "reference", 1, *("reference", 1), *("reference", 3)]
    assert second["ms"] == pytest.approx([20, 40]) and second["found"] == 2
    both = turns.summarised([first, second])
    assert both == {
        **{"status": "ok", "pictures": 5, "found": 4, "parameters": 7, "dataset": "one", "boxes": "own"},
        **{"ms": pytest.approx(30), "ms_low": pytest.approx(20), "ms_high": pytest.approx(40)},
        "times_reference": pytest.approx(30 / 4),
    }


def test_who_is_slow_answers_once_a_turn_and_what_is_left_of_its_seconds(monkeypatch):
    fake = Fake(monkeypatch)
    assert fake.turn(0, seconds=0.001)["ms"] == pytest.approx([10])
    assert fake.turn(0, seconds=0.08)["ms"] == pytest.approx([10, 30])
    assert len(fake.turn(0, seconds=0.0801)["ms"]) == 3


def test_a_turn_without_pictures_asks_nobody(monkeypatch):
    fake = Fake(monkeypatch, count=1)
    results = [fake.turn(number) for number in (0, 1)]
    assert fake.calls == ["load me"] and [each["ms"] for each in results] == [pytest.approx([10]), []]
    assert turns.summarised(results)["pictures"] == 1


def test_what_is_not_counted_is_not_told(monkeypatch):
    assert "parameters" not in turns.summarised([Fake(monkeypatch, parameters=None).turn(0)])


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (Unavailable("no such\npackage"), "skipped", "no such package"),
        (RuntimeError("it\nbroke"), "failed", "RuntimeError: it broke"),
        (DataError("damaged", "mend"), "failed", "DataError: damaged"),
    ],
)
def test_who_raises_has_a_reason_in_one_line(monkeypatch, error, status, reason):
    fake = Fake(monkeypatch, raises=(2, error))
    assert fake.turn(0) == {"status": status, "reason": reason}
    assert fake.calls[-1] == 2


def test_turns_come_in_rounds_of_everybody(monkeypatch, setting):
    """Not one after the other: a busy minute hurts them all. Who breaks is asked no more."""
    calls = []

    def run_turn(left, turn, *_):
        calls.extend((turn, name) for name in left)
        numbers = {"ms": [10.0 * (turn + 1)], "beside": [5.0], "found": 1, "parameters": None if turn else 3}
        fine = {"status": "ok", "dataset": "one", "boxes": "own"} | numbers
        return {name: {"status": "failed", "reason": "why"} if name == "b" and turn else fine for name in left}

    monkeypatch.setattr(turns, "run_turn", run_turn)
    measurements = turns.measured(options(turns=3), {"a": MEAN, "b": MEAN, "c": MEAN, "far": FAR}, setting)
    assert calls == [(0, "a"), (0, "b"), (0, "c"), (1, "a"), (1, "b"), (1, "c"), (2, "a"), (2, "c")]
    assert list(measurements["rows"]) == ["a", "b", "c", "far"]
    assert measurements["rows"]["b"] == {"status": "failed", "reason": "why"}
    assert measurements["rows"]["far"] == {"status": "skipped", "reason": "far away"}
    row = measurements["rows"]["a"]
    assert (row["ms"], row["pictures"], row["found"], row["parameters"], row["times_reference"]) == (
        20,
        3,
        3,
        3,
        4,
    )
    assert measurements["reference"] == {"network": reference.NAME, "ms": 5, "ms_low": 5, "ms_high": 5}
    assert (measurements["dataset"], measurements["threads"], measurements["batch"]) == ("one", 1, 1)


def test_there_are_no_more_turns_than_pictures(monkeypatch, setting):
    calls = []
    fine = {"status": "ok", "ms": [1.0], "beside": [1.0], "found": 0, "parameters": 1, "dataset": "", "boxes": ""}
    monkeypatch.setattr(turns, "run_turn", lambda left, turn, *_: calls.append(turn) or dict.fromkeys(left, fine))
    turns.measured(options(pictures=2, turns=9), {"a": MEAN}, setting)
    assert calls == [0, 1]


def test_who_dies_has_failed_and_the_others_go_on_without_it(setting):
    left = dict.fromkeys(["a", "dies", "b", "c"], MEAN)
    results = turns.run_turn(left, 0, options(), setting, dying_turn.work)
    assert results["dies"] == {"status": "failed", "reason": f"ended with signal {int(signal.SIGSEGV)}"}
    assert [results[name]["who"][0] for name in ("a", "b", "c")] == ["a", "b", "c"]
    processes = {name: results[name]["who"][1] for name in ("a", "b", "c")}
    assert processes["a"] != processes["b"] == processes["c"]


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    """Return a tree with ten faces in frames of their own, the second of them test; a run, and no weights."""
    paths = paths_in(tmp_path)
    for name in ("one", "two"):
        drawn_faces.write(paths.faces / name, 10, 96, 1.75)
        table = Faces.open(paths.faces / name / "faces.npz")
        folder = paths.frames / name / packed_images.BASE
        folder.mkdir(parents=True)
        images = [np.full((200, 260), number, np.uint8) for number in range(10)]
        packed_images.write(folder, table.frames, images)
        files.write_json(paths.framed / f"{name}.json", {"data": "print", "variants": {packed_images.BASE: {}}})
    for seed in (0, 1):
        tiny_runs.teach(paths.models, "net", seed)
    skip(paths.models / "poor", "nothing to learn from")
    (paths.weights / "far").mkdir(parents=True)
    bundle.write(paths.weights / "far", "skipped", "far away", {})
    return setting_in(tmp_path, {"one": "all", "two": "test"})


@pytest.mark.parametrize(
    ("section", "reason"),
    [
        (MEAN, ""),
        (NET, ""),
        (FAR, "far away"),
        (NET | {"run": "poor"}, "poor was not trained: nothing to learn from"),
        (FAR | {"only": ["three"]}, "its settings say `only: [three]`"),
    ],
)
def test_files_tell_who_cannot_be_timed(setting, section, reason):
    assert timed.reason_not_timed("me", section, options(), setting) == reason


def test_a_data_set_that_is_not_scored_is_a_config_error(setting):
    with pytest.raises(ConfigError, match=r"speed\.contestants\.dataset is twoo") as caught:
        timed.reason_not_timed("me", MEAN, options(dataset="twoo"), setting)
    assert "two" in caught.value.remedy


def test_frames_that_are_not_prepared_are_a_data_error(setting):
    (setting.paths.frames / "one" / packed_images.BASE / "pictures.npz").unlink()
    with pytest.raises(DataError, match="frames"):
        timed.reason_not_timed("me", MEAN, options(), setting)


def test_who_is_for_other_sets_sees_the_first_of_them(setting):
    assert timed.dataset_for(MEAN, options(), setting) == "one"
    assert timed.dataset_for(MEAN | {"only": ["three", "two"]}, options(), setting) == "two"
    assert timed.dataset_for(MEAN | {"only": ["two", "one"]}, options(), setting) == "one"


def test_pictures_are_spaced_evenly_and_boxes_are_as_predict_gives_them(setting):
    table = Faces.open(setting.paths.faces / "one" / "faces.npz")
    inputs = timed.inputs_of("one", "prompt", 4, setting)
    assert [int(image[0, 0, 0]) for image, _ in inputs] == [0, 3, 6, 9]
    for (image, boxes), row in zip(inputs, (0, 3, 6, 9), strict=True):
        assert image.shape == (200, 260, 3) and image.flags.owndata
        np.testing.assert_array_equal(boxes, table.prompts[row : row + 1])
    assert len(timed.inputs_of("one", "own", 99, setting)) == 10
    assert timed.inputs_of("one", "own", 1, setting)[0][1] is None
    frame = timed.inputs_of("one", "frame", 1, setting)[0][1]
    np.testing.assert_array_equal(frame, [[-0.5, -0.5, 259.5, 199.5]])


def test_only_scored_faces_are_shown(setting):
    assert [int(image[0, 0, 0]) for image, _ in timed.inputs_of("two", "own", 9, setting)] == [1]


def test_a_run_of_ours_answers_from_the_picture_itself(setting):
    one = timed.load("net", NET, options(pictures=3), setting)
    assert (one.pictures, one.dataset, one.boxes) == (3, "one", "prompt")
    assert one.predict(0).shape == (1, 68, 2) and np.isfinite(one.predict(2)).all()
    assert one.parameters() == sum(each.numel() for each in first_seed(setting).parameters())


def first_seed(setting):
    from thermark.nets import card

    return card.read(setting.paths.models / "net" / "seed0")[0]


def test_a_contestant_on_whole_frames_is_the_one_of_predict(setting):
    """A cascade of no weights but those of a run, on the boxes it is told; one thread is not its to choose."""
    (setting.paths.weights / "none").mkdir()
    bundle.write(setting.paths.weights / "none", "ok", "", {})
    section = {"family": "cascade", "weights": "none", "run": "net", "given": "prompt", "only": ["two"]}
    one = timed.load("nose", section, options(), setting)
    assert (one.dataset, one.boxes, one.pictures) == ("two", "prompt", 1)
    network = timed.load("net", NET, options(dataset="two"), setting)
    np.testing.assert_array_equal(one.predict(0), network.predict(0))
    assert one.parameters() == network.parameters()


@pytest.mark.slow
def test_everything_comes_together(setting):
    measurements = turns.measured(options(pictures=2), {"mean": MEAN, "net": NET, "far": FAR}, setting)
    assert {name: row["status"] for name, row in measurements["rows"].items()} == {
        "mean": "ok",
        "net": "ok",
        "far": "skipped",
    }
    for name in ("mean", "net"):
        row = measurements["rows"][name]
        assert row["pictures"] == row["found"] == 2 and row["boxes"] == "prompt" and row["dataset"] == "one"
        assert 0 < row["ms_low"] <= row["ms"] <= row["ms_high"] and row["times_reference"] > 0
    assert "parameters" in measurements["rows"]["net"] and "parameters" not in measurements["rows"]["mean"]


@pytest.mark.parametrize(
    "changed", [{"pictures": 0}, {"turns": 0}, {"seconds": 0.0}, {"threads": 0}, {"set": "x"}]
)
def test_impossible_settings_are_config_errors(changed):
    with pytest.raises(ConfigError, match=next(iter(changed))):
        parse({"dataset": "x"} | changed, Contestants, "speed.contestants")
