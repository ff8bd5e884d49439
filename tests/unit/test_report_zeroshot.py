"""The posts' protocols on scenes with known answers, and against independent re-implementations."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import instances
import zeroshot_scene as scene
from thermark.fewshot import posts
from thermark.landmarks import load as vocabulary
from thermark.report.reference_results import load
from thermark.report.zeroshot import nose_points, protocols
from thermark.report.zeroshot.nose_points import NosePoints


def predicted(points: dict[str, list[tuple[float, float]]], rows=None) -> NosePoints:
    frames = [frame for frame, noses in points.items() for _ in noses]
    xy = np.array([point for noses in points.values() for point in noses], float).reshape(-1, 2)
    indices = np.full(len(frames), -1) if rows is None else np.array(rows)
    return NosePoints(np.array(frames, "U32"), indices, xy, np.ones(len(frames)))


# Parts 1 and 3: frames, matching, numbers.


def test_the_first_frames_with_a_nose_in_their_order():
    faces = scene.nose_faces(
        {"1/b": [(9, 9)], "1/a": [(8, 8), (7, 7)], "1/c": [(6, 6)], "2/z": [(5, 5)], "2/y": [(4, 4)]}
    )
    annotations = instances.annotations_of(faces)
    first = protocols.first(annotations, protocols.CountedFrames("annotations_1", 2, ("nose",), by_id=False))
    assert first.frames.tolist() == ["1/b", "1/a", "1/a"]
    assert protocols.first(
        annotations, protocols.CountedFrames("annotations_2", 1, ("nose",), by_id=True)
    ).frames.tolist() == ["2/z"]
    assert (
        len(protocols.first(annotations, protocols.CountedFrames("annotations_2", 60, ("nose",), by_id=True)).xy)
        == 2
    )
    # A picture that could not be read keeps its place among the ids.
    part = protocols.CountedFrames("annotations_2", 2, ("nose",), by_id=True)
    more = instances.annotations_of(scene.nose_faces({f"2/{name}": [(5, 5)] for name in "abc"}))
    assert protocols.first(more, part).frames.tolist() == ["2/a", "2/b"]
    assert protocols.first(more.within(np.array(["2/b", "2/c"])), part).frames.tolist() == ["2/b"]
    assert protocols.first(more.within(np.array(["2/a", "2/b"])), part).frames.tolist() == ["2/a", "2/b"]
    assert {name: (part.source[-1], part.frames) for name, part in protocols.PARTS.items()} == {
        "part1": ("1", 50),
        "part3": ("2", 60),
    }


def test_a_nose_is_matched_across_people_within_80_px():
    """One prediction on the second person and one on the wall: the posts call both people detected."""
    faces = protocols.labelled(scene.nose_faces({"1/a": [(30, 100), (130, 100)]}))
    predictions = predicted({"1/a": [(132, 100), (60, 150)]})
    gaps = protocols.matched(faces, predictions)
    assert gaps == pytest.approx([np.hypot(30, 50), 2.0])
    numbers = protocols.score(faces, predictions)
    assert (numbers["detection"], numbers["precision"], numbers["pck@3"], numbers["pck@20"]) == (
        1.0,
        1.0,
        0.5,
        0.5,
    )
    assert numbers["mean"] == numbers["median"] == pytest.approx((2 + np.hypot(30, 50)) / 2)
    assert np.isinf(protocols.matched(faces, predictions, cap=15)).tolist() == [True, False]


def test_the_cap_is_inclusive_and_the_nearest_pair_of_all_comes_first():
    far = protocols.labelled(scene.nose_faces({"1/a": [(0, 0)]}))
    assert protocols.matched(far, predicted({"1/a": [(48, 64)]})) == pytest.approx([80.0])
    assert np.isinf(protocols.matched(far, predicted({"1/a": [(48, 64.01)]}))).all()
    # By rows, the first nose would take the prediction that is the second's.
    two = protocols.labelled(scene.nose_faces({"1/a": [(40, 50), (50, 50)]}))
    assert protocols.matched(two, predicted({"1/a": [(49, 50), (10, 50)]})) == pytest.approx([30.0, 1.0])


def test_one_nose_is_matched_once_and_only_in_its_own_frame():
    faces = protocols.labelled(scene.nose_faces({"1/a": [(50, 50)], "1/b": [(50, 50)]}))
    predictions = predicted({"1/a": [(50, 51), (50, 53)], "2/elsewhere": [(50, 50)]})
    numbers = protocols.score(faces, predictions)
    assert (numbers["noses"], numbers["predictions"], numbers["matched"]) == (2, 2, 1)
    assert (numbers["detection"], numbers["precision"], numbers["mean"], numbers["pck@3"]) == (0.5, 0.5, 1.0, 0.5)


def test_whoever_finds_nothing_has_no_mean_and_no_precision():
    numbers = protocols.score(protocols.labelled(scene.nose_faces({"1/a": [(50, 50)]})), predicted({}))
    assert numbers == {"noses": 1, "predictions": 0, "matched": 0, "detection": 0.0} | dict.fromkeys(
        ["pck@3", "pck@5", "pck@10", "pck@20"], 0.0
    )


def test_a_part_without_frames_has_no_rates():
    none = protocols.first(
        instances.annotations_of(scene.nose_faces({"1/a": [(50, 50)]})), protocols.PARTS["part3"]
    )
    assert protocols.score(none, predicted({"1/a": [(50, 50)]})) == {
        "noses": 0,
        "predictions": 0,
        "matched": 0,
    }


def test_pck_is_over_all_noses_and_means_over_the_matched():
    numbers = protocols.measured(np.array([3.0, 3.0001, 5.0, 20.5, np.inf]), predictions=8)
    assert [numbers[f"pck@{limit}"] for limit in (3, 5, 10, 20)] == pytest.approx([0.2, 0.6, 0.6, 0.6])
    assert (numbers["detection"], numbers["precision"]) == (0.8, 0.5)
    assert numbers["mean"] == pytest.approx(31.5001 / 4) and numbers["median"] == pytest.approx((3.0001 + 5) / 2)


def plainly(truth, predictions, cap):
    """Match as the posts describe it: all pairs, sorted by distance, each side once."""
    pairs = sorted(
        (float(np.hypot(*(p - g))), i, j) for i, g in enumerate(truth) for j, p in enumerate(predictions)
    )
    gaps, gone = np.full(len(truth), np.inf), set()
    for gap, i, j in pairs:
        if gap <= cap and np.isinf(gaps[i]) and j not in gone:
            gaps[i] = gap
            gone.add(j)
    return gaps


def test_the_match_equals_a_plain_one():
    rng = np.random.default_rng(0)
    for _ in range(100):
        truth = rng.uniform(0, 190, (rng.integers(1, 5), 2)).astype(np.float32)
        predictions = rng.uniform(0, 190, (rng.integers(0, 6), 2))
        faces = scene.nose_faces({"1/a": [tuple(point) for point in truth]})
        got = protocols.matched(protocols.labelled(faces), predicted({"1/a": list(map(tuple, predictions))}))
        assert got == pytest.approx(plainly(faces.xy[:, 0].astype(float), predictions, 80), nan_ok=True)


# Part 2: crops, split, answers.


def test_a_crop_by_hand():
    """A person of 70 x 190 px at (50, 40): 237.5 px about (85, 135), from -33 (so from 0) and from 16."""
    made = posts.crop(np.array([50, 40, 120, 230]) - 0.5, scene.SIZE)
    assert made.box == (0, 16, 192, 253)  # the far corner is measured from the clipped one, then cut
    assert (made.sx, made.sy) == pytest.approx((256 / 192, 256 / 237))
    nose = np.array([85.0, 70.0]) - 0.5
    assert made.to_crop(nose) == pytest.approx([85 * 256 / 192, 54 * 256 / 237])
    assert made.to_frame(made.to_crop(nose)) == pytest.approx(nose)
    # 3 px of the frame are 4 in x and 3.24 in y.
    assert made.to_crop(nose + np.array([3, 0])) - made.to_crop(nose) == pytest.approx([4.0, 0])
    assert made.to_crop(nose + np.array([0, 3])) - made.to_crop(nose) == pytest.approx([0, 3 * 256 / 237])


def test_crops_that_are_square_cut_or_empty():
    inside = posts.crop(np.array([80, 100, 120, 140]) - 0.5, scene.SIZE)
    assert inside.box == (75, 95, 125, 145) and inside.sx == inside.sy == 5.12
    cut = posts.crop(np.array([150, 100, 190, 140]) - 0.5, scene.SIZE)
    assert cut.box == (145, 95, 192, 145) and cut.sx == pytest.approx(256 / 47)
    assert posts.crop(np.array([300, 100, 340, 140]) - 0.5, scene.SIZE) is None
    assert posts.crop(np.array([80, 100, 80, 100]) - 0.5, scene.SIZE) is None
    # A square that begins left of the frame keeps its side, unlike one clipped at both ends.
    assert posts.crop(np.array([0, 100, 80, 140]) - 0.5, scene.SIZE).box == (0, 70, 100, 170)


def test_a_label_on_the_edge_of_a_crop():
    made = posts.crop(np.array([80, 100, 120, 140]) - 0.5, scene.SIZE)
    assert made.holds(np.array([[74.5, 94.5], [124.4, 144.4], [74.4, 94.5], [124.5, 144.4]])).tolist() == [
        *(True, True, False, False)
    ]


@pytest.fixture(scope="module")
def crowd():
    """Return 69 pairs of part 1 in 35 frames and 99 of part 2; two are outside of the frame, two in nobody."""
    rng = np.random.default_rng(1)
    one = {f"1/Thermal_{n}": [(40, 60), (150, 80)] for n in range(1, 36)}
    two = {f"2/Thermal_{n}": [tuple(rng.uniform(40, 150, 2))] for n in range(511, 611)}
    faces = scene.nose_faces(one | two)
    faces.boxes[[0, 80]] += 1000  # an empty crop
    faces.xy[[0, 80]] += 1000
    faces.boxes[[5, 81]] = [100, 200, 120, 240]  # somebody else: no pair
    return faces, {frame: scene.SIZE for frame in faces.frames.tolist()}


def test_the_split_equals_a_plain_one(crowd):
    faces, sizes = crowd
    random.seed(7)
    usable = set(range(len(faces))) - {0, 5, 80, 81}
    first, second = [row for row in range(70) if row != 5], [row for row in range(70, 170) if row != 81]
    random.shuffle(first)
    random.shuffle(second)
    train = [row for row in first if row in usable][:40]
    images = {str(faces.frames[row]) for row in train}
    val = [row for row in first if row in usable and str(faces.frames[row]) not in images][:15]
    test = [row for row in second if row in usable][:80]
    annotations = instances.annotations_of(faces)
    split = posts.split(faces, sizes, annotations)
    assert split.train.tolist() == train and split.val.tolist() == val and split.test.tolist() == test
    assert split.every.tolist() == sorted(usable - set(first)) and len(split.every) == 98
    assert set(split.crops) == usable
    assert posts.split(faces, sizes, annotations).test.tolist() == test
    assert not images & set(faces.frames[split.val].tolist())


def test_the_split_of_few_pairs_takes_what_there_is():
    faces = scene.nose_faces({"1/a": [(90, 60)], "2/b": [(90, 60)]})
    split = posts.split(faces, dict.fromkeys(["1/a", "2/b"], scene.SIZE), instances.annotations_of(faces))
    assert (split.train.tolist(), split.val.tolist(), split.test.tolist()) == ([0], [], [1])


def test_each_crop_asks_for_one_nose():
    """Who was asked answers; else the nearest in the crop, however near another outside of it is."""
    faces = scene.nose_faces({"2/a": [(90, 60)], "2/b": [(90, 60)], "2/c": [(90, 60)]})
    faces.boxes[0] = [91, 50, 111, 70]  # its crop ends just left of the nose
    crops = {row: posts.crop(box, scene.SIZE) for row, box in enumerate(faces.boxes)}
    free = predicted({"2/a": [(95, 70), (87, 60)], "2/b": [(91, 60), (90, 61.5)], "2/x": [(90, 60)]})
    rows = np.array([0, 1, 2])
    answer = protocols.answers(faces, rows, crops, free)
    assert crops[0].box == (89, 48, 114, 73)
    assert answer[:2] == pytest.approx(np.array([[95, 70], [91, 60]])) and np.isnan(answer[2]).all()
    predictions = predicted({"2/a": [(10, 10)], "2/b": [(91, 62)]}, rows=[0, 1])
    assert protocols.answers(faces, rows, crops, predictions)[:2] == pytest.approx(np.array([[10, 10], [91, 62]]))


def test_errors_in_crop_px_and_in_frame_px_are_apart():
    faces = scene.nose_faces({"2/a": [(84.5, 69.5)], "2/b": [(84.5, 69.5)]})
    faces.boxes[:] = np.array([50, 40, 120, 230]) - 0.5
    pairs = posts.split(faces, dict.fromkeys(["2/a", "2/b"], scene.SIZE), instances.annotations_of(faces))
    numbers = protocols.score_crops(faces, pairs.crops, np.array([0, 1]), predicted({"2/a": [(87.5, 69.5)]}))
    assert (numbers["crops"], numbers["answered"]) == (2, 1)
    assert (numbers["native_mean"], numbers["crop_mean"]) == pytest.approx((3.0, 4.0))
    assert (numbers["native_pck@3"], numbers["crop_pck@3"], numbers["crop_pck@5"]) == (0.5, 0.0, 0.5)


# Noses and their conventions.


def test_the_posts_read_noses_by_the_points_that_they_used():
    points = vocabulary("mediapipe478").points
    predictions = scene.predictions_of("x", "mediapipe478", ["1/a"], np.zeros((1, 2)))
    predictions.xy[0] = np.arange(len(points))[:, None]
    wings = [102, 49, 48, 115, 331, 279, 278, 344]
    assert nose_points.posted(predictions).xy[0] == pytest.approx([np.mean(wings)] * 2)
    whole = scene.predictions_of("x", "coco_wholebody133", ["1/a"], np.zeros((1, 2)))
    whole.xy[0] = np.arange(133)[:, None]
    assert nose_points.posted(whole).xy[0] == pytest.approx([56.0] * 2)
    whole.xy[0, 57] = np.nan
    assert len(nose_points.posted(whole)) == 0
    assert set(nose_points.POSTS) == {"coco_wholebody133", "sapiens308", "mediapipe478"}


def test_noses_of_all_vocabularies():
    for name in ("nose1", "ibug68", "coco_wholebody133", "sapiens308", "mediapipe478", "blazeface6"):
        predictions = scene.predictions_of("x", name, ["1/a"], np.array([[3.0, 4.0]]))
        assert nose_points.posted(predictions).xy == pytest.approx(np.array([[3.0, 4.0]])), name
        for version in nose_points.versions(name):
            assert nose_points.nose_points(predictions, version).xy == pytest.approx(np.array([[3.0, 4.0]])), (
                name,
                version,
            )


def test_a_constant_offset_is_a_convention():
    rng = np.random.default_rng(2)
    sizes = rng.uniform(10, 40, 30)
    gaps = np.tile([0.05, -0.2], (30, 1)) * sizes[:, None]
    numbers = nose_points.summarised(gaps, sizes)
    assert (numbers["offset_x_face"], numbers["offset_y_face"]) == pytest.approx((0.05, -0.2))
    assert numbers["offset_y_px"] == pytest.approx(-0.2 * sizes.mean())
    assert numbers["error_centred"] == pytest.approx(0, abs=1e-12) and numbers["error"] > 2


def test_without_its_mean_offset_noise_stays():
    gaps = np.array([[4.0, 1.0], [2.0, 1.0], [np.nan, np.nan], [3.0, 3.0], [3.0, -1.0]])
    numbers = nose_points.summarised(gaps, np.full(5, 10.0))
    assert (numbers["found"], numbers["offset_x_px"], numbers["offset_y_px"]) == (4, 3.0, 1.0)
    assert numbers["error_centred"] == pytest.approx(np.sqrt((1 + 1 + 4 + 4) / 4))
    assert numbers["error"] == pytest.approx(np.sqrt((17 + 5 + 18 + 10) / 4))
    # A part of each face, not of the mean one: x = 0.01 (1 x 10 + 0 x 30) / (1 + 9), in least squares.
    two = nose_points.summarised(np.array([[1.0, 0], [0, 0]]), np.array([10.0, 30]))
    assert two["offset_x_face"] == pytest.approx(0.01)
    assert two["error_centred"] == pytest.approx(np.sqrt((0.9**2 + 0.3**2) / 2))
    assert nose_points.summarised(np.full((2, 2), np.nan), np.ones(2)) == {"found": 0}


@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50), st.floats(1, 100)), min_size=1, max_size=8))
def test_taking_an_offset_away_never_adds_error(rows):
    table = np.array(rows)
    numbers = nose_points.summarised(table[:, :2], table[:, 2])
    assert numbers["error_centred"] <= numbers["error"] * (1 + 1e-9) + 1e-9


# Published numbers.


def test_the_published_numbers():
    """Sums as a second way of writing them down, so that a slip in one digit is seen."""
    tables = load("posts").tables
    sums = {
        ("part1", "Sapiens2-0.4B"): 0.685 + 6.16 + 2.385,
        ("part1", "DWPose"): 82 + 1 + 5.98 + 3.37,
        ("part1", "MediaPipe"): 10 + 0.137 + 10.19 + 0.397,
        ("part2", "Sapiens2-0.4B, head trained on 40"): 1 + 10.478 + 2.6525,
        ("part2_training", "Sapiens2-0.4B, head trained on 40"): 410625 + 5.1469 + 77,
        ("part3", "A"): 0.233 + 17.44 + 0.467 + 25,
        ("part3", "B"): 0.1 + 11.0 + 0.283 + 34,
        ("part3", "C"): 0.133 + 11.77 + 0.349,
        ("part3", "D"): 0.883 + 0.79 + 4.79 + 3.234 + 19,
        ("part3", "E"): 0.883 + 0.51 + 7.22 + 2.849 + 16,
        ("part3_detector", "YOLOv8n"): 3 + 6.2 + 0.587,
        ("sftl54_part1", "Sapiens"): 76,
        ("sftl54_part1", "DWPose"): 12.3,
        ("sftl54_part1", "MediaPipe"): 49,
        ("sftl54_part2", "Sapiens2-0.4B, head trained on 30"): 8.7 + 2.9,
    }
    totals = {(name, row.row): sum(row.values.values()) for name, each in tables.items() for row in each.rows}
    assert totals == pytest.approx(sums)
    noses = {name: each.noses for name, each in tables.items() if each.noses}
    assert noses == {"part1": 73, "part2": 80, "part3": 60, "sftl54_part2": 60}
    runs = {row.row: row.run for row in tables["part3"].rows}
    assert runs["A"] == "face_landmarker" and runs["D"] == "nose_labelled" and runs["E"] == "nose_frame"


def test_published_rates_are_whole_noses():
    """A rate of 73 noses is a multiple of 1/73: what is not was copied wrongly."""
    for name, each in load("posts").tables.items():
        for row in each.rows:
            for metric, value in row.values.items():
                if "pck" in metric or metric == "detection":
                    count = value * each.noses
                    assert abs(count - round(count)) <= 0.0006 * each.noses or "part2" in name, (row.row, metric)
                    assert 0 <= value <= 1
