from dataclasses import replace

import numpy as np
import pytest

from thermark.core import seeds
from thermark.landmarks import load
from thermark.synth.render import face_points, head
from thermark.synth.render.body import CENTRE, NECK, embody
from thermark.synth.render.person import Person, Pose, sample_person
from thermark.synth.render.scene import Camera, Scene, render_scene

CAMERA = Camera(160, 160, 290.0)


def someone(**changes: object) -> Person:
    plain = {"hair": "short", "glasses": None, "beard": 0.0, "stubble": 0.0}
    return replace(sample_person(seeds.rng(4, "someone")), **(plain | changes))


def shot(person: Person, ambients: tuple[float, ...] = (22.0,), camera: Camera = CAMERA, **pose: object) -> Scene:
    placed = Pose(**({"position": (0.0, 0.0, 0.6)} | pose))
    return render_scene([(person, placed)], camera, ambients, seeds.rng(4, "light"))


def test_landmarks_are_where_an_independent_projection_puts_them():
    person = someone(shape=(0.0,) * 29)
    pose = Pose(position=(0.04, -0.03, 0.7), yaw=25.0, pitch=-10.0, roll=15.0, jaw=0.0, blink=(0.0, 0.0))
    camera = Camera(320, 240, 400.0)
    scene = render_scene([(person, pose)], camera, [22.0], seeds.rng(1))
    # Rebuild rigid landmarks (ears, nose) from the mean head: rotate about the neck, translate, project.
    mean = face_points.landmarks_on(head.mean_head().points)
    rigid = [0, 1, 15, 16, 27, 28, 29, 30]
    yaw, pitch, roll = np.deg2rad([25.0, -10.0, 15.0])
    expected = []
    for point in np.vstack([mean[rigid], CENTRE]):
        x, y, z = point - NECK
        y, z = y * np.cos(pitch) - z * np.sin(pitch), y * np.sin(pitch) + z * np.cos(pitch)
        x, z = x * np.cos(yaw) - z * np.sin(yaw), x * np.sin(yaw) + z * np.cos(yaw)
        x, y = x * np.cos(roll) - y * np.sin(roll), x * np.sin(roll) + y * np.cos(roll)
        expected.append((x, y, z))
    expected = np.array(expected)
    expected += np.array([40.0, -30.0, 700.0]) - expected[-1]
    pixels = 400.0 * expected[:-1, :2] / expected[:-1, 2:] + [159.5, 119.5]
    assert np.abs(scene.xy[0, rigid] - pixels).max() < 0.1


def test_every_landmark_lies_on_the_drawn_surface_at_its_pixel():
    """The eye's corners and the lips are found again in the pixels: classes change where the landmarks are."""
    scene = shot(someone(), jaw=0.6)
    x, y = np.rint(scene.xy[0]).astype(int).T
    inside = scene.segmentation[y[60:68].mean().astype(int), x[60:68].mean().astype(int)]
    assert inside == 9  # between the inner lips is the mouth's interior
    assert scene.segmentation[y[68], x[68]] == 3 and scene.segmentation[y[69], x[69]] == 4
    for point, label in ((51, 10), (57, 11)):
        column = scene.segmentation[y[point] - 2 : y[point] + 3, x[point]]
        assert label in column and 1 in column


def test_points_stay_exact_when_the_image_is_larger():
    small, large = shot(someone()), shot(someone(), camera=Camera(640, 640, 1160.0))
    assert np.allclose((small.xy + 0.5) * 4 - 0.5, large.xy, atol=1e-2)


def test_positive_yaw_turns_to_image_right_and_pitch_lowers_and_roll_turns_clockwise():
    ahead, turned = shot(someone()), shot(someone(), yaw=40.0)
    middle = ahead.xy[0, [36, 45]].mean(0)
    assert turned.xy[0, 30, 0] - turned.xy[0, [36, 45], 0].mean() > ahead.xy[0, 30, 0] - middle[0] + 10
    lowered = shot(someone(), pitch=20.0)
    assert lowered.xy[0, 30, 1] - lowered.xy[0, 27, 1] > ahead.xy[0, 30, 1] - ahead.xy[0, 27, 1]
    rolled = shot(someone(), roll=20.0)
    assert rolled.xy[0, 45, 1] > rolled.xy[0, 36, 1] + 5


