"""A contestant on packed frames: who gets which boxes, what a failure costs, what comes back in which order."""

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest

from thermark.core import packed_images
from thermark.core.errors import DataError
from thermark.datasets.readers.loaded import build_faces
from thermark.models.inference.contract import Instances, LazyModel
from thermark.models.inference.sweep import Broken, sweep

SIZES = [(8, 6), (10, 4), (5, 5), (7, 9)]  # width, height


def written(folder: Path, sizes=SIZES) -> packed_images.PackedImages:
    """Write and open grey frames f0, f1, ... whose pixels hold their number."""
    images = [np.full((height, width), place, np.uint8) for place, (width, height) in enumerate(sizes)]
    packed_images.write(folder, np.array([f"f{place}" for place in range(len(sizes))]), images)
    return packed_images.read(folder)


@pytest.fixture
def packed(tmp_path):
    return written(tmp_path)


@pytest.fixture
def faces():
    """Return five faces: f0 has two, f1 and f3 one, f2 one without a prompt."""
    frames = np.array(["f0", "f0", "f1", "f2", "f3"])
    boxes = np.arange(20, dtype=np.float32).reshape(5, 4)
    prompts = boxes + 0.25
    prompts[3] = np.nan
    ids, xy = np.array(list("abcde")), np.zeros((5, 1, 2), np.float32)
    splits = np.full(5, "test")
    return build_faces(ids, frames, splits, "nose1", xy, frames=frames, boxes=boxes, prompts=prompts)


class Spy:
    """Answers with one point an image: (the grey level, the frame's width); notes what it was asked."""

    vocabulary, box_source, trained_on = "nose1", "spy", ()

    def __init__(self, given="own", batch=2, bad=(), largest=99):
        self.given, self.batch, self.bad, self.largest = given, batch, bad, largest
        self.asked = []

    def __call__(self, images, boxes):
        self.asked.append([int(image[0, 0, 0]) for image in images])
        if len(images) > self.largest:
            raise MemoryError("too many")
        if set(self.asked[-1]) & set(self.bad):
            raise RuntimeError("a poisoned graph")
        return [self.answer(image, box) for image, box in zip(images, boxes, strict=True)]

    def answer(self, image, box):
        count = 1 if box is None else len(box)
        xy = np.broadcast_to(np.float32([image[0, 0, 0], image.shape[1]]), (count, 1, 2))
        boxes = np.zeros((count, 4), np.float32) if box is None else box
        return Instances(xy, np.ones((count, 1), np.float32), boxes, np.full(count, 0.5, np.float32))


def run(spy, packed, faces, rows=range(5), max_failed=0.5):
    made = []

    def load():
        made.append(spy)
        return spy

    predictions = sweep(LazyModel(load), "spy", packed, faces, np.array(list(rows)), "print", max_failed)
    return predictions, len(made)


def test_frames_of_any_size_come_back_as_they_went(tmp_path):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (h, w, 3), dtype=np.uint8) for w, h in SIZES]
    packed_images.write(tmp_path, np.array(list("abcd")), images)
    packed = packed_images.read(tmp_path)
    assert all(np.array_equal(packed.image(row), image) for row, image in enumerate(images))
    assert packed.sizes.tolist() == [list(size) for size in SIZES] and len(packed) == 4


def test_grey_frames_are_shown_as_rgb(packed):
    assert packed.image(2).shape == (5, 5, 3) and (packed.image(2) == 2).all()


def test_no_frames_at_all_are_fine(tmp_path):
    packed_images.write(tmp_path, np.zeros(0, "U1"), [])
    assert len(packed_images.read(tmp_path)) == 0


def test_cut_off_frames_and_mixtures_are_refused(tmp_path, packed):
    (tmp_path / "pixels.bin").write_bytes(b"abc")
    with pytest.raises(DataError, match="cut off"):
        packed_images.read(tmp_path)
    with pytest.raises(DataError, match="channels"):
        packed_images.write(
            tmp_path, np.array(["a", "b"]), [np.zeros((2, 2), np.uint8), np.zeros((2, 2, 3), np.uint8)]
        )
    with pytest.raises(DataError, match="missing"):
        packed_images.read(tmp_path / "elsewhere")


def test_who_finds_faces_is_asked_once_a_frame_and_claims_no_face(packed, faces):
    spy = Spy()
    predictions, loads = run(spy, packed, faces)
    assert spy.asked == [[0, 1], [2, 3]] and loads == 1
    assert predictions.frames.tolist() == ["f0", "f1", "f2", "f3"] and predictions.faces.tolist() == [-1] * 4
    assert predictions.xy[:, 0].tolist() == [[0, 8], [1, 10], [2, 5], [3, 7]]
    assert predictions.box_score.tolist() == [0.5] * 4 and (predictions.box_source, predictions.data) == (
        "spy",
        "print",
    )


def test_only_frames_with_the_wanted_faces_are_shown(packed, faces):
    spy = Spy()
    predictions, _ = run(spy, packed, faces, rows=[2, 4])
    assert spy.asked == [[1, 3]] and predictions.frames.tolist() == ["f1", "f3"]


