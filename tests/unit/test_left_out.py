"""A data set that cannot be had: a reason on every page, and everything else as ever."""

import numpy as np
import pytest
from scripted_server import HTML, Script, serving
from test_inference import CODE, LEARNED, MEAN

import drawn_faces
import results_scene
import tiny_runs
from fetch_machine import NOWHERE, Machine
from prediction_setting import paths_in, setting_in
from thermark.core import files, packed_images, runs
from thermark.core.config import parse
from thermark.core.errors import NetworkError
from thermark.core.perturbations import BoxPerturbation
from thermark.core.predictions import Predictions
from thermark.datasets import tfw
from thermark.datasets.prepare import framing, packing
from thermark.download import manifest
from thermark.download.fetch import NOT_HAD, fetch_or_skip
from thermark.download.request import WebPage
from thermark.metrics import evaluate as scoring
from thermark.models.inference import predict_everyone
from thermark.report.leaderboard import console
from thermark.report.leaderboard.board import boards
from thermark.report.leaderboard.leaderboard import leaderboard
from thermark.report.results.collect import Contestant
from thermark.report.results.comparisons import open_comparisons
from thermark.train import outcome
from thermark.train.recipes import supervised

REASON = "far is nowhere: place it by hand"


def fetched(case: Machine, optional: bool) -> str | None:
    config = case.config().model_copy(update={"optional": optional})
    return fetch_or_skip("set", config, case.path, case.root / "licences", case.out, case.store())


def test_only_an_optional_set_may_be_left_out_and_only_where_nothing_of_it_is_there(tmp_path):
    case = Machine(tmp_path / "m", (), {"all": {"url": NOWHERE}})
    with pytest.raises(NetworkError):
        fetched(case, optional=False)
    assert not case.out.exists()
    message = fetched(case, optional=True)
    # What went wrong names folders of this machine; the reason, which gets into results, does not.
    assert message and str(tmp_path) in message and runs.skipped(case.out) == NOT_HAD and "\n" not in message
    assert manifest.read(case.path) == {}
    assert fetched(case, optional=True) == message  # again, and nothing is in the way
    (case.out / runs.SKIPPED).unlink()
    (case.out / "a.txt").write_text("what was fetched before")
    with pytest.raises(NetworkError):
        fetched(case, optional=True)
    assert (case.out / "a.txt").exists()


def test_a_page_in_place_of_it_and_a_licence_that_nobody_accepted_are_reasons_too(tmp_path):
    with serving(Script(b"<html><body>log in</body></html>", [HTML] * 9)) as script:
        case = Machine(tmp_path / "m", (), {"all": {"url": script.url}})
        assert fetched(case, optional=True) and runs.skipped(case.out) == NOT_HAD
        with pytest.raises(WebPage):
            fetched(case, optional=False)
    strict = Machine(tmp_path / "n", (), {"all": {"url": NOWHERE, "licence": "strict"}})
    fetched(strict, optional=True)
    assert "licences that you have not accepted: strict" in runs.skipped(strict.out)


def test_a_mean_shape_of_it_is_a_row_with_its_reason(tree):
    root, _ = tree
    moves = {"one": {"shift10": BoxPerturbation(0.1)}}
    setting = setting_in(root, {"one": "all"}, CODE, versions={"numpy": "1"}, moves=moves)
    predict_everyone.predict_everyone({"mean": MEAN | {"train": "far"}}, setting, root / "predictions")
    for name in ("one.npz", "one@shift10.npz"):
        predictions = Predictions.open(root / "predictions/mean" / name)
        assert (predictions.status, predictions.reason) == ("skipped", REASON)


def test_a_set_that_arrives_later_takes_the_place_of_the_reason(tmp_path):
    case = Machine(tmp_path / "m", (), {"all": {"url": NOWHERE}})
    fetched(case, optional=True)
    (case.placed).mkdir(parents=True)
    (case.placed / "a.txt").write_text("here")
    assert fetched(case, optional=True) is None
    assert runs.skipped(case.out) is None and (case.out / "all/a.txt").read_text() == "here"


