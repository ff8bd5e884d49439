"""Every model on whole frames, that is every family that is loaded from a bundle of weights."""

import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import contestant_modules
import facemesh_images
import head_scene
import index_bundles
import onnx_graphs
import tiny_runs
from thermark import landmarks
from thermark.core import bundle, files
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError, SetupError
from thermark.fewshot import model as heads
from thermark.fewshot.tiny_head import TinyHead
from thermark.models.inference.contract import Assets, Model, Unavailable, providers
from thermark.models.inference.detectors import DESIGNS

FLOAT = {"given": "labelled", "dtype": "float32"}
BOXES = np.array([[60, 50, 190, 190], [np.nan] * 4, [60, 40, 150, 140], [70, 70, 70, 70]], np.float32)


def facemesh(folder: Path, mirror: Callable) -> tuple:
    for name in facemesh_images.MODELS:
        shutil.copy(facemesh_images.model(name), folder / name)
    return {name: {} for name in facemesh_images.MODELS}, {"detector": "given"}, None


def blazeface(folder: Path, mirror: Callable) -> tuple:
    cards, _, _ = facemesh(folder, mirror)
    return cards, {}, None


def blazepose(folder: Path, mirror: Callable) -> tuple:
    wheel = index_bundles.fetch_or_skip("mediapipe_wheel")
    for name in ("pose_detection.tflite", "pose_landmark_full.tflite"):
        shutil.copy(wheel.file(name), folder / name)
    return {"pose_detection.tflite": {}, "pose_landmark_full.tflite": {}}, {}, None


def yunet(folder: Path, mirror: Callable) -> tuple:
    shutil.copy(mirror("face_detection_yunet_2026may.onnx"), folder / "yunet.onnx")
    return {"yunet.onnx": {}}, {"threshold": 0.5}, None


def centerface(folder: Path, mirror: Callable) -> tuple:
    shutil.copy(index_bundles.fetch_or_skip("centerface").file("centerface.onnx"), folder)
    return {"centerface.onnx": {}}, {}, None


def face_detector(folder: Path, mirror: Callable) -> tuple:
    """One box about whatever is bright, in the form of our detector."""
    onnx_graphs.brightest_box(folder / "detector.onnx")
    return {"detector.onnx": {"kind": "face_detector"}}, {}, None


def mtcnn(folder: Path, mirror: Callable) -> tuple:
    torch = import_module("torch")
    torch.manual_seed(0)
    torch.save(import_module("thermark.models.mtcnn").ONet().state_dict(), folder / "onet.pt")
    return {"onet.pt": {}}, {}, None


def cascaded(folder: Path, mirror: Callable) -> tuple:
    held = index_bundles.fetch_or_skip("mtcnn")
    for name in ("pnet.pt", "rnet.pt", "onet.pt"):
        shutil.copy(held.file(name), folder / name)
    return {"pnet.pt": {}, "rnet.pt": {}, "onet.pt": {}}, {"given": "own"}, None


def face_api(folder: Path, mirror: Callable) -> tuple:
    """Random bytes in the layout of the small network, of which the table is part of the published package."""
    shapes = {"dense0/conv0/filters": [3, 3, 3, 8], "dense0/conv0/bias": [8]}
    for number, (inside, outside) in enumerate(((8, 8), (8, 16), (16, 32))):
        for place in range(number == 0, 3):
            name, wide = f"dense{number}/conv{place}", inside if place == 0 else outside
            shapes |= {
                f"{name}/depthwise_filter": [3, 3, wide, 1],
                f"{name}/pointwise_filter": [1, 1, wide, outside],
            }
            shapes[f"{name}/bias"] = [outside]
    shapes |= {"fc/weights": [32, 136], "fc/bias": [136]}
    how = {"dtype": "uint8", "scale": 1 / 255, "min": -0.4}
    table = [{"weights": [{"name": name, "shape": shape, "quantization": how} for name, shape in shapes.items()]}]
    files.write_json(folder / "tiny-weights_manifest.json", table)
    count = sum(int(np.prod(shape)) for shape in shapes.values())
    (folder / "tiny.bin").write_bytes(np.random.default_rng(0).integers(0, 256, count, np.uint8).tobytes())
    return {"tiny.bin": {}, "tiny-weights_manifest.json": {}}, {"file": "tiny"}, None


