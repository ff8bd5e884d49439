"""Shifted pictures: who sees which, what contestants say of them, and the floor that follows."""

import statistics
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_evaluate import FAST, evaluate, faces, predictions
from test_learned import frame, nose, packed
from test_mean_shape import table

from thermark.core import files, geometry, jitter, packed_images, perturbations
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.core.faces import Crops, Faces
from thermark.core.jitter import Jitter
from thermark.core.predictions import Predictions, file_name
from thermark.core.shards import Shards
from thermark.datasets.readers.loaded import build_faces
from thermark.metrics import score_all
from thermark.metrics.evaluate import Config
from thermark.metrics.floor import Jittered, spread
from thermark.metrics.outputs import SUFFIXES, Outputs
from thermark.metrics.score_key import ScorePaths
from thermark.models import mean_shape
from thermark.models.inference.contract import Instances, LazyModel
from thermark.models.inference.crops import predict, predict_shifted
from thermark.models.inference.sweep import sweep

JITTER = Jitter((1, 2), 12)
NOSE_CONFIG = Config(vocabulary="nose1", bootstrap=0)
STEPS = [(1, 0), (-1, 0), (0, 1), (0, -1), (2, 0), (-2, 0), (0, 2), (0, -2)]


def everybody(known: Faces) -> np.ndarray:
    return np.ones(len(known), bool)


# Which faces, and what is shown of them.


def test_pictures_are_shifted_to_all_four_sides():
    assert JITTER.steps.tolist() == [list(step) for step in STEPS]


def test_settings_name_scored_sets_and_whole_px():
    config = parse({"datasets": ["x"], "shifts": [2, 1, 2], "faces": 3}, jitter.Config, "jitter")
    assert config.moves(["x", "y"]) == {"x": {"jitter": Jitter((1, 2), 3)}}
    assert not jitter.Config().moves([])
    with pytest.raises(ConfigError, match="jitter names x, which is not scored"):
        config.moves(["y"])
    for wrong in (
        {"shifts": []},
        {"shifts": [0]},
        {"shifts": [0.5]},
        {"shifts": [9]},
        {"faces": 0},
        {"shift": [1]},
    ):
        with pytest.raises(ConfigError):
            parse(wrong, jitter.Config, "jitter")


def test_moved_boxes_and_shifted_pictures_of_a_set_stand_side_by_side(tmp_path):
    params = tmp_path / "params.yaml"
    params.write_text("boxes: {datasets: [x], shift: [0.1], scale: []}\npictures: {datasets: [x, y], faces: 2}\n")
    moves = perturbations.read(params, "boxes", "pictures", ["x", "y", "z"])
    assert moves["x"] == {"shift10": perturbations.BoxPerturbation(0.1), "jitter": Jitter((1, 2), 2)}
    assert moves["y"] == {"jitter": Jitter((1, 2), 2)} and not moves["z"]


def test_a_face_of_every_subject_comes_before_a_second_of_any():
    known = faces(40)  # four subjects, ten faces each
    for most, each in ((3, {1}), (4, {1}), (8, {2}), (40, {10})):
        rows = jitter.select_rows(known, everybody(known), most)
        counts = np.unique(known.subjects[rows], return_counts=True)[1]
        assert len(rows) == most and set(counts.tolist()) == each
        assert (np.diff(rows) > 0).all()


def test_the_same_faces_are_chosen_in_any_order_and_among_scored_ones_only():
    known, scored = faces(40), np.arange(40) % 3 > 0
    ids = set(known.ids[jitter.select_rows(known, scored, 9)])
    order = np.random.default_rng(3).permutation(40)
    again = known.take(order)
    assert set(again.ids[jitter.select_rows(again, scored[order], 9)]) == ids
    assert ids <= set(known.ids[scored]) and len(ids) == 9
    assert set(known.ids[jitter.select_rows(known, scored, 5)]) < ids