@pytest.fixture
def tree(tmp_path):
    """The face set `one`, a run on it, and `far`, which is left out from its preparation on."""
    paths = paths_in(tmp_path)
    drawn_faces.write(paths.faces / "one", 20, 96, 1.75)
    about = {"fingerprint": "print", "card": {"labels": "human"}, "origin": "real", "modality": "thermal"}
    files.write_json(paths.reports / "one.json", about)
    files.write_json(paths.framed / "one.json", {"data": "print", "variants": {packed_images.BASE: {}}})
    (tmp_path / "weights").mkdir()
    tiny_runs.teach(paths.models, "net", 0, trained_on=["other"])
    config = tfw.Config(raw="far")
    packing.leave_out(
        tfw, config, REASON, paths.faces / "far", paths.reports / "far.json", tmp_path / "splits.csv"
    )
    frame_config = parse({"loader": "tfw", "raw": "far"}, framing.Config, "frames.far")
    framing.frame(
        tfw,
        tmp_path / "raw",
        {"raw": "far"},
        frame_config,
        "test",
        paths.faces / "far",
        paths.reports / "far.json",
        paths.frames / "far",
        paths.framed / "far.json",
    )
    return tmp_path, paths


def test_it_is_a_reason_from_the_preparation_to_the_leaderboard(tree):
    root, paths = tree
    assert runs.skipped(paths.faces / "far") == runs.skipped(paths.frames / "far") == REASON
    moves = {"one": {"shift10": BoxPerturbation(0.1)}, "far": {"shift10": BoxPerturbation(0.1)}}
    setting = setting_in(root, {"one": "test", "far": "test"}, CODE, versions={"numpy": "1"}, moves=moves)
    everybody = {"mean": MEAN, "net": LEARNED}
    predict_everyone.predict_everyone(everybody, setting, root / "predictions")
    for name in ("mean/far.npz", "mean/far@shift10.npz", "net/seed0/far.npz"):
        predictions = Predictions.open(root / "predictions" / name)
        assert (predictions.status, predictions.reason, len(predictions)) == ("skipped", REASON, 0)
    assert len(Predictions.open(root / "predictions/mean/one.npz")) == 2
    before = {path: path.stat().st_mtime_ns for path in (root / "predictions").rglob("*.npz")}
    predict_everyone.predict_everyone(everybody, setting, root / "predictions")
    assert before == {path: path.stat().st_mtime_ns for path in (root / "predictions").rglob("*.npz")}

    configs = {"one": scoring.Config(bootstrap=0), "far": scoring.Config(bootstrap=0)}
    kept = results_scene.recorded(
        root, {name: Contestant("x", "x", {}) for name in everybody}, configs, moves=moves
    )
    assert files.read_json(root / "details/net/far.json")["summary"] == {"status": "skipped", "reason": REASON}
    assert files.read_json(root / "details/net/one.json")["summary"]["status"] == "ok"

    made = open_comparisons(root / "comparisons.json")
    read = boards(kept, made)
    assert [board.data_set.name for board in read] == ["one"] and made.left_out == {"far": REASON}
    assert f"| `far` | {REASON} |" in leaderboard(read, made).split("not here")[1]
    assert f"far is not here: {REASON}" in console.leaderboard(read, made.left_out)
    assert "not here" not in console.leaderboard(read)


def test_who_learns_from_it_is_not_trained_for_that_reason(tree):
    _, paths = tree
    section = tiny_runs.section("supervised", train="far", extra_data="far", teacher_data="far")
    config = parse(section, supervised.Config, "runs.x")
    with pytest.raises(runs.Untrained, match="far is nowhere"):
        outcome.require(config, paths.faces, paths.models)


def test_a_set_that_arrives_is_predicted(tree):
    root, paths = tree
    setting = setting_in(root, {"one": "all", "far": "all"}, CODE, versions={"numpy": "1"})
    predict_everyone.predict_everyone({"mean": MEAN}, setting, root / "predictions")
    drawn_faces.write(paths.faces / "new", 8, 96, 1.75)
    runs.skip(paths.faces / "far", "gone in a moment")
    for path in (paths.faces / "far").iterdir():
        path.unlink()
    for path in (paths.faces / "new").iterdir():
        path.rename(paths.faces / "far" / path.name)
    files.write_json(paths.reports / "far.json", {"fingerprint": "arrived"})
    files.write_json(paths.framed / "far.json", {"data": "arrived", "variants": {packed_images.BASE: {}}})
    predict_everyone.predict_everyone({"mean": MEAN}, setting, root / "predictions")
    predictions = Predictions.open(root / "predictions/mean/far.npz")
    assert predictions.status == "ok" and np.isfinite(predictions.xy).all() and len(predictions) == 8