def dlib(folder: Path, mirror: Callable) -> tuple:
    """Trees of our own, which have learned two faces: where dlib is, which it need not be."""
    one = pytest.importorskip("dlib")
    options = one.shape_predictor_training_options()
    options.num_trees_per_cascade_level, options.cascade_depth, options.oversampling_amount = 20, 4, 20
    faces, labels = (
        [facemesh_images.picture(facemesh_images.FACES / f"face_{number}.png") for number in (0, 1)],
        [],
    )
    for number in range(2):
        points = [one.point(int(120 + 8 * at + number), int(140 + 5 * (at % 3))) for at in range(5)]
        labels.append([one.full_object_detection(one.rectangle(80, 90, 200, 210), points)])
    trained = one.train_shape_predictor(faces, labels, options)
    trained.save(str(folder / "tiny.dat"))
    return {"tiny.dat": {}}, {"file": "tiny.dat", "vocabulary": "dlib5"}, None


def openseeface(folder: Path, mirror: Callable) -> tuple:
    onnx_graphs.brightness(folder / "lm_model3_opt.onnx", (224, 224), 8, 66, level=132, batch=1)
    return {"lm_model3_opt.onnx": {}}, {}, None


def tfan(folder: Path, mirror: Callable) -> tuple:
    torch, module = import_module("torch"), import_module("thermark.models.tfan")
    torch.manual_seed(0)
    ours = {our_layer: name for name, our_layer in module.renamed().items()}
    state = {}
    for name, each in module.TFAN(70).state_dict().items():
        layer, _, kind = name.removeprefix("backbone.").rpartition(".")
        state[f"module.feature_network.{ours[layer]}.{kind}" if layer in ours else f"module.{name}"] = each
    torch.save(state, folder / "tfan70.pt")
    return {"tfan70.pt": {}}, {"file": "tfan70.pt"}, None


def vitpose_onnx(folder: Path, mirror: Callable) -> tuple:
    onnx_graphs.brightness(folder / "pose.onnx", (48, 64), 4, 133)
    return {"pose.onnx": onnx_graphs.card((48, 64), vocabulary="coco_wholebody133")}, {"given": "labelled"}, None


def mediapipe(folder: Path, mirror: Callable) -> tuple:
    shutil.copy(mirror("face_landmarker.task"), folder)
    about = {"face_landmarker.task": {"vocabulary": "mediapipe478", "channels": "rgb"}}
    return about, {"file": "face_landmarker.task", "task": "landmarker", "given": "prompt"}, None


def rtmlib(folder: Path, mirror: Callable) -> tuple:
    onnx_graphs.brightest(folder / "pose.onnx", (64, 64))
    return (
        {"pose.onnx": onnx_graphs.card((64, 64), vocabulary="nose1")},
        {"pose": "pose.onnx", "given": "labelled"},
        None,
    )


def cascade(folder: Path, mirror: Callable) -> tuple:
    tiny_runs.write_scaled(folder / "models/nose/seed0", points=1, vocabulary="nose1")
    return {}, {"run": "nose", "given": "labelled"}, folder / "models/nose"


def headed(folder: Path, mirror: Callable) -> tuple:
    torch = import_module("torch")
    below = tiny_runs.write_scaled(folder / "made")
    for name in ("model.safetensors", "model.json"):
        shutil.move(below / name, folder / name)
    seed_folder = folder / "models/head_x/seed0"
    seed_folder.mkdir(parents=True)
    section = {"family": "rtmpose", "weights": "w", "stages": [3], "dtype": "float32"}
    fields = {"backbone": section, "backbone_sha256": files.sha256(folder / "model.safetensors"), "channels": 192}
    torch.manual_seed(0)
    head = TinyHead(fields["channels"], 1, head_scene.MAP)
    heads.write(seed_folder, head_scene.card(**fields), head.state_dict())
    cards = {name: {"face_sets": ["elsewhere"]} for name in ("model.safetensors", "model.json")}
    return cards, {"run": "head_x", "given": "labelled"}, seed_folder.parent


def sapiens2(folder: Path, mirror: Callable) -> tuple:
    import_module("tiny_transformers").sapiens2().save_pretrained(folder)
    card = {"vocabulary": "sapiens308", "channels": "rgb", "input_size": [48, 64]}
    return {"model.safetensors": card, "config.json": card}, {**FLOAT, "size": [64, 48]}, None


def vitpose(folder: Path, mirror: Callable) -> tuple:
    import_module("tiny_transformers").vitpose(133).save_pretrained(folder)
    card = {"vocabulary": "coco_wholebody133", "channels": "rgb", "input_size": [48, 64]}
    return {"model.safetensors": card, "config.json": card}, FLOAT, None