def test_a_frame_comes_with_all_its_faces_and_bare_ones_come_last():
    known = faces(12)
    crowd = replace(known, frames=np.array([f"f{number // 4}" for number in range(12)]))
    assert len(jitter.select_rows(crowd, everybody(crowd), 8)) == 8
    assert len(jitter.select_rows(crowd, everybody(crowd), 7)) == 4
    first = jitter.select_rows(crowd, everybody(crowd), 2)  # the first one comes whole, however many faces it has
    assert len(set(crowd.frames[first])) == 1 and len(first) == 4
    xy, prompts = known.xy.copy(), known.prompts.copy()
    xy[:5], prompts[5:8] = np.nan, np.nan
    bare = replace(known, xy=xy, prompts=prompts)
    assert jitter.select_rows(bare, everybody(bare), 4).tolist() == [8, 9, 10, 11]
    assert len(jitter.select_rows(bare, everybody(bare), 12)) == 12


def test_labels_move_and_boxes_that_are_told_stay():
    known = faces(3)
    seen = jitter.shift_faces(known, np.array([True, False, True]), Jitter((2,), 9))
    assert seen.rows.tolist() == [0, 2] * 4
    assert seen.faces.frames.tolist()[:3] == ["f000@+2+0", "f002@+2+0", "f000@-2+0"]
    assert len(set(seen.faces.ids)) == 8
    np.testing.assert_allclose(seen.faces.xy[3], known.xy[2] + [-2, 0], atol=1e-4)
    np.testing.assert_array_equal(seen.faces.prompts[2:4], known.prompts[[0, 2]])
    np.testing.assert_array_equal(seen.faces.boxes[4:6], known.boxes[[0, 2]])


def test_a_shifted_picture_repeats_its_border(tmp_path):
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    packed_images.write(tmp_path, np.array(["a", "b"]), [image + 100, image])
    images = jitter.ShiftedImages(
        packed_images.read(tmp_path), np.array(list("wxyz")), np.array([1, 1, 1, 0]),
        np.array([(1, 0), (-2, 0), (0, 2), (1, -1)]),
    )  # fmt: skip
    assert images.image(0)[..., 0].tolist() == [[0, 0, 1, 2], [4, 4, 5, 6], [8, 8, 9, 10]]
    assert images.image(1)[..., 0].tolist() == [[2, 3, 3, 3], [6, 7, 7, 7], [10, 11, 11, 11]]
    assert images.image(2)[..., 0].tolist() == [[0, 1, 2, 3]] * 3
    assert images.image(3)[..., 2].tolist() == [
        [104, 104, 105, 106],
        [108, 108, 109, 110],
        [108, 108, 109, 110],
    ]
    assert all(images.image(row).shape == (3, 4, 3) and images.image(row).flags.c_contiguous for row in range(4))


# Contestants that see pictures.


class Dot:
    """Finds the one bright pixel of each picture, as `read` reads it; notes what boxes it is told."""

    vocabulary, box_source, trained_on, batch = "nose1", "dot", (), 3

    def __init__(self, read: Callable[[np.ndarray], np.ndarray] = lambda at: at, given: str = "own") -> None:
        self.read, self.given = read, given
        self.prompts: list[np.ndarray] = []

    def __call__(self, images, boxes):
        answers = []
        for image, box in zip(images, boxes, strict=True):
            self.prompts += [] if box is None else [box]
            at = np.array(np.unravel_index(image[..., 0].argmax(), image.shape[:2]))[::-1].astype(float)
            xy = np.asarray(self.read(at), np.float32).reshape(1, 1, 2)
            one = np.ones(1, np.float32)
            bounds = np.array([[0, 0, 30, 30]], np.float32) if box is None else box
            answers.append(Instances(xy, one[None], bounds, one))
        return answers


def dots(folder, places: list[tuple[int, int]]) -> tuple[packed_images.PackedImages, Faces]:
    """Return pictures of 40 x 30 px, each with one bright pixel, which is labelled."""
    images = [np.full((30, 40), 10, np.uint8) for _ in places]
    for image, (x, y) in zip(images, places, strict=True):
        image[y, x] = 200
    names = np.array([f"n{number}" for number in range(len(places))])
    packed_images.write(folder, names, images)
    boxes = np.tile(np.array([[0, 0, 30, 30]], np.float32), (len(places), 1))
    xy = np.array(places, np.float32)[:, None]
    known = build_faces(names, names, np.full(len(names), "test"), "nose1", xy, boxes=boxes)
    return packed_images.read(folder), known


