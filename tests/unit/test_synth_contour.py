"""The jaw on the visible edge of the face: against the rendered outline itself."""

import json

import numpy as np
import pytest

from thermark.core import seeds
from thermark.synth.render import contour
from thermark.synth.render.camera import Camera
from thermark.synth.render.paint import PixelClass
from thermark.synth.render.person import sample_person, sample_pose
from thermark.synth.render.scene import render_scene
from thermark.synth.writers import cameras

CAMERA = Camera(240, 240, 420, 2)
FACE = 110.0  # px: about the width of these faces


def shown(number: int, yaw: float):
    """Return a person and a pose, what is rendered of them, and the jaw on the edge."""
    person = sample_person(seeds.rng(number, "contour"))
    pose = sample_pose(seeds.rng(number, "contour", "pose"), (0, 0, 0.6), yaw=yaw)
    scene = render_scene([(person, pose)], CAMERA, (24.0,), seeds.rng(number, "contour", "scene"))
    return scene, contour.edge(person, pose, CAMERA)


@pytest.mark.parametrize("number", range(4))
def test_in_a_frontal_face_the_jaw_is_its_edge(number):
    scene, edge = shown(number, yaw=0)
    assert np.linalg.norm(edge - scene.xy[0, : contour.JAW], axis=1).max() < 0.05 * FACE
    np.testing.assert_array_equal(edge[contour.CHIN], scene.xy[0, contour.CHIN])


@pytest.mark.parametrize("yaw", [-45, -25, 25, 45])
def test_the_far_side_moves_outwards_and_the_near_one_stays(yaw):
    """A head that turns to the right of the picture has its far side there."""
    scene, edge = shown(1, yaw)
    jaw = scene.xy[0, : contour.JAW]
    near, far = (slice(0, 7), slice(11, 17)) if yaw > 0 else (slice(10, 17), slice(0, 6))
    assert np.linalg.norm(edge[near] - jaw[near], axis=1).max() < 0.02 * FACE
    outwards = (edge[far] - jaw[far])[:, 0] * np.sign(yaw)
    assert (outwards > 0.03 * FACE).mean() > 0.6 and outwards.min() >= 0
    if abs(yaw) == 45:
        assert outwards.max() > 0.15 * FACE


@pytest.mark.parametrize("number", range(4))
def test_it_is_where_the_rendered_face_ends(number):
    """Along its line of the picture no skin but the nose's is further out, and skin goes as far."""
    scene, edge = shown(number, yaw=25)
    skin = np.isin(scene.segmentation, (PixelClass.SKIN, PixelClass.BEARD))
    gaps = []
    for x, y in edge[11:16]:
        columns = np.flatnonzero(skin[round(float(y)), : round(float(x)) + 12])
        gaps.append(columns.max() - x)
    assert np.abs(np.median(gaps)) < 0.03 * FACE and np.max(np.abs(gaps)) < 0.08 * FACE


def test_labels_of_a_set_follow_the_edge_and_nothing_else_changes(tmp_path):
    tables = {}
    for name in ("3d", "2d"):
        cameras.write(tmp_path / name, cameras.Config(seed=3, count=6, visible=False, contour=name), workers=1)
        tables[name] = json.loads((tmp_path / name / "annotations.json").read_text())
    pictures = [sorted((tmp_path / name / "thermal").iterdir()) for name in tables]
    assert [path.read_bytes() for path in pictures[0]] == [path.read_bytes() for path in pictures[1]]
    assert tables["3d"]["images"] == tables["2d"]["images"]
    moved = 0
    for head, edge in zip(tables["3d"]["annotations"], tables["2d"]["annotations"], strict=True):
        one, other = (np.reshape(entry["keypoints"], (70, 3)) for entry in (head, edge))
        np.testing.assert_array_equal(one[contour.JAW :], other[contour.JAW :])
        np.testing.assert_array_equal(one[:, 2], other[:, 2])
        moved += int((np.abs(one - other).max(axis=1) > 1).any())
        assert head["attributes"]["yaw"] == edge["attributes"]["yaw"]
    assert moved > 0


@pytest.mark.parametrize("yaw", [-40, -25, -15, 15, 25, 40])
def test_the_far_side_is_spaced_as_that_of_the_head_not_turned(yaw):
    """Shares of the edge's length from the chin to the ear, point by point."""
    for number in range(3):
        scene, edge = shown(number, yaw)
        ahead, _ = shown(number, yaw=0)
        far = contour.CHIN + np.sign(yaw) * np.arange(contour.CHIN + 1)
        turned, straight = (share(points[far]) for points in (edge, ahead.xy[0]))
        np.testing.assert_allclose(turned, straight, atol=0.04)
        hidden = share(scene.xy[0, far])
        assert np.abs(hidden - straight).max() > np.abs(turned - straight).max()


def share(line):
    along = np.concatenate([[0.0], np.linalg.norm(np.diff(line, axis=0), axis=1).cumsum()])
    return along / along[-1]


@pytest.mark.parametrize("turn", [-1, 1])
def test_a_head_that_starts_to_turn_does_not_jump(turn):
    _, ahead = shown(2, yaw=0)
    _, turned = shown(2, yaw=0.01 * turn)
    assert np.linalg.norm(turned - ahead, axis=1).max() < 0.02 * FACE