@pytest.mark.parametrize(
    "yaw, near, far", [(75.0, range(36, 42), range(42, 48)), (-75.0, range(42, 48), range(36, 42))]
)
def test_profiles_hide_the_far_side(yaw: float, near: range, far: range):
    scene = shot(someone(hair="buzz"), yaw=yaw)
    assert scene.visible[0, list(near)].mean() > 0.6
    assert not scene.visible[0, list(far)].any()
    jaw_near, jaw_far = (range(1, 8), range(10, 16)) if yaw > 0 else (range(9, 16), range(1, 7))
    assert scene.visible[0, list(jaw_near)].all()
    assert not scene.visible[0, list(jaw_far)].any()


def test_frontal_faces_show_nearly_everything_and_closed_eyes_hide_pupils():
    assert shot(someone()).visible[0, 17:].mean() > 0.95
    closed = shot(someone(), blink=(1.0, 1.0))
    assert not closed.visible[0, 68:].any()
    eye = closed.segmentation[np.isin(closed.segmentation, (3, 4))]
    assert len(eye) < 0.15 * np.isin(shot(someone()).segmentation, (3, 4)).sum()


def test_order_is_subject_right_first():
    xy = shot(someone()).xy[0]
    for right, left in ((36, 45), (17, 26), (0, 16), (48, 54), (68, 69)):
        assert xy[right, 0] < xy[left, 0]
    points = load("facesynthetics70").points
    assert points.index("right_pupil") == 68 and len(points) == xy.shape[0]


def test_colour_and_temperature_show_the_same_outline():
    scene = shot(someone(hair="bald"), ambients=(15.0,))
    warm, owned = scene.celsius[0] > 24.0, np.isin(scene.segmentation, (1, 2, 10, 11, 12))
    assert (warm & owned).sum() / (warm | owned).sum() > 0.85
    assert ((scene.owner > 0) == (scene.segmentation > 0)).all()


def test_nearer_people_hide_farther_ones():
    near, far = someone(), someone(hair="bald")
    front, back = Pose(position=(0.0, 0.0, 0.8)), Pose(position=(0.05, 0.0, 1.6))
    alone = render_scene([(far, back)], CAMERA, [22.0], seeds.rng(2))
    for order in ((0, 1), (1, 0)):
        people = [((near, front), (far, back))[i] for i in order]
        scene = render_scene(people, CAMERA, [22.0], seeds.rng(2))
        behind = order.index(1)
        assert alone.visible[0].mean() > 0.9
        assert scene.visible[behind].mean() < 0.2
        assert scene.visible[1 - behind].mean() > 0.9
        x, y = np.rint(scene.xy[1 - behind, 30]).astype(int)
        assert scene.owner[y, x] == 2 - behind


def test_regions_are_where_their_names_say():
    scene = shot(someone(hair="bald", neckline=0.0), camera=Camera(192, 256, 220.0), position=(0.0, -0.15, 0.9))
    centre = {code: np.argwhere(scene.region == code).mean(0) for code in (1, 2, 3)}
    assert centre[2][0] < scene.xy[0, 19, 1] < centre[3][0] < scene.xy[0, 51, 1] < centre[1][0]
    assert abs(centre[3][1] - scene.xy[0, 30, 0]) < 4


def test_nobody_is_a_room():
    scene = render_scene([], CAMERA, (20.0,), seeds.rng(1))
    assert scene.xy.shape == (0, 70, 2) and scene.boxes.shape == (0, 4)
    assert not scene.owner.any() and abs(scene.celsius.mean() - 20.0) < 2


def test_boxes_hold_the_silhouette():
    scene = shot(someone())
    x1, y1, x2, y2 = scene.boxes[0]
    rows, columns = np.nonzero(scene.owner == 1)
    assert (x1, y1, x2, y2) == (columns.min() - 0.5, rows.min() - 0.5, columns.max() + 0.5, rows.max() + 0.5)


def test_surfaces_are_finite_for_extreme_people():
    for sign in (-2.2, 2.2):
        body = embody(
            someone(shape=(sign,) * 29), Pose(position=(0, 0, 0.6), jaw=1.0, smile=1.0, blink=(1.0, 1.0))
        )
        assert np.isfinite(body.landmarks).all()
        assert all(np.isfinite(patch.points).all() for patch in body.patches)
