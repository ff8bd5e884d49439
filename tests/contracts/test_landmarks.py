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
        if name != "ibug68":
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