def asked(one: Dot, shown, known: Faces, config: Jitter = JITTER) -> dict:
    """Return the floor of a contestant by its answers to pictures and shifted pictures."""
    seen = jitter.shift_faces(known, everybody(known), config)
    plain = sweep(LazyModel(lambda: one), "c", shown, known, np.arange(len(known)), "d", 0.0)
    there = jitter.shift_images(shown, known, seen)
    output = sweep(LazyModel(lambda: one), "c", there, seen.faces, np.arange(len(seen.faces)), "d", 0.0)
    return evaluate(known, plain, NOSE_CONFIG, jittered=Jittered(config, [output])).floor


@pytest.mark.parametrize("given", ["own", "frame", "prompt", "labelled"])
def test_who_follows_the_picture_has_no_floor(tmp_path, given):
    images, known = dots(tmp_path, [(8, 12), (17, 9), (21, 20)])
    one = Dot(given=given)
    if given != "frame":
        assert asked(one, images, known) == {
            "px": 0.0, "error_px_mean": 0.0, "faces": 3, "lost": 0, "flickering": 0, "views": 9,
        }  # fmt: skip
    else:
        assert asked(one, images, known)["px"] == 0
    if given in ("prompt", "labelled"):  # in every view the very boxes that were told at first
        np.testing.assert_array_equal(np.concatenate(one.prompts), np.tile(known.prompts[0], (3 * 9, 1)))


