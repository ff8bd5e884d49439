"""Heads, poses and expressions that vary more."""

import numpy as np

from thermark.core import seeds
from thermark.landmarks import load
from thermark.synth.render import face_points, variety
from thermark.synth.render.body import embody
from thermark.synth.render.head import mean_head
from thermark.synth.render.identity import identify
from thermark.synth.render.person import Pose, sample_person
from thermark.synth.render.uneven import UNEVEN
from thermark.synth.render.variety import Variety
from varied_scene import AHEAD, near, shot, someone

SHAPES = Variety(**{name: name == "shapes" for name in Variety.model_fields})
TABLES = {  # landmarks and the published standard deviation within a sex, mm
    "face length": (8, 27, 6.5),
    "face width": (1, 15, 6.7),
    "jaw width": (4, 12, 9.6),
    "nose length": (27, 33, 4.0),
    "nose breadth": (31, 35, 4.0),
    "mouth": (48, 54, 4.1),
    "pupils": (68, 69, 3.5),
}


def test_poses_turn_far_yawn_and_lean():
    poses = [variety.pose(seeds.rng(10, number), Variety(occluders=False), AHEAD) for number in range(400)]
    yaw, pitch, roll = np.array([(pose.yaw, pose.pitch, pose.roll) for pose in poses]).T
    assert 60 < np.abs(yaw).max() <= 70 and 25 < np.abs(pitch).max() <= 30 and 25 < np.abs(roll).max() <= 30
    yawns = [pose for pose in poses if pose.jaw > 0.8]
    assert 0.03 < len(yawns) / 400 < 0.2
    assert all(min(pose.blink) > 0.3 for pose in yawns)
    assert max(pose.jaw for pose in poses) <= 1.5
    assert all(0 <= value <= 1 for pose in poses for value in pose.blink)


def test_a_leaning_smile_lifts_one_corner_more_and_is_mirrored_by_the_opposite_lean():
    def corners(lean: float) -> np.ndarray:
        return shot(someone(), smile=0.8, lean=lean).xy[0, [48, 54]]

    even, right, left = corners(0.0), corners(0.8), corners(-0.8)
    rise = even[:, 1] - right[:, 1]
    assert rise[1] > 0.5 and rise[0] < -0.5
    assert np.allclose(right[0, 1], left[1, 1], atol=0.3) and np.allclose(right[1, 1], left[0, 1], atol=0.3)
    assert np.allclose(shot(someone(), lean=0.8).xy, shot(someone()).xy)


def test_a_yawn_opens_as_wide_as_people_do_and_shows_a_warm_mouth():
    calm, yawn = shot(someone(), size=256), shot(someone(), size=256, jaw=1.5)
    mm = 256 * 1.9 / 440  # pixels per mm at the lips' depth, roughly
    gap = (yawn.xy[0, 66, 1] - yawn.xy[0, 62, 1]) / mm
    assert 30 < gap < 60
    inside = yawn.celsius[0][yawn.segmentation == 9]
    assert len(inside) > 500 + (calm.segmentation == 9).sum()
    assert np.median(inside) > near(yawn, [27]) + 0.5


def test_heads_differ_as_much_as_the_tables_say():
    people = [variety.person(seeds.rng(14, number), SHAPES) for number in range(200)]
    points = np.array([embody(person, Pose(AHEAD)).landmarks for person in people])
    man = np.array([person.shape[0] > 0 for person in people])
    for name, (a, b, published) in TABLES.items():
        length = np.linalg.norm(points[:, a] - points[:, b], axis=-1)
        within = np.sqrt(np.mean([length[man].var(), length[~man].var()]))
        assert 0.75 * published < within < 1.35 * published, (name, within)


def test_sides_differ_by_millimetres_and_shapes_stay_sound():
    flip = load("facesynthetics70").flip
    off = []
    for number in range(60):
        person = variety.person(seeds.rng(15, number), SHAPES)
        body = embody(person, Pose(AHEAD, blink=(0.0, 0.0)))
        assert all(np.isfinite(patch.points).all() for patch in body.patches)
        assert np.abs(body.landmarks[[61, 62, 63], 1] - body.landmarks[[67, 66, 65], 1]).max() < 1.6  # lips meet
        local = body.landmarks - body.landmarks[27:31].mean(0)
        off.append(np.abs(local - local[flip] * (-1, 1, 1))[:68].mean())
    assert 0.5 < np.mean(off) < 3.0


def test_no_unevenness_is_the_head_without_it():
    even = sample_person(seeds.rng(16)).shape
    points = face_points.landmarks_on(mean_head().points)
    same = identify(points, (*even, *[0.0] * len(UNEVEN)))
    assert np.array_equal(same, identify(points, even))
    moved = identify(points, (*even, 1.0, *[0.0] * (len(UNEVEN) - 1))) - identify(points, even)
    assert moved[8, 0] > 1.0 and np.abs(moved[36:48]).max() < 0.1  # the chin goes aside, the eyes stay
