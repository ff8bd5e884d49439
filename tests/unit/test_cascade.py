"""Persons first, then a learned network in each: the same answers as without the detour, and nothing invented."""

import numpy as np
import pytest

import head_scene as scene
import onnx_graphs
import tiny_runs
from thermark.core import files, seeds
from thermark.core.bundle import Bundle
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError, SetupError
from thermark.fewshot import model as heads
from thermark.fewshot.backbone import PackageAbsent
from thermark.fewshot.model import HeadModel
from thermark.models import cascade, learned
from thermark.models.cascade import Cascade, Config
from thermark.models.inference import persons
from thermark.models.inference.contract import Assets, Unavailable

SECTION = {"family": "cascade", "weights": "none", "run": "nose", "given": "labelled"}
OWN = SECTION | {"weights": "yolox", "given": "own", "detector": "yolox_m.onnx"}
NOBODY = np.zeros((0, 4), np.float32)
GONE = [np.nan] * 4


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    card = {"points": 1, "vocabulary": "nose1", "trained_on": ["thermeval_person"], "padding": 1.5}
    for seed in (3, 10):
        tiny_runs.write_scaled(root / "nose" / f"seed{seed}", seed, seed=seed, **card)
    return root / "nose"


@pytest.fixture
def bundle(tmp_path):
    return Bundle(tmp_path, "ok", "", {})


def loaded(bundle, model, device="cpu", **changed) -> Cascade:
    return cascade.load(parse(SECTION | changed, Config, "cascades.x"), Assets(bundle, model), device)


def images() -> list[np.ndarray]:
    draw = seeds.rng(5, "cascade")
    return [
        draw.integers(0, 255, (height, width, 3), np.uint8) for height, width in ((90, 70), (64, 64), (40, 120))
    ]


def boxes() -> list[np.ndarray]:
    coordinates = [[[3, 5, 60, 80], GONE, [-20, 10, 30, 99]], NOBODY, [[10, 4, 100, 30], [7, 7, 7, 7]]]
    return [np.array(rows, np.float32).reshape(-1, 4) for rows in coordinates]


class Finder:
    """Stands in for a person detector: it says what it was told, and remembers what it was asked."""

    def __init__(self, answers):
        self.answers, self.asked = answers, []

    def __call__(self, shown):
        self.asked.append(len(shown))
        return self.answers[: len(shown)]


def test_a_box_is_answered_exactly_as_by_the_network_itself(bundle, model):
    alone = learned.read(model / "seed3")
    for image, prompts in zip(images(), boxes(), strict=True):
        (instances,) = loaded(bundle, model)([image], [prompts])
        [(xy, score)] = alone.on_boxes([image], [prompts])
        np.testing.assert_array_equal(instances.xy, xy)
        np.testing.assert_array_equal(instances.score, score)
        np.testing.assert_array_equal(instances.boxes, prompts)
        assert np.isnan(instances.box_score).all() and instances.box_score.shape == (len(prompts),)


def test_a_detector_of_faces_of_ours_is_told_by_its_card_and_by_its_file(tmp_path, model):
    onnx_graphs.brightest_box(tmp_path / "detector.onnx", side=30)
    held = Bundle(tmp_path, "ok", "", {"detector.onnx": {"kind": "face_detector"}})
    settings = {"weights": "det", "given": "own", "detector": "detector.onnx"}
    contestant = loaded(held, model, **settings)
    assert contestant.box_source == "face_detector" and contestant.providers == {
        "detector": ["CPUExecutionProvider"]
    }
    image = np.full((240, 320, 3), 30, np.uint8)
    image[20:50, 60:90] = 250  # 30 px about (74.5, 34.5)
    [instances, nobody] = contestant([image, np.full((64, 320, 3), 30, np.uint8)], [None, None])
    assert len(nobody.xy) == 0 and instances.box_score[0] > 0.9
    np.testing.assert_allclose(instances.boxes[0], [59.5, 19.5, 89.5, 49.5], atol=4)
    [(xy, _)] = learned.read(model / "seed3").on_boxes([image], [instances.boxes])
    np.testing.assert_array_equal(instances.xy, xy)
    # The file's own threshold unless the section has one.
    finder = contestant.find
    assert (finder.threshold, finder.nms, finder.longest) == (0.5, 0.5, 320)
    stricter = loaded(held, model, **settings, detector_score=0.99, nms=0.3)
    assert (stricter.find.threshold, stricter.find.nms) == (0.99, 0.3)


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_more_crops_than_fit_keep_their_places(model, batch):
    network = learned.read(model / "seed3")
    for (xy, score), (other, sure) in zip(
        network.on_boxes(images(), boxes(), batch), network.on_boxes(images(), boxes()), strict=True
    ):
        np.testing.assert_allclose(xy, other, atol=1e-4)
        np.testing.assert_allclose(score, sure, rtol=1e-5, atol=1e-5)  # the largest are 84


