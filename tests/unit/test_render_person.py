import numpy as np
import pytest

from thermark.core import seeds
from thermark.landmarks import load
from thermark.synth.render import face_points
from thermark.synth.render.body import embody
from thermark.synth.render.expression import express, head_rig
from thermark.synth.render.head import mean_head
from thermark.synth.render.identity import TRAITS, basis, identify, identify_head
from thermark.synth.render.organs import gaze_rotation
from thermark.synth.render.person import HAIR_STYLES, Pose, sample_person, sample_pose

AHEAD = (0.0, 0.0, 1.0)


def points(**pose: object) -> np.ndarray:
    """Return the mean head's 68 landmarks (mm) under an expression."""
    return face_points.landmarks_on(express(mean_head().points, head_rig(), Pose(AHEAD, **pose)))


def test_people_differ_in_every_way_and_repeat_with_their_seed():
    people = [sample_person(seeds.rng(1, number)) for number in range(300)]
    assert people[7] == sample_person(seeds.rng(1, 7))
    assert {person.hair for person in people} == set(HAIR_STYLES)
    assert 0.1 < np.mean([person.glasses is not None for person in people]) < 0.4
    assert 0.05 < np.mean([person.beard > 0 for person in people]) < 0.3
    assert np.abs(np.std([person.shape for person in people], axis=0) - 1).max() < 0.35
    light = [person.skin[0] for person in people]
    assert min(light) < 0.18 and max(light) > 0.55


def test_poses_cover_the_range_and_obey_what_is_asked():
    poses = [sample_pose(seeds.rng(2, number)) for number in range(400)]
    yaw = np.array([pose.yaw for pose in poses])
    assert yaw.min() < -55 and yaw.max() > 55 and np.abs(yaw).max() <= 75
    assert sample_pose(seeds.rng(2), AHEAD, yaw=-33.0, pitch=4.0, roll=5.0).pitch == 4.0
    assert np.mean([min(pose.blink) > 0.8 for pose in poses]) > 0.04
    calm = [sample_pose(seeds.rng(2, number), liveliness=0.0) for number in range(50)]
    assert all(pose.jaw == pose.smile == pose.pucker == 0 for pose in calm)


def test_landmarks_of_the_mean_face_are_mirror_images():
    rest, flip = points(), load("ibug68").flip
    assert np.allclose(rest, rest[flip] * (-1, 1, 1), atol=0.35)


def test_the_lips_meet_at_rest_for_everyone_and_part_with_the_jaw():
    for number in range(12):
        person = sample_person(seeds.rng(3, number))
        face = express(identify_head(person.shape), head_rig(), Pose(AHEAD))
        marks = face_points.landmarks_on(face)
        assert np.abs(marks[[61, 62, 63], 1] - marks[[67, 66, 65], 1]).max() < 0.9
    opened = points(jaw=1.0)
    assert 18 < opened[66, 1] - opened[62, 1] < 40
    assert opened[8, 1] - points()[8, 1] > 15
    assert np.allclose(opened[27:48], points()[27:48], atol=1.0)


@pytest.mark.parametrize(("side", "upper", "lower"), [("right", (37, 38), (41, 40)), ("left", (43, 44), (47, 46))])
def test_a_blink_closes_one_eye_only(side: str, upper: tuple[int, int], lower: tuple[int, int]):
    closed = points(blink=(1.0, 0.0) if side == "right" else (0.0, 1.0))
    gap = closed[list(lower), 1] - closed[list(upper), 1]
    assert np.abs(gap).max() < 1.2
    others = (43, 44) if side == "right" else (37, 38)
    assert np.allclose(closed[list(others)], points()[list(others)], atol=1e-6)


def test_expressions_do_what_they_say():
    rest = points()
    smile, raised, pucker = points(smile=1.0), points(brow_raise=1.0), points(pucker=1.0)
    assert smile[54, 0] - smile[48, 0] > rest[54, 0] - rest[48, 0] + 6
    assert smile[48, 1] < rest[48, 1] - 2
    assert (raised[17:27, 1] < rest[17:27, 1] - 2).all()
    assert pucker[54, 0] - pucker[48, 0] < rest[54, 0] - rest[48, 0] - 8
    frown = points(frown=1.0)
    assert frown[22, 0] - frown[21, 0] < rest[22, 0] - rest[21, 0] - 1


def test_gaze_moves_the_pupils_the_way_it_says():
    person = sample_person(seeds.rng(5))
    ahead = embody(person, Pose(AHEAD)).landmarks[68:]
    right, down = embody(person, Pose(AHEAD, gaze=(20.0, 0.0))), embody(person, Pose(AHEAD, gaze=(0.0, 15.0)))
    assert (right.landmarks[68:, 0] > ahead[:, 0] + 3).all()
    assert (down.landmarks[68:, 1] > ahead[:, 1] + 2).all()
    assert np.allclose(gaze_rotation((90.0, 0.0)) @ (0, 0, -1), (1, 0, 0), atol=1e-12)


def test_identity_is_linear_and_the_head_agrees_with_single_points():
    shape = tuple(np.linspace(-1, 1, len(TRAITS)))
    head = mean_head()
    assert np.allclose(identify_head(shape), identify(head.points, shape), atol=1e-3)
    assert basis(head.points[:3]).shape == (len(TRAITS), 3, head.points.shape[1], 3)
    assert np.allclose(identify(head.points, (0.0,) * len(TRAITS)), head.points, atol=1e-4)


def test_the_position_is_where_the_head_is():
    person = sample_person(seeds.rng(6))
    for yaw in (0.0, 60.0):
        body = embody(person, Pose((0.2, -0.1, 1.5), yaw=yaw))
        ears = body.landmarks[[0, 16]].mean(0)
        assert np.abs(ears - (200, -100, 1500)).max() < 25
