import cv2
import numpy as np
import pytest

import drawn_faces
import onnx_graphs
import tiny_runs
from thermark.convert import onnx as exported
from thermark.core import bundle, geometry, seeds
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError, SetupError
from thermark.models import learned, rtmlib
from thermark.models.inference import engine, sessions
from thermark.models.inference.contract import Assets
from thermark.models.inference.sessions import RTMPose
from thermark.models.rtmlib import RtmlibPose
from thermark.synth.render.person import sample_person, sample_pose
from thermark.synth.render.scene import Camera, render_scene

SIDE = 64
PROMPT = {"family": "rtmlib", "weights": "w", "pose": "pose.onnx", "given": "prompt"}
OWN = PROMPT | {"given": "own", "detector": "det.onnx", "detector_score": 0.5}
NOSE = onnx_graphs.card((SIDE, SIDE), vocabulary="nose1")


def config(**changed) -> rtmlib.Config:
    return parse(PROMPT | changed, rtmlib.Config, "zeroshot.x")


def loaded(folder, card=NOSE, det=None, device="auto", **changed) -> RtmlibPose:
    weights = onnx_graphs.described(folder, pose=card, **({"det": det} if det else {}))
    return rtmlib.load(config(**changed), Assets(weights), device)


def dot(at, size=(120, 160), blur=0.0) -> np.ndarray:
    """Return a black frame with a white pixel, or blob, at (x, y)."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    away = (columns - at[0]) ** 2 + (rows - at[1]) ** 2
    level = np.exp(-away / (2 * blur**2)) if blur else away == 0
    return np.repeat((255 * level)[..., None], 3, axis=2).astype(np.uint8)


def square(x: float, y: float, side: float) -> np.ndarray:
    return np.array([[x - side / 2, y - side / 2, x + side / 2, y + side / 2]], np.float32)


# --- where points and boxes are


def test_a_pixel_is_found_where_it_is(tmp_path):
    """At one input pixel to a frame pixel nothing is rounded: a shift of half a pixel anywhere would show."""
    onnx_graphs.brightest(tmp_path / "pose.onnx", (SIDE, SIDE))
    find = loaded(tmp_path)
    places = [(70, 50), (50, 44), (90, 71), (63, 52)]
    box = square(69.5, 54.5, SIDE / 1.25)
    predictions = find([dot(at) for at in places], [box] * 4)
    np.testing.assert_allclose([one.xy[0, 0] for one in predictions], places, atol=1e-4)
    assert all(one.xy.dtype == one.score.dtype == np.float32 for one in predictions)


@pytest.mark.parametrize("scale", [0.4, 1.0, 2.7])
@pytest.mark.parametrize("at", [(70.0, 50.0), (61.3, 58.8)])
def test_the_way_there_and_back_is_the_same_at_every_scale(tmp_path, scale, at):
    onnx_graphs.brightest(tmp_path / "pose.onnx", (SIDE, SIDE))
    box = square(68.2, 55.1, scale * SIDE / 1.25)
    [prediction] = loaded(tmp_path)([dot(at, blur=max(3 * scale, 1.5))], [box])
    # The brightest input pixel is the next one: half an input pixel away at most, and half a bin of rounding.
    assert np.abs(prediction.xy[0, 0] - at).max() <= 0.5 * scale + 0.25


def test_the_outline_of_a_frame_is_rtmlibs_whole_frame(tmp_path):
    path = onnx_graphs.brightest(tmp_path / "pose.onnx", (48, SIDE))
    image = dot((100, 40), blur=5)
    reference = sessions.tool(RTMPose, path, (48, SIDE), "cpu", 1)
    wanted, scores = reference(image, [])  # no boxes: the whole frame
    height, width = image.shape[:2]
    box = np.array([[-0.5, -0.5, width - 0.5, height - 0.5]], np.float32)
    [prediction] = loaded(tmp_path, onnx_graphs.card((48, SIDE), vocabulary="nose1"))([image], [box])
    np.testing.assert_array_equal(prediction.xy, np.float32(wanted))
    np.testing.assert_array_equal(prediction.score, np.float32(scores))


def test_several_boxes_in_several_images_each_have_their_own_answer(tmp_path):
    onnx_graphs.brightest(tmp_path / "pose.onnx", (SIDE, SIDE))
    first = np.maximum(dot((40, 40)), dot((120, 80)))
    boxes = [
        np.concatenate([square(39.5, 39.5, 51.2), square(119.5, 79.5, 51.2)]),
        np.zeros((0, 4), np.float32),
        np.concatenate([square(99.5, 59.5, 51.2)] * 20),  # more than fit into one call
    ]
    predictions = loaded(tmp_path)([first, first, dot((101, 63))], boxes)
    np.testing.assert_allclose(predictions[0].xy[:, 0], [[40, 40], [120, 80]], atol=1e-4)
    assert predictions[1].xy.shape == (0, 1, 2) and predictions[1].score.shape == (0, 1)
    np.testing.assert_allclose(predictions[2].xy[:, 0], [[101, 63]] * 20, atol=1e-4)
    for one, box in zip(predictions, boxes, strict=True):
        np.testing.assert_array_equal(one.boxes, box)
        assert np.isnan(one.box_score).all() and one.box_score.shape == (len(box),)


# --- what networks say


@pytest.mark.parametrize(("order", "wanted"), [("rgb", [5, 10, 15]), ("bgr", [15, 10, 5])])
def test_channels_reach_the_network_in_the_order_of_its_card(tmp_path, order, wanted):
    onnx_graphs.by_channel(tmp_path / "pose.onnx", SIDE)
    find = loaded(tmp_path, NOSE | {"channels": order})
    colours = [np.full((SIDE, SIDE, 3), np.eye(3)[channel] * 200, np.uint8) for channel in range(3)]
    box = square(31.5, 31.5, SIDE / 1.25)
    points = [one.xy[0, 0].tolist() for one in find(colours, [box] * 3)]
    np.testing.assert_allclose(points, [[place, place] for place in wanted], atol=1e-4)


def test_logits_that_are_no_numbers_are_a_miss_of_that_face_only(tmp_path):
    onnx_graphs.logarithm(tmp_path / "pose.onnx", SIDE)
    images = [np.full((SIDE, SIDE, 3), level, np.uint8) for level in (255, 0, 240)]
    predictions = loaded(tmp_path)(images, [square(31.5, 31.5, SIDE / 2)] * 3)
    assert [bool(np.isnan(one.xy).all()) for one in predictions] == [False, True, False]
    assert [bool(np.isnan(one.score).all()) for one in predictions] == [False, True, False]


def test_a_point_that_the_network_does_not_see_is_nan_and_no_corner_of_the_crop(tmp_path):
    path = onnx_graphs.brightest(tmp_path / "pose.onnx", (SIDE, SIDE), lift=-9.0)
    image, box = dot((70, 50)), square(69.5, 49.5, 51.2)
    # All bins are negative, but for the odd ones, which are 0.
    wanted, score = sessions.tool(RTMPose, path, (SIDE, SIDE), "cpu", 1)(image, box + 0.5)
    assert score.tolist() == [[0.0]] and np.allclose(wanted, box[0, :2] + 0.5 - 6.4 - 0.5)
    [prediction] = loaded(tmp_path)([image], [box])
    assert np.isnan(prediction.xy).all() and np.isnan(prediction.score).all()


# --- who is in the frame

WIDE = (64, 96)  # of the detector: height, width
PERSON = (30, 10, 60, 50, 0.9, 0)


def finder(tmp_path, boxes=(PERSON,), **changed) -> RtmlibPose:
    onnx_graphs.brightest(tmp_path / "pose.onnx", (SIDE, SIDE))
    onnx_graphs.detector(tmp_path / "det.onnx", onnx_graphs.raw(list(boxes), WIDE, 1), WIDE)
    return loaded(tmp_path, det=onnx_graphs.card((96, 64)), **(OWN | changed))


def lit(level: int) -> np.ndarray:
    image = np.full((64, 96, 3), level, np.uint8)
    image[30, 45] = 255
    return image


def test_persons_are_found_with_their_scores_and_nobody_is_nobody(tmp_path):
    find = finder(tmp_path, [PERSON, (5, 5, 25, 45, 0.8, 0)])
    assert (find.given, find.box_source, find.trained_on) == ("own", "det", ())
    both, none = find([lit(250), lit(10)], [None, None])
    np.testing.assert_allclose(both.boxes, [[29.5, 9.5, 59.5, 49.5], [4.5, 4.5, 24.5, 44.5]], atol=1e-4)
    np.testing.assert_allclose(both.box_score, np.float32([0.9, 0.8]) * 250 / 255, atol=1e-3)
    assert none.xy.shape == (0, 1, 2) and none.boxes.shape == (0, 4) and none.box_score.shape == (0,)
    np.testing.assert_allclose(both.xy[0, 0], [45, 30], atol=0.5)


def test_the_whole_frame_stands_in_only_where_that_is_asked_for(tmp_path):
    find = finder(tmp_path, whole_frame=True)
    assert find.box_source == "det or frame"
    person, frame = find([lit(250), lit(10)], [None, None])
    np.testing.assert_allclose(person.boxes, [[29.5, 9.5, 59.5, 49.5]], atol=1e-4)
    assert person.box_score[0] > 0.8 and np.isnan(frame.box_score).all()
    np.testing.assert_array_equal(frame.boxes, np.float32([[-0.5, -0.5, 95.5, 63.5]]))
    np.testing.assert_allclose(frame.xy[0, 0], [45, 30], atol=1)


@pytest.mark.parametrize(
    "changed",
    [
        {"given": "own"},
        {"detector": "det.onnx"},
        {"whole_frame": True},
        {"given": "own", "detector": "det.onnx", "detector_score": -0.1},
        {"threads": 0},
        {"detectr": "det.onnx"},
    ],
)
def test_settings_that_contradict_themselves_are_refused(changed):
    with pytest.raises(ConfigError):
        config(**changed)


# --- files


def test_a_path_that_does_not_exist_is_no_address(tmp_path, monkeypatch):
    monkeypatch.setattr("rtmlib.tools.base.download_checkpoint", lambda *_: pytest.fail("would download"))
    with pytest.raises(DataError, match="does not exist"):
        sessions.tool(RTMPose, tmp_path / "absent.onnx", (SIDE, SIDE), "cpu", 1)


def test_a_network_that_is_not_its_cards_is_refused(tmp_path):
    onnx_graphs.brightest(tmp_path / "pose.onnx", (SIDE, SIDE), points=1)
    with pytest.raises(DataError, match=r"takes .*64, 64.* its card says \[1, 3, 96, 96\]"):
        loaded(tmp_path, NOSE | {"input_size": [96, 96]})
    with pytest.raises(DataError, match=r"answers .*\(1, 1, 128\).* means .*\(1, 68, 128\)"):
        loaded(tmp_path, NOSE | {"vocabulary": "ibug68"})
    with pytest.raises(DataError, match="no channel order"):
        loaded(tmp_path, {"input_size": [SIDE, SIDE], "vocabulary": "nose1"})
    with pytest.raises(DataError, match="no vocabulary"):
        loaded(tmp_path, NOSE | {"vocabulary": None})
    with pytest.raises(DataError, match="no vocabulary"):
        loaded(tmp_path, onnx_graphs.card((SIDE, SIDE)))
    with pytest.raises(DataError, match=r"wants 1\.5 times the box"):
        loaded(tmp_path, NOSE | {"padding": 1.5})
    onnx_graphs.brightest(tmp_path / "pose.onnx", (SIDE, SIDE), opset=99)
    with pytest.raises(DataError, match=r"that onnxruntime .* can read"):
        loaded(tmp_path)
    onnx_graphs.brightest(tmp_path / "pose.onnx", (SIDE, SIDE), batch=4)
    with pytest.raises(DataError, match="takes"):
        loaded(tmp_path)
    onnx_graphs.detector(tmp_path / "pose.onnx", onnx_graphs.raw([], (SIDE, SIDE), 1), (SIDE, SIDE))
    with pytest.raises(DataError, match="answers"):
        loaded(tmp_path)


class Counting:
    """A session that counts the calls of its network."""

    def __init__(self, session):
        self.session, self.calls = session, 0

    def __getattr__(self, name):
        return getattr(self.session, name)

    def run(self, *arguments):
        self.calls += 1
        return self.session.run(*arguments)


@pytest.mark.parametrize(("batch", "calls"), [("batch", 2), (1, 20)])
def test_all_boxes_of_all_images_share_calls_of_the_network(tmp_path, batch, calls):
    onnx_graphs.brightest(tmp_path / "pose.onnx", (SIDE, SIDE), batch=batch)
    find = loaded(tmp_path)
    find.pose.session = Counting(find.pose.session)
    find([dot((70, 50))] * 10, [np.concatenate([square(69.5, 49.5, 51.2)] * 2)] * 10)
    assert find.pose.session.calls == calls  # 16 and 4


def test_a_network_for_one_crop_at_a_time_says_the_same(tmp_path):
    boxes = [np.concatenate([square(69.5, 49.5, 51.2), square(60.5, 59.5, 40)])]
    onnx_graphs.brightest(tmp_path / "pose.onnx", (SIDE, SIDE))
    [free] = loaded(tmp_path)([dot((70, 50))], boxes)
    onnx_graphs.brightest(tmp_path / "pose.onnx", (SIDE, SIDE), batch=1)
    [fixed] = loaded(tmp_path)([dot((70, 50))], boxes)
    np.testing.assert_array_equal(free.xy, fixed.xy)
    np.testing.assert_array_equal(free.score, fixed.score)


def test_it_is_told_what_each_network_runs_on(tmp_path):
    assert finder(tmp_path).providers == {name: ["CPUExecutionProvider"] for name in ("pose", "detector")}


class Fallen:
    """A session that was to run on CUDA, of which onnxruntime could not open the libraries."""

    def __init__(self, *arguments):
        self.wanted = arguments[-1]

    def get_providers(self):
        return ["CPUExecutionProvider"]


def test_a_gpu_that_onnxruntime_cannot_start_is_no_silent_cpu(tmp_path, monkeypatch, capsys):
    onnx_graphs.brightest(tmp_path / "pose.onnx", (SIDE, SIDE))
    monkeypatch.setattr(engine, "available", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"])
    monkeypatch.setattr(engine.onnxruntime, "InferenceSession", Fallen)
    assert sessions.opened(tmp_path / "pose.onnx", "auto").wanted[0] == "CUDAExecutionProvider"
    message = capsys.readouterr().err
    assert (
        message.startswith("warning: onnxruntime could not start CUDA for pose.onnx") and message.count("\n") == 1
    )
    with pytest.raises(SetupError, match="could not start CUDA") as caught:
        sessions.opened(tmp_path / "pose.onnx", "cuda")
    assert caught.value.code == 4
    sessions.opened(tmp_path / "pose.onnx", "cpu")
    assert capsys.readouterr().err == ""


# --- our own network, unmodified through rtmlib


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """A random network as training leaves it, and its bundle."""
    root = tmp_path_factory.mktemp("teacher")
    tiny_runs.write_scaled(root / "models" / "rgb_t" / "seed0")
    exported.export(exported.Config(run="rgb_t"), root / "models", root / "assets")
    return root


def faces(count: int, size: int = 160) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return drawn faces in colour, and boxes about them at 0.8 to 1.1 frame pixels for an input pixel."""
    images, boxes = [], []
    for index in range(count):
        grey, xy = drawn_faces.crop(seeds.rng(5, index), size, 1.75)
        colours = seeds.rng(6, index).uniform(0.6, 1, 3)
        images.append((grey[..., None] * colours).astype(np.uint8))
        boxes.append(geometry.bounding_box(xy)[None] * np.float32(0.5) + np.float32(20))
    return images, boxes