# Small weights for each family, two of them in two ways: (cards, settings, the folder of a run of ours).
INDEXED = (blazeface, blazepose, yunet, centerface, mtcnn, cascaded, face_api, dlib)
ELSEWHERE = (openseeface, tfan, vitpose_onnx, face_detector)
PUBLISHED = (facemesh, mediapipe, rtmlib, cascade, headed, sapiens2, vitpose)
MADE = {made.__name__: made for made in (*PUBLISHED, *INDEXED, *ELSEWHERE)}
NOBODY = {"absent"}  # of which there is nothing to make: it says why it cannot run
OWN = {
    "blazeface",
    "blazepose",
    "cascaded",
    "centerface",
    "face_detector",
    "yunet",
}  # who looks for faces and cannot be told a box
FAMILY = {name: name for name in MADE} | {"headed": "cascade", "cascaded": "mtcnn"}
FULL = DESIGNS["full_range"].file
# Files of a bundle that are only for other settings, or that the weights themselves can tell.
NEEDLESS = {"facemesh": [FULL], "blazeface": [FULL, "face_landmark.tflite"], "sapiens2": ["config.json"]}
SLOW = {"sapiens2", "vitpose"}  # transformers takes ten seconds to import
each = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in MADE]
)


given_boxes = pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in MADE if name not in OWN],
)


def opened(name: str, folder: Path, mirror: Callable) -> tuple[dict, Callable[[str], Model]]:
    """Return the cards of a contestant's files, and a function from a device to the contestant."""
    cards, settings, run = MADE[name](folder, mirror)
    bundle.write(folder, "ok", "", cards)
    module = import_module(f"thermark.models.{FAMILY[name]}")
    config = parse({"family": FAMILY[name], "weights": "w"} | settings, module.Config, "zeroshot.x")
    return cards, lambda device: module.load(config, Assets(bundle.read(folder), run), device)


@pytest.fixture(scope="module")
def made(mirror, tmp_path_factory) -> Callable[[str], Model]:
    """Return a function from a family's name to a contestant of it, loaded once."""
    done: dict[str, Model] = {}

    def load(name: str) -> Model:
        if name not in done:
            done[name] = opened(name, tmp_path_factory.mktemp(name), mirror)[1]("cpu")
        return done[name]

    return load


def pictures() -> list[np.ndarray]:
    """Return a face, the same moved by (7, 4), and nobody."""
    face = facemesh_images.picture(facemesh_images.FACES / "face_0.png")
    moved = np.zeros_like(face)
    moved[4:, 7:] = face[:-4, :-7]
    return [face, moved, np.full((120, 200, 3), 90, np.uint8)]


def test_all_are_found_and_can_be_made():
    assert set(contestant_modules.on_frames()) == {*FAMILY.values(), *NOBODY}


@pytest.mark.parametrize("name", sorted(NOBODY))
@pytest.mark.parametrize("device", ["auto", "cpu", "cuda"])
def test_who_cannot_run_says_so_whatever_is_there(name, device, tmp_path):
    bundle.write(tmp_path, "ok", "", {})
    module = import_module(f"thermark.models.{name}")
    config = parse({"family": name, "weights": "w"}, module.Config, "contestants.x")
    with pytest.raises(Unavailable, match="no family of this version runs w"):
        module.load(config, Assets(bundle.read(tmp_path)), device)


@each
def test_it_says_who_it_is(made, name):
    one = made(name)
    assert one.vocabulary in landmarks.names() and one.given in ("prompt", "labelled", "frame", "own")
    assert one.box_source and one.batch >= 1 and isinstance(one.trained_on, tuple)


@pytest.mark.parametrize("name", sorted(OWN))
def test_who_looks_for_faces_finds_one_and_nobody(made, name):
    one, images = made(name), pictures()
    points = len(landmarks.load(one.vocabulary))
    answers = one(images, [None] * 3)
    assert [len(answer.xy) for answer in answers] == [1, 1, 0]
    for answer, image in zip(answers, images, strict=True):
        assert answer.xy.shape[1:] == (points, 2) and answer.score.shape == answer.xy.shape[:2]
        assert answer.boxes.shape == (len(answer.xy), 4) and answer.box_score.shape == (len(answer.xy),)
        assert answer.xy.dtype == answer.score.dtype == answer.boxes.dtype == answer.box_score.dtype == np.float32
        alone = one([image], [None])[0]
        np.testing.assert_allclose(alone.xy, answer.xy, atol=2e-2)
    # A detector sees two pixels as one. Feet that are not in a portrait are somewhere.
    seen = np.all([(each.xy >= 0) & (each.xy <= images[0].shape[0]) for each in answers[:2]], axis=(0, -1))
    assert seen.mean() > 0.25
    assert np.median(np.abs(answers[1].xy - answers[0].xy - [7, 4])[seen]) < 4
    assert one([], []) == []


