"""Every vocabulary in landmarks/ keeps the rules by which points are flipped, grouped and translated."""

import json

import numpy as np
import pytest
import yaml

from thermark import landmarks

NAMES = landmarks.names()
BRIDGES = [
    (name, target, version)
    for name in NAMES
    for target in landmarks.targets(name)
    for version in landmarks.bridge(name, target).versions
]
# Published tables that are not symmetric, and the target points where they are not.
ASYMMETRIC = {("mediapipe478", "ibug68", "P"): {"jaw_3", "jaw_13"}}


def raw(name):
    return yaml.safe_load((landmarks.FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_points_flips_and_groups(name):
    vocabulary, content = landmarks.load(name), raw(name)
    assert content["name"] == name
    assert len(set(vocabulary.points)) == len(vocabulary.points)
    assert np.array_equal(vocabulary.flip[vocabulary.flip], np.arange(len(vocabulary)))
    flipped = [point for pair in content["flips"] for point in pair]
    assert len(set(flipped)) == len(flipped)
    assert set(flipped) <= set(vocabulary.points)
    for members in content["groups"].values():
        assert len(set(members)) == len(members)
    if vocabulary.interocular is not None:
        right, left = vocabulary.interocular
        assert vocabulary.flip[right] == left


@pytest.mark.parametrize("name", NAMES)
def test_symmetric_groups_stay_themselves_under_a_flip(name):
    vocabulary = landmarks.load(name)
    for group, members in vocabulary.groups.items():
        if not group.startswith(("left", "right")):
            assert set(vocabulary.flip[members]) == set(members), group


@pytest.mark.parametrize(("name", "target", "version"), BRIDGES)
def test_bridges_lead_to_existing_points(name, target, version):
    weights = landmarks.weights(name, target, version)
    assert weights.shape == (len(landmarks.load(target)), len(landmarks.load(name)))
    assert set(np.round(weights.sum(axis=1), 12)) <= {0.0, 1.0}
    assert weights.any()


# Half a face is left out: its mirror image is another vocabulary, tested below.
@pytest.mark.parametrize(
    ("name", "target", "version"), [bridge for bridge in BRIDGES if not bridge[0].startswith("charlotte43")]
)
def test_flipping_before_or_after_a_bridge_is_the_same(name, target, version):
    start, end = landmarks.load(name), landmarks.load(target)
    weights = landmarks.weights(name, target, version)
    same = np.isclose(weights[:, start.flip], weights[end.flip]).all(axis=1)
    different = {end.points[index] for index in np.flatnonzero(~same)}
    assert different == ASYMMETRIC.get((name, target, version), set())


@pytest.mark.parametrize("version", ["A", "B", "common"])
def test_the_two_halves_are_mirror_images(version):
    right = landmarks.weights("charlotte43_right", "ibug68", version)
    left = landmarks.weights("charlotte43_left", "ibug68", version)
    assert np.array_equal(right[landmarks.load("ibug68").flip], left)
    middle = landmarks.load("ibug68").flip == np.arange(68)
    both = right.any(axis=1) & left.any(axis=1)
    assert not both[~middle].any()


def test_the_readings_of_a_half_agree_where_both_are_certain():
    for side in ("right", "left"):
        a, b, common = (landmarks.weights(f"charlotte43_{side}", "ibug68", v) for v in ("A", "B", "common"))
        rows = common.any(axis=1)
        assert np.array_equal(a[rows], common[rows])
        assert np.array_equal(b[rows], common[rows])
        assert rows.sum() == 11
        assert landmarks.provisional(f"charlotte43_{side}")


def test_every_face_can_be_read_as_68_points_and_as_a_nose():
    for name in set(NAMES) - {"nose1"}:
        assert landmarks.weights(name, "nose1").any()
        if name not in ("ibug68", "blazeface6", "nostrils2"):  # a few points cannot stand for 68
            assert landmarks.weights(name, "ibug68").any()


def test_known_places():
    coco = landmarks.load("coco_wholebody133")
    assert [coco.index(point) for point in ("jaw_0", "nostril_row_1", "nostril_row_3")] == [23, 55, 57]
    assert np.flatnonzero(landmarks.weights("coco_wholebody133", "nose1", "posts")[0]).tolist() == [55, 57]
    assert coco.index("left_hand_0") == 91 and coco.index("right_hand_20") == 132
    mesh = landmarks.load("mediapipe478")
    for one, other in ((33, 263), (61, 291), (97, 326), (48, 278), (468, 473), (132, 361)):
        assert mesh.flip[one] == other
    fixed = [10, 151, 9, 8, 168, 6, 197, 195, 5, 4, 1, 2, 0, 13, 14, 17, 152]
    assert (mesh.flip[fixed] == fixed).all()
    wings = np.flatnonzero(landmarks.weights("mediapipe478", "nose1", "wings")[0])
    assert wings.tolist() == sorted([102, 49, 48, 115, 331, 279, 278, 344])


def test_known_places_of_sapiens308():
    sapiens = landmarks.load("sapiens308")
    assert len(sapiens) == 308 and len(sapiens.groups["face"]) == 238
    assert sapiens.groups["face"].tolist() == list(range(70, 308))
    places = {
        "nose": 0,
        "center_of_nose_root": 71,
        "tip_of_nose_bridge": 72,
        "tip_of_chin": 77,
        "upper_startpoint_of_r_eyebrow": 78,
        "lower_midpoint_3_of_l_eyebrow": 95,
        "tip_of_nose": 178,
        "bottom_center_of_nose": 179,
        "r_outer_corner_of_nose": 180,
        "l_outer_corner_of_nose": 181,
        "inner_corner_of_r_nostril": 182,
        "outer_corner_of_r_nostril": 183,
        "upper_corner_of_r_nostril": 184,
        "inner_corner_of_l_nostril": 185,
        "outer_corner_of_l_nostril": 186,
        "upper_corner_of_l_nostril": 187,
        "r_outer_corner_of_mouth": 188,
        "midpoint_6_of_lower_inner_lip": 219,
        "l_top_end_of_inferior_crus": 220,
        "l_center_of_iris": 272,
        "r_center_of_iris": 281,
        "l_center_of_pupil": 290,
        "r_center_of_pupil": 299,
    }
    assert {name: sapiens.index(name) for name in places} == places
    bridge = [sapiens.index(f"midpoint_{number}_of_nose_bridge") for number in (1, 2, 3)]
    assert bridge == [73, 74, 75]
    # Midpoints are numbered along the picture, so a mirror image exchanges numbers as well as sides.
    for one, other in (
        (83, 93),
        (99, 123),
        (104, 128),
        (113, 137),
        (192, 193),
        (196, 199),
        (229, 255),
        (245, 271),
        (273, 286),
    ):
        assert sapiens.flip[one] == other and sapiens.flip[other] == one
    posts = np.flatnonzero(landmarks.weights("sapiens308", "nose1", "posts")[0])
    assert posts.tolist() == [182, 183, 185, 186]


def test_308_points_are_read_as_51_and_never_as_a_jaw():
    weights = landmarks.weights("sapiens308", "ibug68")
    ibug = landmarks.load("ibug68")
    assert np.flatnonzero(weights.any(axis=1)).tolist() == ibug.groups["inner51"].tolist()
    assert landmarks.provisional("sapiens308")
    single = {27: 71, 30: 178, 31: 180, 33: 179, 35: 181, 48: 188, 51: 190, 54: 189, 57: 191}
    single |= {60: 204, 62: 206, 64: 205, 66: 207}
    for target, source in single.items():
        assert np.flatnonzero(weights[target]).tolist() == [source]
    assert np.flatnonzero(weights[32]).tolist() == [182, 183] and np.flatnonzero(weights[34]).tolist() == [
        185,
        186,
    ]


@pytest.mark.parametrize("version", ["centre", "posts", "tip"])
def test_the_nose_of_308_points_is_that_of_their_68(version):
    direct = landmarks.weights("sapiens308", "nose1", version)
    through = landmarks.weights("ibug68", "nose1", version) @ landmarks.weights("sapiens308", "ibug68")
    np.testing.assert_allclose(direct, through, atol=1e-12)


def test_the_68_flips_are_the_reference_ones(golden):
    expected = json.loads(golden("rtmpose.json").read_text())["flip_indices"]
    assert landmarks.load("ibug68").flip.tolist() == expected


@pytest.mark.parametrize("version", ["A", "B", "common"])
def test_half_a_face_knows_no_point_of_the_other_half(version):
    flip = landmarks.load("ibug68").flip
    right_half = {*range(9), *range(17, 22), *range(27, 34), *range(36, 42), 48, 49, 50, 51, 57, 58, 59}
    right_half |= {60, 61, 62, 66, 67}
    for side, half in (("right", right_half), ("left", {int(flip[point]) for point in right_half})):
        known = landmarks.weights(f"charlotte43_{side}", "ibug68", version).any(axis=1)
        assert set(np.flatnonzero(known).tolist()) <= half
