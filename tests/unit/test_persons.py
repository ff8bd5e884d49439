import numpy as np
import pytest

import onnx_graphs
from thermark.core import seeds
from thermark.core.errors import DataError, SetupError
from thermark.models.inference import persons, sessions
from thermark.models.inference.persons import Persons
from thermark.models.inference.sessions import YOLOX
from thermark.synth.render.person import sample_person, sample_pose
from thermark.synth.render.scene import Camera, render_scene

SIZE = (64, 96)  # height, width
WHITE = np.full((64, 96, 3), 255, np.uint8)
TWO = [(8, 8, 40, 56, 0.9, 0), (50, 10, 90, 60, 0.8, 0)]


def loaded(folder, threshold=0.5, nms=0.45, **more) -> Persons:
    about = onnx_graphs.described(folder, det=onnx_graphs.card((96, 64), **more))
    return persons.load(about, "det.onnx", threshold, nms, "auto", 1)


def says(tmp_path, boxes, classes=1, **more) -> Persons:
    onnx_graphs.detector(tmp_path / "det.onnx", onnx_graphs.raw(boxes, SIZE, classes), SIZE)
    return loaded(tmp_path, **more)


@pytest.mark.parametrize("classes", [1, 80])
def test_boxes_and_scores_come_back_best_first(tmp_path, classes):
    [(boxes, scores)] = says(tmp_path, TWO[::-1], classes)([WHITE])
    assert boxes.dtype == scores.dtype == np.float32
    # The detector's outlines begin at 0, ours at -0.5.
    np.testing.assert_allclose(boxes, [[7.5, 7.5, 39.5, 55.5], [49.5, 9.5, 89.5, 59.5]], atol=1e-4)
    np.testing.assert_allclose(scores, [0.9, 0.8], atol=1e-6)


def test_each_image_of_a_batch_has_its_own_answer_in_its_own_pixels(tmp_path):
    find = says(tmp_path, TWO)
    # The scores are those of the table times the brightness; frames are resized by 1, 1/2 and 1/2.
    images = [WHITE, np.full((128, 192, 3), 255, np.uint8), np.zeros_like(WHITE), np.full_like(WHITE, 150)]
    (_, whole), (large, scores), (nothing, none), (_, dim) = find(images)
    np.testing.assert_allclose(whole, [0.9, 0.8], atol=1e-6)
    np.testing.assert_allclose(large, [[15.5, 15.5, 79.5, 111.5], [99.5, 19.5, 179.5, 119.5]], atol=1e-4)
    np.testing.assert_allclose(scores, [0.9, 0.8], atol=1e-6)
    assert nothing.shape == (0, 4) and none.shape == (0,)
    np.testing.assert_allclose(dim, [0.9 * 150 / 255], atol=1e-6)  # 0.8 x 150 / 255 is below the threshold
    assert find([]) == []


def test_only_persons_come_back_of_eighty_classes(tmp_path):
    dog = (20, 20, 60, 60, 0.95, 16)
    [(boxes, _)] = says(tmp_path, [dog, TWO[0]], 80)([WHITE])
    assert len(boxes) == 1 and boxes[0, 0] == pytest.approx(7.5)
    [(boxes, _)] = says(tmp_path, [dog], 80)([WHITE])
    assert boxes.shape == (0, 4)
    # This is why rtmlib's own `human` mode will not do.
    tool = sessions.tool(YOLOX, tmp_path / "det.onnx", SIZE, "cpu", 1)
    assert len(tool(WHITE)) == 1


@pytest.mark.parametrize(("order", "channel"), [("rgb", 0), ("bgr", 2)])
def test_channels_reach_the_network_in_the_order_of_its_card(tmp_path, order, channel):
    onnx_graphs.detector(tmp_path / "det.onnx", onnx_graphs.raw(TWO, SIZE, 1), SIZE, channels=(channel,))
    red = WHITE * np.array([1, 0, 0], np.uint8)
    [(boxes, _), (none, _)] = loaded(tmp_path, channels=order)([red, red[..., [1, 0, 2]]])
    assert len(boxes) == 2 and len(none) == 0