def test_grey_frames_are_answered_as_if_repeated(model):
    network = learned.read(model / "seed3")
    grey = [np.ascontiguousarray(image[..., 0]) for image in images()]
    colour = [np.repeat(image[..., None], 3, axis=-1) for image in grey]
    for (xy, _), (other, _) in zip(
        network.on_boxes(grey, boxes()), network.on_boxes(colour, boxes()), strict=True
    ):
        np.testing.assert_allclose(xy, other, atol=1e-4)


def test_detected_persons_are_answered_with_their_scores(bundle, model, monkeypatch):
    scores = [np.array([0.9, 0.8, 0.7], np.float32), np.zeros(0, np.float32), np.array([0.6, 0.5], np.float32)]
    finder, calls = Finder(list(zip(boxes(), scores, strict=True))), []
    monkeypatch.setattr(persons, "load", lambda *arguments: calls.append(arguments) or finder)
    contestant = loaded(bundle, model, **OWN, detector_score=0.3, nms=0.6, threads=1)
    assert calls == [(bundle, "yolox_m.onnx", 0.3, 0.6, "cpu", 1)]
    predictions = contestant(images(), [None, None, None])
    assert finder.asked == [3]
    for one, other in zip(predictions, loaded(bundle, model)(images(), boxes()), strict=True):
        np.testing.assert_array_equal(one.xy, other.xy)
        np.testing.assert_array_equal(one.boxes, other.boxes)
    assert [one.box_score.tolist() for one in predictions] == [score.tolist() for score in scores]
    assert (contestant.given, contestant.box_source) == ("own", "yolox_m")


def test_a_frame_without_persons_has_no_instances(bundle, model, monkeypatch):
    finder = Finder([(NOBODY, NOBODY[:, 0])] * 3)
    monkeypatch.setattr(persons, "load", lambda *arguments: finder)
    for instances in loaded(bundle, model, **OWN)(images(), [None] * 3):
        assert (
            instances.xy.shape == (0, 1, 2) and instances.score.shape == (0, 1) and instances.boxes.shape == (0, 4)
        )
        assert instances.xy.dtype == instances.score.dtype == np.float32


def test_it_says_who_it_is(bundle, model):
    for given in ("frame", "labelled", "prompt"):
        contestant = loaded(bundle, model, given=given)
        assert (contestant.given, contestant.box_source) == (given, given)
        assert (contestant.vocabulary, contestant.trained_on) == ("nose1", ("thermeval_person",))


def test_padding_is_the_runs_own_unless_another_is_named(bundle, model):
    assert loaded(bundle, model).network.padding == 1.5
    wide = loaded(bundle, model, padding=2.0)
    assert wide.network.padding == 2.0
    image, box = images()[0], np.array([[20, 30, 40, 50]], np.float32)
    np.testing.assert_allclose(
        wide([image], [box])[0].xy, loaded(bundle, model, padding=1.0)([image], [wider(box)])[0].xy, atol=1e-4
    )


def wider(box: np.ndarray) -> np.ndarray:
    """Return boxes (P, 4) of twice the side."""
    half = (box[:, 2:] - box[:, :2]) / 2
    return np.concatenate([box[:, :2] - half, box[:, 2:] + half], axis=1)


def test_settings_that_contradict_each_other_are_refused(bundle, model):
    for changed in ({"given": "own"}, {"detector": "yolox_m.onnx"}, {"padding": 0.0}, {"detectors": "x"}):
        with pytest.raises(ConfigError):
            loaded(bundle, model, **changed)


def test_what_is_absent_is_named(bundle, tmp_path, model, monkeypatch):
    with pytest.raises(DataError, match="no seed<k> folder"):
        loaded(bundle, tmp_path)
    with pytest.raises(DataError, match=r"holds no yolox_m\.onnx"):
        loaded(bundle, model, **OWN)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(SetupError, match="no GPU"):
        loaded(bundle, model, "cuda")
    assert loaded(bundle, model, "auto").network.device.type == "cpu"