@pytest.mark.parametrize(("given", "column"), [("prompt", "prompts"), ("labelled", "boxes")])
def test_who_is_told_the_boxes_answers_for_each_face(packed, faces, given, column):
    predictions, _ = run(Spy(given), packed, faces)
    assert predictions.faces.tolist() == [0, 1, 2, 3, 4] and predictions.frames.tolist() == faces.frames.tolist()
    np.testing.assert_array_equal(predictions.boxes, getattr(faces, column))
    assert predictions.xy[:, 0, 0].tolist() == [0, 0, 1, 2, 3]


def test_a_whole_frame_reaches_half_a_pixel_beyond_the_outer_centres(packed, faces):
    predictions, _ = run(Spy("frame"), packed, faces)
    assert predictions.faces.tolist() == [-1] * 4
    assert predictions.boxes[1].tolist() == [-0.5, -0.5, 9.5, 3.5]


@pytest.mark.parametrize("given", ["own", "labelled"])
def test_an_image_that_breaks_the_model_costs_itself_and_a_reload(packed, faces, given):
    spy = Spy(given, batch=4, bad=(1,))
    predictions, loads = run(spy, packed, faces)
    assert predictions.failed == ("f1",)
    # All four, then halves: 0 1 raises, 0 is fine, 1 raises; 2 3 is fine. A new model after each error.
    assert spy.asked == [[0, 1, 2, 3], [0, 1], [0], [1], [2, 3]] and loads == 4
    expected = [0, 2, 3] if given == "own" else [0, 0, np.nan, 2, 3]
    np.testing.assert_array_equal(predictions.xy[:, 0, 0], expected)
    assert predictions.faces.tolist() == ([-1] * 3 if given == "own" else [0, 1, 2, 3, 4])


def test_memory_that_runs_out_halves_the_batch(packed, faces):
    spy = Spy(batch=4, largest=2)
    predictions, _ = run(spy, packed, faces)
    assert spy.asked == [[0, 1, 2, 3], [0, 1], [2, 3]] and predictions.failed == ()
    assert predictions.xy[:, 0, 0].tolist() == [0, 1, 2, 3]


def test_too_many_failures_end_the_contestant(packed, faces):
    with pytest.raises(Broken, match="2 of 4 images, more than 25%"):
        run(Spy(batch=1, bad=(0, 1)), packed, faces, max_failed=0.25)


def test_what_is_wrong_with_the_weights_is_not_blamed_on_the_image(packed, faces):
    class Damaged(Spy):
        def answer(self, image, box):
            raise DataError("the weights are damaged", "bring them again")

    with pytest.raises(DataError, match="damaged"):
        run(Damaged(), packed, faces)


def test_points_that_are_nowhere_are_misses(packed, faces):
    class Lost(Spy):
        def answer(self, image, box):
            instances = super().answer(image, box)
            return Instances(
                np.full((1, 1, 2), [np.inf, 1], np.float32), instances.score, instances.boxes, instances.box_score
            )

    predictions, _ = run(Lost(), packed, faces)
    assert np.isnan(predictions.xy).all() and len(predictions) == 4


@pytest.mark.parametrize(
    "answer",
    [
        Instances.none(1),  # told of two faces, answers for none
        Instances(np.zeros((2, 1, 3)), np.zeros((2, 1)), np.zeros((2, 4)), np.zeros(2)),
        Instances(np.zeros((2, 1, 2)), np.zeros((2, 2)), np.zeros((2, 4)), np.zeros(2)),
    ],
)
def test_an_answer_to_another_question_is_a_failure(packed, faces, answer):
    class Confused(Spy):
        def answer(self, image, box):
            return answer

    with pytest.raises(Broken):
        run(Confused("labelled"), packed, faces, rows=[0, 1])


def test_finding_nothing_is_no_failure(packed, faces):
    class Blind(Spy):
        def answer(self, image, box):
            return Instances.none(1)

    predictions, _ = run(Blind(), packed, faces)
    assert len(predictions) == 0 and predictions.xy.shape == (0, 1, 2) and predictions.failed == ()


def test_a_point_far_outside_is_a_miss_and_one_just_outside_is_not(packed, faces):
    class Wild(Spy):
        def answer(self, image, box):
            xy = np.float32([[[-7, 0]], [[-9, 0]], [[15, 13]], [[15, 15]]])  # of a frame of 8 x 6
            return Instances(xy, np.ones((4, 1), np.float32), np.zeros((4, 4), np.float32), np.ones(4, np.float32))

    predictions, _ = run(Wild(), packed, faces, rows=[0])
    assert np.isnan(predictions.xy[:, 0, 0]).tolist() == [False, True, False, True]


@pytest.mark.slow
def test_after_an_error_the_old_model_is_gone_before_the_new_one_comes(packed, faces):
    alive, most = weakref.WeakSet(), []

    def load():
        gc.collect()
        spy = Spy(batch=4, bad=(0, 1))
        alive.add(spy)
        most.append(len(alive))
        return spy

    predictions = sweep(LazyModel(load), "spy", packed, faces, np.arange(5), "print", 0.5)
    assert predictions.failed == ("f0", "f1") and len(most) > 2 and max(most) == 1
