"""The networks that the Python package ships: whole, small, described, and at work on rendered heads."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from thermark import landmarks
from thermark.convert import model_card
from thermark.core import files, geometry, seeds
from thermark.core.radiometry import render
from thermark.landmarker import card as cards
from thermark.landmarker.network import LandmarkSession
from thermark.nets import pixels
from thermark.report.transfer import shipped
from thermark.synth.render.person import sample_person, sample_pose
from thermark.synth.render.scene import Camera, render_scene
from thermark.train import data

ROOT = Path(__file__).parents[2]
NAMES = ["MODEL_CARD.md", "card.json", "detector.onnx", "landmarks.onnx"]


@pytest.fixture(scope="module")
def card() -> cards.LandmarkerCard:
    if not (cards.FOLDER / cards.NAME).is_file():
        pytest.skip("no weights are shipped yet: `make package` copies them")
    return cards.read()


def test_all_files_are_there_and_nothing_else(card):
    assert sorted(path.name for path in cards.FOLDER.iterdir() if path.name[0] not in "._") == NAMES


def test_they_are_small_and_whole(card):
    assert sum((cards.FOLDER / name).stat().st_size for name in NAMES if name.endswith(".onnx")) <= 6_000_000
    for network in (card.detector, card.landmarks):
        assert files.sha256(cards.FOLDER / network.file) == network.sha256
        assert network.file in NAMES and network.run and network.trained_on


def test_they_are_free_and_cost_what_is_allowed(card):
    assert card.licence == "Apache-2.0" and len(landmarks.load(card.landmarks.vocabulary)) == 68
    if card.landmarks.precision != "fp32":
        cost = card.landmarks.compression
        assert cost is not None and cost.high <= 1.0 and cost.calibration >= 200


def test_the_model_card_is_that_of_these_files(card):
    text = (cards.FOLDER / "MODEL_CARD.md").read_text(encoding="utf-8")
    for network in (card.detector, card.landmarks):
        assert network.sha256 in text and f"`{network.run}`, seed {network.seed}" in text
    assert card.licence in text


def test_the_model_card_has_the_rows_of_the_study_at_the_threshold_that_is_shipped(card):
    measured = model_card.read(ROOT / "studies/transfer/measured.json")
    study = files.read_json(ROOT / "studies/transfer/shipped/car.json")
    assert measured.rows == shipped.rows(study, card.landmarks.run, "thermal_in_car, development half")
    assert model_card.about_these(measured, card)
    lines = [
        line for line in (cards.FOLDER / "MODEL_CARD.md").read_text().splitlines() if "thermal_in_car" in line
    ]
    values = [line.split("|")[-2].split()[0] for line in lines]
    assert values == [f"{100 * row.value:.4g}" for row in measured.rows]
    trained = files.read_json(ROOT / "studies/transfer/shipped/detection.json")[f"seed{card.detector.seed}"]
    thresholds = {trained["threshold"], *(entry["threshold"] for entry in study["detection"].values())}
    assert thresholds == {card.detector.threshold}


def test_numbers_on_the_page_are_those_of_the_card(card):
    """What stands between markers in docs/landmarker.md comes from card.json."""
    page = ROOT / "docs/landmarker.md"
    made = runpy.run_path(str(ROOT / "docs/landmarker_numbers.py"))["renewed"](page.read_text(encoding="utf-8"))
    assert page.read_text(encoding="utf-8") == made, "run `python docs/landmarker_numbers.py`"


def test_they_see_a_rendered_head_as_training_did(card):
    """The same pixels, numbers and places as a view of the prepared crop that nothing was done to."""
    person, pose = sample_person(seeds.rng(0, "seen")), sample_pose(seeds.rng(1, "seen"), (0, 0, 1.0), yaw=20)
    scene = render_scene([(person, pose)], Camera(160, 120, 200, 1), (24.0,), seeds.rng(2, "seen"))
    grey, wanted = render(scene.celsius[0].astype(np.float32), card.tone), scene.xy[0][:68].astype(np.float64)
    network, about = LandmarkSession(None, card.landmarks), card.landmarks
    assert about.cropped is not None and (about.mean, about.std) == (pixels.MEAN, pixels.STD)
    box = np.float32([*wanted.min(axis=0), *wanted.max(axis=0)])
    to_source = geometry.crop_to_source(box, *about.cropped)
    pack = geometry.warp(grey, to_source, about.cropped[0])
    to_crop = geometry.input_to_crop(about.input_size, about.padding, *about.cropped)
    origins, flip = np.zeros((1, 2), np.int64), landmarks.load(about.vocabulary).flip
    places = geometry.apply(geometry.invert(geometry.compose(to_source, to_crop)), wanted)[None]
    arguments = about.input_size, about.padding, (pack[None],), (to_crop,), origins, places, np.ones((1, 68)), flip
    seen = data.assemble(data.Samples(*arguments), np.array([0]))
    crop, back = network._cut(grey, box)
    np.testing.assert_allclose(network.normalised([crop]), pixels.normalised(seen.images), atol=1e-6)
    np.testing.assert_allclose(geometry.apply(back, seen.xy[0].astype(np.float64)), wanted, atol=1e-4)
    assert crop.std() > 20  # there is something to see