def test_overlaps_are_one_person_and_a_touch_is_not(tmp_path):
    again = (10, 8, 42, 56, 0.7, 0)  # IoU 0.88 with the first
    [(boxes, scores)] = says(tmp_path, [*TWO, again])([WHITE])
    np.testing.assert_allclose(scores, [0.9, 0.8], atol=1e-6)
    [(boxes, _)] = says(tmp_path, [*TWO, again], nms=0.95)([WHITE])
    assert len(boxes) == 3


@pytest.mark.parametrize("with_kinds", [False, True])
def test_a_network_that_suppresses_itself_keeps_scores_and_obeys_our_threshold(tmp_path, with_kinds):
    table = np.array([box[:5] for box in [*TWO, (1, 1, 9, 9, 0.4, 0), (2, 2, 8, 8, 0.95, 7)]], np.float32)
    kinds = np.array([0, 0, 0, 7]) if with_kinds else None
    onnx_graphs.detector(tmp_path / "det.onnx", table, SIZE, kinds=kinds)
    extra = [] if with_kinds else [0.95]
    for threshold, wanted in ((0.5, [0.9, 0.8]), (0.85, [0.9]), (0.2, [0.9, 0.8, 0.4])):
        twice = np.full((128, 192, 3), 255, np.uint8)
        [(boxes, scores), (large, _)] = loaded(tmp_path, threshold)([WHITE, twice])
        np.testing.assert_allclose(scores, [*extra, *wanted], atol=1e-6)
        np.testing.assert_allclose(boxes[len(extra)], [7.5, 7.5, 39.5, 55.5], atol=1e-4)
        np.testing.assert_allclose(large[len(extra)], [15.5, 15.5, 79.5, 111.5], atol=1e-4)


def test_a_network_for_one_image_at_a_time_says_the_same(tmp_path):
    images = [WHITE, np.zeros_like(WHITE), np.full_like(WHITE, 200)]
    free = says(tmp_path, TWO)(images)
    onnx_graphs.detector(tmp_path / "det.onnx", onnx_graphs.raw(TWO, SIZE, 1), SIZE, batch=1)
    for (boxes, scores), (other, others) in zip(loaded(tmp_path)(images), free, strict=True):
        np.testing.assert_array_equal(boxes, other)
        np.testing.assert_array_equal(scores, others)


def test_numbers_that_are_none_are_no_person(tmp_path):
    table = onnx_graphs.raw(TWO, SIZE, 1)
    table[np.argmax(table[:, 4]), 4] = np.nan
    onnx_graphs.detector(tmp_path / "det.onnx", table, SIZE)
    [(boxes, scores)] = loaded(tmp_path)([WHITE])
    assert len(boxes) == 1 and np.isfinite(boxes).all() and scores[0] == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "is no ONNX network"),
        (b"garbage", "is no ONNX network"),
        (b"<!DOCTYPE html><html><title>Quota exceeded</title></html>", "is no ONNX network"),
        (None, "holds no det.onnx"),
    ],
)
def test_what_is_no_network_is_refused_in_a_line(tmp_path, content, cause, capsys, monkeypatch):
    monkeypatch.setattr("socket.getaddrinfo", lambda *_: pytest.fail("asked for an address"))
    if content is not None:
        (tmp_path / "det.onnx").write_bytes(content)
    with pytest.raises(DataError, match=cause) as caught:
        loaded(tmp_path)
    assert "\n" not in caught.value.cause and caught.value.code == 3
    assert capsys.readouterr().out == ""


def test_a_network_that_is_not_its_cards_is_refused(tmp_path):
    onnx_graphs.detector(tmp_path / "det.onnx", onnx_graphs.raw(TWO, SIZE, 1), SIZE)
    with pytest.raises(DataError, match=r"takes .*64, 96.* its card says \[1, 3, 96, 64\]"):
        loaded(tmp_path, input_size=[64, 96])
    with pytest.raises(DataError, match="no channel order"):
        loaded(tmp_path, channels="grb")
    with pytest.raises(DataError, match="no input_size"):
        loaded(tmp_path, input_size=None)
    onnx_graphs.detector(tmp_path / "det.onnx", onnx_graphs.raw(TWO, SIZE, 17), SIZE)
    with pytest.raises(DataError, match="not as a YOLOX of 1 or 80 classes"):
        loaded(tmp_path)
    onnx_graphs.brightest(tmp_path / "det.onnx", (96, 64))
    with pytest.raises(DataError, match="not as a YOLOX"):
        loaded(tmp_path)