@given_boxes
def test_each_box_has_its_row_and_one_that_is_none_a_row_of_nan(made, name):
    one = made(name)
    points = len(landmarks.load(one.vocabulary))
    answers = one(pictures(), [BOXES, BOXES[:0], BOXES[2:3]])
    assert [len(answer.xy) for answer in answers] == [4, 0, 1]
    for answer, count in zip(answers, (4, 0, 1), strict=True):
        assert answer.xy.shape == (count, points, 2) and answer.score.shape == (count, points)
        assert answer.boxes.shape == (count, 4) and answer.box_score.shape == (count,)
        assert answer.xy.dtype == answer.score.dtype == answer.boxes.dtype == np.float32
    assert np.isfinite(answers[0].xy[0]).any() and np.isnan(answers[0].xy[[1, 3]]).all()
    np.testing.assert_array_equal(answers[0].boxes, BOXES)


@given_boxes
def test_company_changes_nothing_and_pictures_stay_as_they_were(made, name):
    """Not by 0.02 px; but for what the last digits of a random heat map decide, a tenth of the points or two."""
    one, images = made(name), pictures()
    boxes = [BOXES[:1], BOXES[2:3], BOXES[:1]]
    before = [image.copy() for image in images]
    still = import_module("tolerances").stable_points(one, images, boxes) if name in SLOW else [np.True_] * 3
    for image, box, answer, known in zip(images, boxes, one(images, boxes), still, strict=True):
        alone = one([image], [box])[0]
        assert known.mean() > 0.7
        np.testing.assert_allclose(np.where(known[..., None], alone.xy, answer.xy), answer.xy, atol=2e-2)
        np.testing.assert_allclose(alone.score, answer.score, atol=1e-3)
    assert all(np.array_equal(image, old) for image, old in zip(images, before, strict=True))
    assert one([], []) == []


@given_boxes
def test_points_move_with_the_picture(made, name):
    """A box and all pixels under it, moved by (7, 4), move every point by as much; a wrong border would not."""
    one, (face, moved, _) = made(name), pictures()
    box = np.array([[60, 50, 190, 190]], np.float32)
    still, gone = (
        one([image], [given])[0].xy[0] for image, given in ((face, box), (moved, box + np.float32([7, 4, 7, 4])))
    )
    known = np.isfinite(still).all(axis=1) & np.isfinite(gone).all(axis=1)
    assert known.any()
    assert np.median(np.abs(gone - still - [7, 4])[known]) < 1.0


@each
def test_a_gpu_that_is_not_there_is_not_replaced(name, mirror, tmp_path):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    _, load = opened(name, tmp_path, mirror)
    with pytest.raises(SetupError):
        load("cuda")


@each
def test_files_of_something_else_are_refused(name, mirror, tmp_path):
    cards, load = opened(name, tmp_path, mirror)
    for file in cards:
        path = tmp_path / file
        right = path.read_bytes()
        path.unlink()
        if file in NEEDLESS.get(name, ()):
            load("cpu")
        else:
            refused(load)
            for wrong in (b"", b"<!DOCTYPE html><html>Quota exceeded</html>"):
                path.write_bytes(wrong)
                refused(load)
        path.write_bytes(right)


def refused(load: Callable[[str], Model]) -> None:
    with pytest.raises(DataError) as caught:
        load("cpu")
    assert "\n" not in caught.value.cause and caught.value.remedy


@pytest.mark.parametrize(
    ("name", "network"),
    [("rtmlib", "pose"), ("vitpose_onnx", "pose"), ("openseeface", "landmarks"), ("centerface", "detector")],
)
def test_who_uses_onnxruntime_says_what_it_ran_on(made, name, network):
    assert providers(made(name)) == {network: ["CPUExecutionProvider"]}


@each
def test_unknown_settings_are_refused(name):
    module = import_module(f"thermark.models.{FAMILY[name]}")
    with pytest.raises(ConfigError, match="detectr"):
        parse({"family": FAMILY[name], "weights": "w", "detectr": "x"}, module.Config, "zeroshot.x")
