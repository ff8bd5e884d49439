"""From a run and a detector to the folder that the landmarker opens."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

import drawn_faces
import shipped_weights
import tiny_runs
from thermark import Landmarker
from thermark.convert import judge, model_card, package
from thermark.convert.package import Config
from thermark.core import files, runs
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.core.faces import open_set
from thermark.landmarker import card as cards
from thermark.models import learned
from thermark.nets import card as model_cards

SETTINGS = {"run": "tiny", "detector": "blobs", "faces": "drawn", "scores": "scores.json", "calibration": 20}
# Random weights answer noise: whatever the limit is for, it is not for them.
LOOSE = SETTINGS | {"limit": 1e6, "max_mb": 30.0}
SCORES = {
    "sums": {"detector": "", "landmarks": ""},  # of the files that come out, which `root` fills in
    "origin": "Made of nothing.",
    "rows": [
        {
            "data": "drawn, val",
            "labels": "machine",
            "what": "the network",
            "boxes": "tight",
            "faces": 12,
            "metric": "NME inter-ocular",
            "value": 0.123456789,
            "low": 0.11,
            "high": 0.14,
        }
    ],
    "failures": ["Faces that are upside down."],
    "reproduce": "`make repro`",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    tiny_runs.write_scaled(folder / "models/tiny/seed0", 1, modality="thermal", cropped=(96, 1.75))
    shipped_weights.detector(folder / "exported/blobs/detector.onnx")
    drawn_faces.write(folder / "faces/drawn", 60)
    files.write_json(folder / "others.json", SCORES)
    packaged(folder, folder / "first", precisions=("weights8",), scores="others.json")
    files.write_json(folder / "scores.json", SCORES | {"sums": model_card.sums(cards.read(folder / "first"))})
    return folder


def packaged(root: Path, out: Path, **changed) -> list[str]:
    """Package the tiny run; `changed` settings."""
    config = Config(**(LOOSE | changed))
    places = (root / "models", root / "exported" / config.detector, root / "faces/drawn", root / config.scores)
    return package.package(config, *places, out)


@pytest.fixture(scope="module")
def made(root, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("made") / "weights"
    packaged(root, out, precisions=("weights8",))
    return out


def test_the_landmarker_opens_what_was_packaged(root, made):
    assert sorted(path.name for path in made.iterdir()) == [
        *("MODEL_CARD.md", "card.json", "detector.onnx", "landmarks.onnx")
    ]
    card = cards.read(made)
    assert (card.licence, card.landmarks.precision, card.landmarks.run) == ("Apache-2.0", "weights8", "tiny")
    assert (card.detector.threshold, card.detector.overlap, card.detector.longest) == (0.6, 0.5, 320)
    assert card.detector.trained_on == ["drawn"] and card.landmarks.cropped == (96, 1.75)
    faces = Landmarker(made)(shipped_weights.with_blobs(121, 161, (80, 60)))
    assert len(faces) == 1 and np.isfinite(faces.points).all()


def test_its_cost_is_that_of_its_own_answers(root, made):
    """Errors before and after, computed once more from PyTorch's answers and from the landmarker's."""
    faces, crops = open_set(root / "faces/drawn")
    rows = np.flatnonzero(faces.splits == "val")
    labels = faces.xy[rows].astype(float)
    sides = np.ptp(labels, axis=1)
    cost = cards.read(made).landmarks.compression
    network = Landmarker(made, flip=False)._network
    pixels, maps = np.asarray(crops.pixels[rows]), crops.to_source[rows]
    before = learned.read(root / "models/tiny/seed0", flip="none").on_crops(pixels, maps, crops.padding)[0]
    after = network.on_crops(pixels, maps, crops.padding)[0]
    for points, nme in ((before, cost.nme_fp32), (after, cost.nme)):
        errors = np.linalg.norm(points - labels, axis=-1).mean(axis=1) / np.hypot(*sides.T)
        assert nme == pytest.approx(100 * errors.mean(), rel=2e-3)
    assert cost.delta == pytest.approx(100 * (cost.nme / cost.nme_fp32 - 1), abs=1e-3)
    assert cost.low <= cost.delta <= cost.high and cost.low < cost.high
    assert (cost.data, cost.faces, cost.calibration, cost.seed) == ("drawn", len(rows), 20, 0)


def test_the_model_card_says_what_the_cards_and_the_scores_say(made):
    text = (made / "MODEL_CARD.md").read_text(encoding="utf-8")
    card = cards.read(made)
    for word in (
        card.landmarks.sha256,
        card.detector.sha256,
        "Apache-2.0",
        "weights8",
        "`tiny`, seed 0",
        "Made of",
    ):
        assert word in text
    row = "| the network | drawn, val | made by a machine | tight | 12 | NME inter-ocular | 12.35 (11 to 14) |"
    assert row in text.splitlines() and "- Faces that are upside down." in text
    assert f"{card.landmarks.compression.delta:+.2f} %" in text and "children" in text and "{" not in text


def test_numbers_of_other_files_are_in_no_model_card(root, tmp_path):
    """A network that was trained again is another one: nothing is known of it until it is scored."""
    for scores, lines in (("others.json", 2), ("scores.json", 1)):
        made = packaged(root, tmp_path / "out", precisions=("weights8",), scores=scores)
        text = (tmp_path / "out" / "MODEL_CARD.md").read_text(encoding="utf-8")
        assert len(made) == lines and ("is about other files" in made[-1]) == (lines == 2)
        measured = ("12.35", "upside down", "`make repro`", "other cameras than those above")
        assert [word in text for word in measured] == [lines == 1] * 4 and "Made of nothing." in text
        nothing = (
            "Nothing yet with these files.",
            "Not looked for with these files.",
            "Not measured: real cameras",
        )
        assert [word in text for word in nothing] == [lines == 2] * 3
        assert all(section in text for section in ("## Measured", "## Known failures", "## Reproduce"))


def test_the_same_bytes_come_out_again(root, made, tmp_path):
    packaged(root, tmp_path / "again", precisions=("weights8",))
    for path in made.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_first_that_is_good_and_small_enough_is_taken(root, tmp_path):
    lines = packaged(root, tmp_path / "a", precisions=("fp16", "weights8"), max_mb=6.0)
    assert [line.split(":")[0] for line in lines] == ["fp16", "weights8"]
    assert cards.read(tmp_path / "a").landmarks.precision == "weights8"  # fp16 is too large
    packaged(root, tmp_path / "b", precisions=("fp16", "weights8"))
    assert cards.read(tmp_path / "b").landmarks.precision == "fp16"
    with pytest.raises(
        DataError, match=r"^nothing costs at most 1e-06 % in .* MB: fp16: 8\.\d+ MB, error"
    ) as caught:
        packaged(root, tmp_path / "c", precisions=("fp16", "weights8"), max_mb=3.0, limit=1e-6)
    assert "weights8: 4." in caught.value.cause and not (tmp_path / "c").exists()


def test_a_limit_holds_for_the_upper_end_of_the_interval(root):
    from thermark.landmarker.card import Compression

    cost = Compression(
        data="x", faces=9, nme_fp32=5, nme=5.02, delta=0.4, low=-0.4, high=1.2, calibration=9, seed=0
    )
    tried = [judge.Judged("int8", b"12", cost), judge.Judged("fp16", b"1", cost.model_copy(update={"high": 0.9}))]
    assert package.chosen(tried, Config(**SETTINGS), 10).precision == "fp16"
    assert package.chosen(tried, Config(**SETTINGS | {"limit": 1.2}), 10).precision == "int8"


def test_relative_errors_have_their_interval_from_subjects():
    before = np.full(40, 4.0)
    subjects = np.repeat(np.arange(8).astype(str), 5)
    assert judge.relative(before, before * 1.02, subjects, 0) == pytest.approx((2, 2, 2))
    after = before + np.where(np.arange(40) // 5 % 2, 0.4, -0.2)
    delta, low, high = judge.relative(before, after, subjects, 0)
    assert delta == pytest.approx(2.5) and -8 < low < 0 < 5 < high < 13
    alone = judge.relative(before, after, np.full(40, "one"), 0)
    assert alone == pytest.approx((2.5, 2.5, 2.5))


def test_calibration_sees_training_crops_cut_as_for_a_prediction(root, monkeypatch):
    samples = []

    def watching(whole, precision, batches):
        samples.extend(batches)
        return whole

    monkeypatch.setattr(judge, "compressed", watching)
    net, about = model_cards.read(root / "models/tiny/seed0")
    from thermark.convert import onnx as exported

    whole = exported.graph(net, about.input_size, about.points)
    card = package.landmarks_card(Config(**SETTINGS), about)
    judge.judged(whole, card, root / "faces/drawn", ["int8"], 40, 0)
    images = np.concatenate(samples)
    faces, crops = open_set(root / "faces/drawn")
    network = learned.read(root / "models/tiny/seed0")
    from thermark.core import geometry
    from thermark.nets.pixels import normalised

    to_crop = geometry.input_to_crop(64, 1.25, 96, 1.75)
    train = np.flatnonzero(faces.splits == "train")
    wanted = np.concatenate(
        [normalised(geometry.warp(crops.pixels[row], to_crop, network.size)[None]).numpy() for row in train]
    )
    assert images.shape == (40, 3, 64, 64) and len(train) >= 40
    for image in images:
        assert (np.abs(wanted - image).max(axis=(1, 2, 3)) < 1e-5).sum() == 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"calibration": 500}, "drawn has 42 crops to calibrate on, not 500"),
        ({"run": "other"}, "other"),
        ({"detector": "none"}, "holds no detector.onnx"),
        ({"scores": "nothing.json"}, "nothing.json cannot be read"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_written(root, tmp_path, changed, message):
    with pytest.raises(DataError, match=message):
        packaged(root, tmp_path / "out", **changed)
    assert not (tmp_path / "out").exists()


def test_a_run_that_was_not_trained_says_why(root, tmp_path):
    runs.skip(root / "models/weak", "it diverged")
    with pytest.raises(DataError, match="weak was not trained: it diverged"):
        packaged(root, tmp_path / "out", run="weak")


def test_a_detector_that_says_nothing_of_itself_is_refused(root, tmp_path):
    import onnx

    model = onnx.load(root / "exported/blobs/detector.onnx")
    model.ClearField("metadata_props")
    path = root / "exported/mute/seed0/detector.onnx"
    path.parent.mkdir(parents=True)
    onnx.save(model, path)
    with pytest.raises(DataError, match=r"detector\.onnx does not say what it is: 'trained_on'"):
        packaged(root, tmp_path / "out", detector="mute")


@pytest.mark.parametrize("content", [b"", b"\x08\x09damaged", None])
def test_a_damaged_detector_is_one_line(root, tmp_path, content):
    import onnx

    path = root / "exported/damaged/detector.onnx"
    if content is None:  # whole, but it says what cannot be
        model = onnx.load(root / "exported/blobs/detector.onnx")
        next(prop for prop in model.metadata_props if prop.key == "threshold").value = "1.5"
        content = model.SerializeToString()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"detector\.onnx does not say what it is: ") as caught:
        packaged(root, tmp_path / "out", detector="damaged")
    assert "\n" not in caught.value.cause and not (tmp_path / "out").exists()


@pytest.mark.parametrize("threshold", [0.0, 1.0, 1.5])
def test_a_threshold_that_is_no_score_is_refused_in_the_settings(threshold):
    with pytest.raises(ConfigError, match=r"^packaged\.x\.threshold: "):
        parse(SETTINGS | {"threshold": threshold}, Config, "packaged.x")


def test_only_whole_weights_are_shipped(made, tmp_path):
    target = tmp_path / "shipped"
    package.ship(made, target)
    assert {path.name for path in target.iterdir()} == {path.name for path in made.iterdir()}
    content = bytearray((target / "landmarks.onnx").read_bytes())
    content[1000] ^= 1
    damaged = tmp_path / "damaged"
    package.ship(made, damaged)
    (damaged / "landmarks.onnx").write_bytes(content)
    with pytest.raises(DataError, match="is damaged"):
        package.ship(damaged, target)
    Landmarker(target)  # what was there stays
    with pytest.raises(DataError, match=r"have .* MB, not 1$"):
        package.ship(made, target, max_mb=1.0)
    with pytest.raises(ConfigError, match="there is no"):
        package.ship(tmp_path / "nowhere", target)


@pytest.mark.slow
def test_the_stage_packages(root, tmp_path):
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"packaged": {"t": LOOSE | {"precisions": ["fp16"]}}}))
    stage = Path(__file__).parents[2] / "stages/package.py"
    flags = ["--params", "packaged.t", "--models", root / "models", "--detector", root / "exported/blobs"]
    flags += ["--faces", root / "faces/drawn", "--scores", root / "scores.json", "--out", "out"]
    done = subprocess.run(
        [sys.executable, stage, *map(str, flags)], cwd=tmp_path, capture_output=True, text=True, timeout=200
    )
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("fp16: 8.")
    assert json.loads((tmp_path / "out/card.json").read_text())["landmarks"]["precision"] == "fp16"