def test_the_exported_teacher_says_in_a_batch_what_rtmlib_says_box_by_box(teacher):
    find = rtmlib.load(config(), Assets(bundle.read(teacher / "assets/seed0")), "auto")
    assert (find.vocabulary, find.trained_on) == ("ibug68", ("elsewhere",))
    reference = RTMPose(str(teacher / "assets/seed0/pose.onnx"), (SIDE, SIDE))
    reference.session = sessions.opened(teacher / "assets/seed0/pose.onnx")  # in our arithmetic
    images, boxes = faces(6)
    boxes[2] = np.concatenate([boxes[2], boxes[3], boxes[4] + 7])
    for image, box, one in zip(images, boxes, find(images, boxes), strict=True):
        xy, score = reference(image, box.astype(np.float64) + 0.5)
        seen = score > 0
        np.testing.assert_allclose(one.score[seen], score[seen], atol=1e-4)
        # A tie of two bins may fall either way.
        same = np.isclose(one.xy, xy, atol=1e-3).all(axis=-1)
        assert same[seen].mean() > 0.99 and np.isnan(one.xy[~seen]).all()
    assert seen.mean() > 0.5


def test_the_same_crop_in_torch_and_through_rtmlib_is_the_same_face(teacher):
    """rtmlib's crop lies half an input pixel beside ours, and is not averaged: at scale 1 that can be undone."""
    find = rtmlib.load(config(), Assets(bundle.read(teacher / "assets/seed0")), "auto")
    network = learned.read(teacher / "models" / "rgb_t" / "seed0", flip="none")
    images, boxes = faces(8)
    for image, box, one in zip(images, boxes, find(images, [_shifted(box) for box in boxes]), strict=True):
        xy = network([image], [box])[0].xy
        bins = np.linalg.norm(one.xy - xy, axis=-1) / (_scale(box) / 2)
        assert (bins < 0.01)[np.isfinite(bins)].mean() > 0.99