def test_sessions_say_how_many_threads_and_where(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("THERMARK_ARITHMETIC", "native")
    onnx_graphs.detector(tmp_path / "det.onnx", onnx_graphs.raw(TWO, SIZE, 1), SIZE)
    tool = sessions.tool(YOLOX, tmp_path / "det.onnx", SIZE, "auto", 3)
    options = tool.session.get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (3, 1)
    assert tool.session.get_providers()[-1] == "CPUExecutionProvider"
    assert capsys.readouterr().out == ""
    assert not sessions.cuda("cpu")


def test_portable_sessions_on_a_cpu_do_what_every_cpu_does(tmp_path, monkeypatch):
    """One that lays channels out in blocks of its vectors' length adds in another order than others."""
    monkeypatch.delenv("THERMARK_ARITHMETIC", raising=False)
    onnx_graphs.detector(tmp_path / "det.onnx", onnx_graphs.raw(TWO, SIZE, 1), SIZE)
    options = sessions.opened(tmp_path / "det.onnx", "cpu", 3).get_session_options()
    assert options.intra_op_num_threads == 1
    assert options.graph_optimization_level.name == "ORT_ENABLE_EXTENDED"


@pytest.mark.skipif("CUDAExecutionProvider" in sessions.available(), reason="onnxruntime can use CUDA")
def test_cuda_that_is_absent_is_no_silent_cpu(tmp_path):
    onnx_graphs.detector(tmp_path / "det.onnx", onnx_graphs.raw(TWO, SIZE, 1), SIZE)
    with pytest.raises(SetupError, match="without CUDA") as caught:
        sessions.opened(tmp_path / "det.onnx", "cuda")
    assert caught.value.code == 4 and not sessions.cuda("auto")


def real(mirror, tmp_path, threshold=0.3) -> tuple[Persons, YOLOX]:
    """Return YOLOX-nano, ours and rtmlib's own; it learned from BGR."""
    path = mirror("yolox_nano.onnx")
    (tmp_path / "det.onnx").write_bytes(path.read_bytes())
    about = onnx_graphs.described(tmp_path, det={"input_size": [416, 416], "channels": "bgr"})
    reference = YOLOX(str(path), (416, 416), "multiclass", 0.45, threshold)
    return persons.load(about, "det.onnx", threshold, 0.45, "auto", 2), reference


def frame(number: int) -> np.ndarray:
    rng = seeds.rng(7, "body", number)
    distance = (0.75, 1.8, 3.0)[number % 3]
    pose = sample_pose(rng, position=(0.0, -0.12 * distance, distance), yaw=rng.uniform(-30, 30))
    return render_scene([(sample_person(rng), pose)], Camera(192, 256, 240.0), (22.0,), rng).rgb


def test_a_real_detector_says_what_rtmlib_says_and_with_scores(mirror, tmp_path):
    find, reference = real(mirror, tmp_path)
    images = [frame(number) for number in range(6)]
    detections = find(images)
    for image, (boxes, scores) in zip(images, detections, strict=True):
        # rtmlib's first class comes first, and it is the person; no class is a stable empty answer.
        wanted, kinds = reference(np.ascontiguousarray(image[..., ::-1]))
        wanted = np.reshape(wanted, (-1, 4))[np.asarray(kinds) == 0]
        np.testing.assert_allclose(boxes + 0.5, wanted, atol=1e-3)
        assert ((scores > 0.3) & (scores <= 1)).all() and (np.diff(scores) <= 0).all()
    assert sum(len(boxes) > 0 for boxes, _ in detections) >= 4
