"""Cameras above and below a face: the head turns as a whole, and only it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thermark.core import seeds
from thermark.synth.render import viewpoint
from thermark.synth.render.body import rotation
from thermark.synth.render.person import Pose

AHEAD = (0.0, 0.0, 1.0)
EACH = [seeds.rng(8, number) for number in range(400)]


def angles(pose: Pose) -> tuple[float, float, float]:
    return pose.yaw, pose.pitch, pose.roll


def test_a_camera_above_sees_a_lowered_chin():
    assert angles(viewpoint.seen_from(Pose(AHEAD), 30.0)) == pytest.approx((0, 30, 0), abs=1e-5)
    assert angles(viewpoint.seen_from(Pose(AHEAD), -15.0)) == pytest.approx((0, -15, 0), abs=1e-5)


@pytest.mark.parametrize("side", [-1, 1])
def test_seen_from_above_what_is_further_away_is_higher_in_the_picture(side):
    """Of a head that turns to a side the eye of that side is the further one: a tilt away from it."""
    seen = viewpoint.seen_from(Pose(AHEAD, yaw=45.0 * side), 20.0)
    assert side * seen.roll < -5 and side * seen.yaw > 35 and 20 < seen.pitch < 45


@given(st.floats(-70, 70), st.floats(-20, 20), st.floats(-30, 30), st.floats(-20, 20))
def test_it_is_the_same_rotation(yaw, pitch, roll, elevation):
    seen = viewpoint.seen_from(Pose(AHEAD, yaw=yaw, pitch=pitch, roll=roll), elevation)
    whole = rotation(0, elevation, 0) @ rotation(yaw, pitch, roll)
    if abs(seen.pitch) < viewpoint.STEEPEST:
        np.testing.assert_allclose(rotation(*angles(seen)), whole, atol=1e-6)


def test_nothing_but_the_head_turns_and_steep_views_end():
    pose = Pose(AHEAD, yaw=10.0, pitch=25.0, roll=3.0, body_yaw=12.0, jaw=0.5, gaze=(3.0, 1.0))
    seen = viewpoint.seen_from(pose, 35.0)
    assert seen.pitch == viewpoint.STEEPEST
    assert replace(seen, yaw=pose.yaw, pitch=pose.pitch, roll=pose.roll) == pose


def test_half_of_the_cameras_are_level_and_more_hang_above_than_below():
    drawn = np.array([viewpoint.sample_elevation(rng) for rng in EACH])
    assert 0.4 < (drawn == 0).mean() < 0.6
    assert drawn.min() < 0.8 * viewpoint.BELOW and drawn.max() > 0.8 * viewpoint.ABOVE
    assert (drawn > 0).sum() > 1.2 * (drawn < 0).sum()