def test_who_snaps_to_every_fourth_px_has_the_floor_of_that_grid(tmp_path):
    """At (8, 12), the shifted-back answers in x are 0, -1, -3, -2, -2 by shifts of 0, 1, -1, 2, -2, and 0 else.

    Their squares sum to 18 and they to -8: the variance over nine views is (18 - 64 / 9) / 8, in y the same.
    """
    images, known = dots(tmp_path, [(8, 12)])
    floor = asked(Dot(lambda at: 4 * (at // 4)), images, known)
    assert floor["px"] == pytest.approx((2 * (18 - 64 / 9) / 8) ** 0.5, rel=1e-5)
    assert floor["px"] == pytest.approx(7 * 2**0.5 / 6, rel=1e-5)


def test_who_does_not_look_at_the_picture_has_the_floor_of_the_shifts(tmp_path):
    images, known = dots(tmp_path, [(8, 12), (17, 9)])
    assert asked(Dot(lambda at: (5, 5)), images, known)["px"] == pytest.approx(2.5**0.5, rel=1e-5)
    small = asked(Dot(lambda at: (5, 5)), images, known, Jitter((1,), 1))
    assert small["px"] == pytest.approx(1, rel=1e-5) and (small["faces"], small["views"]) == (1, 5)


# Contestants that see packed crops.


def test_a_packed_crop_answers_as_the_shifted_picture_does():
    """The brightest spot of a picture, in the same box: through the packed crop, and in the picture itself."""
    at, box = np.array([150.0, 97.0]), np.array([110.0, 60, 190, 140], np.float32)
    image = frame(at)
    pixels, to_source = packed(image, box, 192, 1.75)
    known = replace(faces(1, "nose1"), xy=at[None, None].astype(np.float32), boxes=box[None], prompts=box[None])
    crops = Crops(Shards((pixels[..., 0],)), to_source, 1.75)
    output = predict_shifted(nose(), "c", known, crops, "d", everybody(known), JITTER)
    np.testing.assert_array_equal(output.boxes, np.tile(box, (8, 1)))
    assert output.frames[0] == "f000@+1+0" and output.faces.tolist() == list(range(8))
    for row, (right, down) in enumerate(STEPS):
        direct = nose()([np.roll(image, (down, right), (0, 1))], [box[None]])[0].xy
        np.testing.assert_allclose(output.xy[row], direct[0], atol=0.5)
        np.testing.assert_allclose(output.xy[row, 0], np.add(at, (right, down)), atol=1)


def test_the_mean_shape_stays_where_its_box_is():
    known = table(np.random.default_rng(2).uniform(20, 90, (3, 68, 2)), ["train", "test", "test"])
    maps = np.stack([geometry.crop_to_source(box, 64, 1.75) for box in known.prompts])
    crops = Crops(Shards((np.zeros((3, 64, 64), np.uint8),)), maps, 1.75)
    shape, scored = mean_shape.fit(known), known.splits == "test"
    plain = predict(shape, "c", known, crops, "d", np.array([1, 2]))
    output = predict_shifted(shape, "c", known, crops, "d", scored, JITTER)
    np.testing.assert_allclose(output.xy, np.tile(plain.xy, (8, 1, 1)), atol=1e-3)
    floor = evaluate(known, plain, FAST, jittered=Jittered(JITTER, [output])).floor
    assert floor["px"] == pytest.approx(2.5**0.5, rel=1e-4) and floor["faces"] == 2


# The floor itself.


def shaken(truth: Faces, noise: np.ndarray, config: Jitter = JITTER) -> Predictions:
    """Return answers to shifted pictures that are off by `noise` (V, N, K, 2) px."""
    seen = jitter.shift_faces(truth, everybody(truth), config)
    output = predictions(seen.faces, noise=0)
    return replace(output, xy=(output.xy + noise.reshape(output.xy.shape)).astype(np.float32))


def test_known_noise_has_its_own_deviation_as_floor():
    """Held against the sample variances of a textbook, one coordinate at a time."""
    truth = faces(5)
    noise = np.random.default_rng(8).normal(0, 3, (9, 5, 70, 2))
    noise[..., 1] *= 2
    base = predictions(truth, noise=0)
    base = replace(base, xy=(base.xy + noise[0]).astype(np.float32))
    whole = Config(vocabulary="facesynthetics70", bootstrap=0)
    floor = evaluate(truth, base, whole, jittered=Jittered(JITTER, [shaken(truth, noise[1:])])).floor
    each = [
        statistics.fmean(
            statistics.variance(noise[:, face, point, 0].tolist())
            + statistics.variance(noise[:, face, point, 1].tolist())
            for point in range(70)
        )
        ** 0.5
        for face in range(5)
    ]
    assert floor["px"] == pytest.approx(statistics.fmean(each), rel=1e-4)
    assert floor["px"] == pytest.approx(45**0.5, rel=0.05)  # 3 px in x and 6 px in y
    eyes = np.linalg.norm(truth.xy[:, 45] - truth.xy[:, 36], axis=-1)
    assert floor["nme_io"] == pytest.approx(
        statistics.fmean(e / d for e, d in zip(each, eyes, strict=True)), rel=1e-4
    )
    assert (floor["faces"], floor["lost"], floor["flickering"], floor["views"]) == (5, 0, 0, 9)


def test_a_constant_error_is_no_jitter_and_seeds_are_averaged():
    truth = faces(4)
    still = shaken(truth, np.full((8, 4, 70, 2), 3.0))
    base = predictions(truth, noise=0)
    off = replace(base, xy=base.xy + np.float32(3))
    assert evaluate(truth, off, FAST, jittered=Jittered(JITTER, [still])).floor["px"] == pytest.approx(0, abs=1e-4)
    noise = np.zeros((8, 4, 70, 2))
    noise[3, ..., 0] = 9  # one view of nine is 9 px off: a variance of 9
    one = evaluate(truth, base, FAST, jittered=Jittered(JITTER, [shaken(truth, noise)])).floor
    both = [off, base]
    two = evaluate(truth, both, FAST, jittered=Jittered(JITTER, [still, shaken(truth, noise)])).floor
    assert one["px"] == pytest.approx(3, rel=1e-5) and two["px"] == pytest.approx(1.5, rel=1e-4)


def test_a_miss_in_one_view_is_lost_and_flickers_and_one_in_all_is_lost():
    truth, noise = faces(4), np.zeros((8, 4, 70, 2))
    noise[5, 1] = np.nan
    noise[:, 2] = np.nan
    noise[2, 3, :, 1] = 9
    base = predictions(truth, noise=0)
    xy = base.xy.copy()
    xy[2] = np.nan
    plain = replace(base, xy=xy)
    floor = evaluate(truth, plain, FAST, jittered=Jittered(JITTER, [shaken(truth, noise)])).floor
    assert (floor["faces"], floor["lost"], floor["flickering"]) == (2, 2, 1)
    assert floor["px"] == pytest.approx(3 / 2, rel=1e-5)  # of two faces that are left, one has 3 px
    # Found by one seed and not by the other, or by the shifted views alone: it flickers, too.
    seeds = Jittered(JITTER, [shaken(truth, np.zeros_like(noise)), shaken(truth, noise)])
    floor = evaluate(truth, [base, plain], FAST, jittered=seeds).floor
    assert (floor["faces"], floor["lost"], floor["flickering"]) == (2, 2, 2)
    none = evaluate(truth, plain, FAST, jittered=Jittered(JITTER, [shaken(truth, noise * np.nan)])).floor
    assert none == {"faces": 0, "lost": 4, "flickering": 3, "views": 9}


def test_a_face_without_labels_is_neither_measured_nor_lost():
    truth = faces(3)
    xy = truth.xy.copy()
    xy[1] = np.nan
    bare = replace(truth, xy=xy)
    base = replace(predictions(truth, noise=0), faces=np.arange(3))
    noise = np.zeros((8, 3, 70, 2))
    floor = evaluate(bare, base, FAST, jittered=Jittered(JITTER, [shaken(truth, noise)])).floor
    assert (floor["faces"], floor["lost"], floor["flickering"]) == (2, 0, 0)


@settings(max_examples=25)
@given(st.integers(2, 6), st.integers(1, 5), st.floats(0.1, 10), st.integers(0, 9))
def test_a_spread_grows_with_what_it_is_the_spread_of(views, points, factor, seed):
    offsets = np.random.default_rng(seed).normal(0, 2, (views, 3, points, 2))
    plain = spread(offsets)
    place = np.random.default_rng(seed + 1).normal(0, 50, (3, points, 2))
    np.testing.assert_allclose(spread(offsets * factor + place), plain * factor, rtol=1e-6)
    np.testing.assert_allclose(spread(offsets[::-1]), plain, rtol=1e-9)
    offsets[0, 1] = np.nan
    assert np.isnan(spread(offsets)).tolist() == [False, True, False]


def test_the_floor_lands_in_the_details_of_who_ran(tmp_path):
    truth = faces()
    truth.save(tmp_path / "faces/one/faces.npz")
    files.write_json(tmp_path / "reports/one.json", {"fingerprint": "d"})
    predictions(truth, noise=0).save(tmp_path / "predictions/c/one.npz")
    paths = ScorePaths(tmp_path / "faces", tmp_path / "reports", tmp_path / "predictions")
    out = Outputs(*(tmp_path / "out" / kind for kind in SUFFIXES))

    def scored(config: Jitter | None = JITTER, name: str = "c") -> dict:
        moves = {"one": {jitter.VARIANT: config}} if config else {}
        score_all.score_all([name], {"one": FAST}, paths, out, tmp_path / "out/summary", {}, 1, moves)
        return files.read_json(out.details / f"{name}/one.json")

    with pytest.raises(DataError, match=r"one@jitter\.npz is missing"):
        scored()
    path = tmp_path / "predictions/c" / file_name("one", jitter.VARIANT)
    Predictions.none("c", "d", "skipped", "no reason").save(path)
    assert "floor" not in scored()
    noise = np.zeros((8, 12, 70, 2))
    shaken(truth, noise).save(path)
    assert scored()["floor"] == {
        "px": 0.0, "nme_io": 0.0, "faces": 12, "lost": 0, "flickering": 0, "views": 9,
    }  # fmt: skip
    noise[3, ..., 0] = 9
    shaken(truth, noise).save(path)  # another answer is scored again
    assert scored()["floor"]["px"] == pytest.approx(3, rel=1e-5)
    before = (out.details / "c/one.json").stat().st_mtime_ns
    scored()
    assert (out.details / "c/one.json").stat().st_mtime_ns == before
    small = Jitter((2,), 4)  # and so are the same pictures by other settings
    shaken(truth, np.zeros((4, 4, 70, 2)), small).save(path)
    assert scored(small)["floor"] | {"px": 0, "nme_io": 0} == {
        "px": 0, "nme_io": 0, "faces": 4, "lost": 0, "flickering": 0, "views": 5,
    }  # fmt: skip
    assert "floor" not in scored(None)
    Predictions.none("idle", "d", "skipped", "no weights").save(tmp_path / "predictions/idle/one.npz")
    Predictions.none("idle", "d", "skipped", "no weights").save(tmp_path / "predictions/idle/one@jitter.npz")
    assert scored(name="idle")["summary"]["status"] == "skipped" and "floor" not in scored(name="idle")