# A head on a frozen backbone in the network's place.


@pytest.fixture
def headed(tmp_path, monkeypatch):
    """Return a function that writes a head with such a card; its backbone sees brightness."""
    calls = []
    monkeypatch.setattr(heads.backbones, "load", lambda *arguments: calls.append(arguments) or scene.backbone())

    def write(**changed):
        for seed, about in ((10, {}), (3, changed)):
            folder = tmp_path / "head_x" / f"seed{seed}"
            folder.mkdir(parents=True)
            heads.write(folder, scene.card(seed=seed, **about), scene.repeating().state_dict())
        return tmp_path / "head_x", calls

    return write


@pytest.mark.parametrize("kind", ["posts", "square"])
def test_a_head_is_asked_like_a_network(bundle, headed, kind):
    folder, calls = headed(geometry=kind, vocabulary="nose1", trained_on=["thermeval_person"])
    contestant = loaded(bundle, folder, run="x")
    network = contestant.network
    assert isinstance(network, HeadModel) and network.card.seed == 3
    assert [(dict(call[1]), call[2], call[3]) for call in calls] == [(scene.SECTION, bundle, "cpu")]
    assert (contestant.vocabulary, contestant.trained_on) == ("nose1", ("thermeval_person",))
    assert (contestant.given, contestant.box_source, contestant.find) == ("labelled", "labelled", None)
    frames = [scene.blob((30, 40), (70, 90), colour=True), *images()[1:]]
    for (xy, score), instances, prompts in zip(
        network.on_boxes(frames, boxes()), contestant(frames, boxes()), boxes(), strict=True
    ):
        np.testing.assert_array_equal(instances.xy, xy)
        np.testing.assert_array_equal(instances.score, score)
        np.testing.assert_array_equal(instances.boxes, prompts)
    np.testing.assert_allclose(contestant(frames, boxes())[0].xy[0, 0], [30, 40], atol=1.5)


def test_a_head_answers_the_persons_that_are_found(bundle, headed, monkeypatch):
    folder, _ = headed()
    person, nobody = np.array([[10, 20, 50, 60]], np.float32), (NOBODY, NOBODY[:, 0])
    finder = Finder([nobody, (person, np.array([0.8], np.float32))])
    monkeypatch.setattr(persons, "load", lambda *arguments: finder)
    frames = [scene.blob(nose, (70, 90), colour=True) for nose in ((20, 30), (33, 44))]
    none, one = loaded(bundle, folder, **OWN)(frames, [None, None])
    assert none.xy.shape == (0, 1, 2) and none.score.shape == (0, 1)
    assert one.box_score.tolist() == pytest.approx([0.8])
    np.testing.assert_allclose(one.xy[0, 0], [33, 44], atol=1.5)


def test_padding_of_a_head_is_that_of_its_crops_unless_they_are_those_of_part_2(bundle, headed):
    folder, _ = headed(geometry="square", padding=1.5)
    assert loaded(bundle, folder).network.padding == 1.5
    assert loaded(bundle, folder, padding=2.0).network.padding == 2.0
    (folder / "seed3" / "head.json").write_text((folder / "seed10" / "head.json").read_text())
    with pytest.raises(ConfigError, match="`padding` changes nothing of nose"):
        loaded(bundle, folder, padding=2.0)


def test_a_head_on_other_weights_is_refused(bundle, headed):
    folder, _ = headed(backbone_sha256="c" * 64)
    with pytest.raises(DataError, match="holds another backbone than head_x was trained on"):
        loaded(bundle, folder)


def test_a_run_that_could_not_be_trained_is_unavailable_and_says_why(bundle, tmp_path, headed, monkeypatch):
    files.write_json(tmp_path / "supervised_y" / "skipped.json", {"reason": "the weights of x are absent"})
    with pytest.raises(Unavailable, match="supervised_y was not trained: the weights of x are absent"):
        loaded(bundle, tmp_path / "supervised_y")

    def absent(*arguments):
        raise PackageAbsent("the package transformers is not installed")

    monkeypatch.setattr(heads.backbones, "load", absent)
    with pytest.raises(Unavailable, match="transformers is not installed"):
        loaded(bundle, headed()[0])