def _scale(box: np.ndarray) -> float:
    """Return the frame pixels that one input pixel shows."""
    return float(geometry.box_size(box).max() * 1.25 / SIDE)


def _shifted(box: np.ndarray) -> np.ndarray:
    return box + np.float32(0.5 * _scale(box) - 0.5)


def test_rendered_and_photographed_people_are_answered(teacher, mirror, tmp_path):
    """YOLOX-nano and the exported network: one row a person, points in the crop, whoever is there is found."""
    cards = dict(bundle.read(teacher / "assets/seed0").cards) | {
        "det.onnx": {"input_size": [416, 416], "channels": "bgr"}
    }
    (tmp_path / "pose.onnx").write_bytes((teacher / "assets/seed0/pose.onnx").read_bytes())
    (tmp_path / "det.onnx").write_bytes(mirror("yolox_nano.onnx").read_bytes())
    bundle.write(tmp_path, "ok", "", cards)
    find = rtmlib.load(config(**(OWN | {"detector_score": 0.3})), Assets(bundle.read(tmp_path)), "auto")
    photos = sorted(mirror("facesynthetics_100").glob("[0-9]*.png"))
    photos = [path for path in photos if "seg" not in path.name][:8]
    frames = [_read(path) for path in photos] + [_rendered(number) for number in range(3)]
    predictions = find(frames, [None] * len(frames))
    assert (
        sum(len(one.xy) > 0 for one in predictions[:8]) >= 7
        and sum(len(one.xy) > 0 for one in predictions[8:]) >= 2
    )
    reference = RTMPose(str(tmp_path / "pose.onnx"), (SIDE, SIDE))
    for image, one in zip(frames, predictions, strict=True):
        assert one.xy.shape == (len(one.boxes), 68, 2) and (one.box_score > 0.3).all()
        if len(one.boxes):
            xy, score = reference(image, one.boxes.astype(np.float64) + 0.5)
            same = np.isclose(one.xy, xy, atol=1e-2).all(axis=-1)
            assert same[score > 0].mean() > 0.95


def _read(path) -> np.ndarray:
    return np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])


def _rendered(number: int) -> np.ndarray:
    rng = seeds.rng(7, "body", number)
    distance = (0.75, 1.8, 3.0)[number % 3]
    pose = sample_pose(rng, position=(0.0, -0.12 * distance, distance), yaw=rng.uniform(-30, 30))
    return render_scene([(sample_person(rng), pose)], Camera(192, 256, 240.0), (22.0,), rng).rgb
