"""Pairs of one face under one view: blobs and white squares say where each pixel went."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import drawn_faces
from thermark.core import geometry
from thermark.core.errors import DataError
from thermark.core.faces import Faces
from thermark.train import augment, data, pairs
from thermark.train.augment import Augment

SIDE = 64
STILL = {"brightness": 0.0, "contrast": 0.0, "blur_p": 0.0, "noise_p": 0.0}
GREY = STILL | {"hue": 0.0, "saturation": 0.0, "value": 0.0}
MOVING = {"flip_p": 0.5, "scale": 0.3, "rotation": 60.0, "rotation_p": 1.0, "shift": 0.1, "shift_p": 1.0}


def blob(xy: np.ndarray, size: int, width: float) -> np.ndarray:
    """Return an image (size, size) of a round blob of `width` px at `xy`."""
    rows, columns = np.mgrid[:size, :size]
    return 255 * np.exp(-((columns - xy[0]) ** 2 + (rows - xy[1]) ** 2) / (2 * width**2))


def middle(image: np.ndarray) -> np.ndarray:
    """Return the centre of mass of an image, in pixels."""
    grey = image.astype(float) if image.ndim == 2 else image.sum(axis=-1, dtype=float)
    rows, columns = np.mgrid[: grey.shape[0], : grey.shape[1]]
    return np.array([(columns * grey).sum(), (rows * grey).sum()]) / grey.sum()


def write_blobs(root: Path, count: int) -> None:
    """Write the twins of `drawn.write_pairs`, packed in different sizes and paddings, with a blob on point 30.

    In the thermal set warm and cold faces have it on the nose, in the colour set it is there too, in yellow.
    """
    drawn_faces.write_pairs(root, count, 96)
    for name, size, padding in (("thermal", 96, 1.75), ("rgb", 150, 2.0)):
        faces = Faces.open(root / name / "faces.npz")
        maps = np.stack([geometry.crop_to_source(prompt, size, padding) for prompt in faces.prompts])
        noses = geometry.apply(geometry.invert(maps), faces.xy[:, 30:31].astype(float))[:, 0]
        width = 0.04 * size / padding
        pixels = np.stack([blob(nose, size, width) for nose in noses])
        if name == "rgb":
            pixels = pixels[..., None] * [1.0, 1.0, 0.0]
        np.save(root / name / "pixels.npy", np.rint(pixels).astype(np.uint8))
        np.savez(root / name / "crops.npz", to_source=maps, padding=padding)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    drawn_faces.write_pairs(folder, 12)
    return folder


@pytest.fixture(scope="module")
def blobs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("blobs")
    write_blobs(folder, 12)
    return folder


def both(root: Path) -> tuple[data.Samples, data.Samples]:
    seen = data.gather(root, ["thermal"], "train", "ibug68", SIDE, 1.25)
    return seen, pairs.partners(root, "thermal", seen, "rgb")


def test_warm_and_cold_share_the_partner_whose_id_is_their_subject(root):
    seen, teacher_faces = both(root)
    thermal, rgb = (Faces.open(root / name / "faces.npz") for name in ("thermal", "rgb"))
    assert len(seen) == len(teacher_faces) == 14
    assert list(thermal.subjects[seen.origins[:, 1]]) == list(rgb.ids[teacher_faces.origins[:, 1]])
    partner = dict(zip(thermal.ids[seen.origins[:, 1]], teacher_faces.origins[:, 1], strict=True))
    assert len(set(partner.values())) == 7 and partner["0002/warm"] == partner["0002/cold"] == 2
    assert teacher_faces.colour and not seen.colour
    np.testing.assert_array_equal(teacher_faces.xy, seen.xy)


def test_the_partner_is_found_by_its_name_not_by_its_row(root, tmp_path):
    """The colour set in another order, and with faces that nobody asks for."""
    faces, pixels = Faces.open(root / "rgb" / "faces.npz"), np.load(root / "rgb" / "pixels.npy")
    with np.load(root / "rgb" / "crops.npz") as stored:
        maps, padding = stored["to_source"], stored["padding"]
    turned = np.arange(len(faces))[::-1]
    (tmp_path / "rgb").mkdir()
    faces.take(turned).save(tmp_path / "rgb" / "faces.npz")
    np.save(tmp_path / "rgb" / "pixels.npy", pixels[turned])
    np.savez(tmp_path / "rgb" / "crops.npz", to_source=maps[turned], padding=padding)
    (tmp_path / "thermal").symlink_to(root / "thermal")
    rows = np.arange(14)
    first, second = (pairs.assemble(*both(folder), rows, 0, 0, Augment()) for folder in (root, tmp_path))
    np.testing.assert_array_equal(first.teacher, second.teacher)


def test_a_partner_of_the_same_id_comes_before_one_of_the_subject(root, tmp_path):
    """As in SF-TL54: many pictures of a person, each with a twin of its own name."""
    (tmp_path / "rgb").mkdir()
    faces = Faces.open(root / "rgb" / "faces.npz")
    for path in (root / "rgb").iterdir():
        if path.name != "faces.npz":
            (tmp_path / "rgb" / path.name).symlink_to(path)
    people = np.array(["0002"] * len(faces))  # whose id is somebody else's picture
    replace(faces, subjects=people).save(tmp_path / "rgb" / "faces.npz")
    (tmp_path / "thermal").symlink_to(tmp_path / "rgb")
    seen, teacher_faces = both(tmp_path)
    np.testing.assert_array_equal(seen.origins[:, 1], teacher_faces.origins[:, 1])
    assert len(set(teacher_faces.origins[:, 1].tolist())) == len(seen) > 1


def test_one_geometry_whatever_the_packing(blobs):
    """Flipped, turned, scaled and shifted, the blob of either image lies on the label, to a quarter of a pixel."""
    seen, teacher_faces = both(blobs)
    limits = Augment(**MOVING, **GREY)
    rows, flips = np.arange(len(seen)), 0
    for epoch in range(4):
        batch = pairs.assemble(seen, teacher_faces, rows, 7, epoch, limits)
        for place, row in enumerate(rows):
            view = data.view(7, epoch, row, limits)
            label = batch.student.xy[place, 30]
            if not (label > 10).all() or not (label < SIDE - 11).all():
                continue
            flips += view.flip
            np.testing.assert_allclose(middle(batch.student.images[place]), label, atol=0.25)
            np.testing.assert_allclose(middle(batch.teacher[place]), label, atol=0.25)
    assert flips > 10


def test_one_hole_at_the_same_place(root, tmp_path):
    drawn_faces.write_pairs(tmp_path, 12, 96)
    for name in ("thermal", "rgb"):
        pixels = np.load(tmp_path / name / "pixels.npy")
        np.save(tmp_path / name / "pixels.npy", np.full_like(pixels, 200))
    seen, teacher_faces = both(tmp_path)
    rows = np.arange(len(seen))
    limits = Augment(hole_p=1.0, scale=0.0, rotation_p=0.0, shift_p=0.0)
    batch = pairs.assemble(seen, teacher_faces, rows, 0, 0, limits)
    gaps = batch.student.images == 0
    np.testing.assert_array_equal(gaps, (batch.teacher == 0).all(axis=-1))
    # A fifth to two fifths of each side, and another hole for every face.
    assert (gaps.mean(axis=(1, 2)) > 0.03).all() and (gaps.mean(axis=(1, 2)) < 0.18).all()
    assert len(np.unique(gaps, axis=0)) == len(rows)
    assert not (
        pairs.assemble(seen, teacher_faces, rows, 0, 0, Augment(scale=0.0, rotation_p=0.0)).teacher == 0
    ).any()


def test_what_the_student_sees_is_what_it_sees_alone(root):
    seen, teacher_faces = both(root)
    rows, limits = np.array([5, 0, 9]), Augment(hole_p=0.5, noise_p=1.0, blur_p=0.5)
    paired, alone = (
        pairs.assemble(seen, teacher_faces, rows, 3, 2, limits).student,
        data.assemble(seen, rows, 3, 2, limits),
    )
    for name in ("images", "xy", "weight"):
        np.testing.assert_array_equal(getattr(paired, name), getattr(alone, name))


def test_colour_jitter_changes_the_colour_image_alone_and_light_the_thermal_alone(root):
    seen, teacher_faces = both(root)
    rows = np.arange(len(seen))
    still, jittered, lit = (
        pairs.assemble(seen, teacher_faces, rows, 0, 0, Augment(**limits))
        for limits in (GREY, STILL, {"hue": 0.0, "saturation": 0.0, "value": 0.0, "noise_p": 1.0})
    )
    np.testing.assert_array_equal(jittered.student.images, still.student.images)
    np.testing.assert_array_equal(lit.teacher, still.teacher)
    changed = [not np.array_equal(*images) for images in zip(jittered.teacher, still.teacher, strict=True)]
    # Each of three is applied half of the time: one in eight images stays.
    assert sum(changed) > 8
    assert all(
        not np.array_equal(*images) for images in zip(lit.student.images, still.student.images, strict=True)
    )
    assert jittered.student.images.shape == (14, SIDE, SIDE) and jittered.teacher.shape == (14, SIDE, SIDE, 3)


def test_a_still_colour_image_is_the_packed_one_seen_through_the_view(root):
    seen, teacher_faces = both(root)
    limits = Augment(**GREY)
    batch = pairs.assemble(seen, teacher_faces, np.arange(4), 1, 0, limits)
    pixels = np.load(root / "rgb" / "pixels.npy")
    for row in range(4):
        to_input = augment.matrix(data.view(1, 0, row, limits), SIDE)
        wanted = geometry.warp(
            pixels[teacher_faces.origins[row, 1]], geometry.compose(teacher_faces.to_crop[0], to_input), SIDE
        )
        np.testing.assert_array_equal(batch.teacher[row], wanted)


def test_a_pair_depends_on_seed_epoch_and_row_alone(root):
    seen, teacher_faces = both(root)
    limits = Augment(hole_p=0.5)
    together = pairs.assemble(seen, teacher_faces, np.array([4, 1, 7]), 3, 2, limits)
    alone = pairs.assemble(seen, teacher_faces, np.array([1]), 3, 2, limits)
    np.testing.assert_array_equal(together.teacher[1], alone.teacher[0])
    np.testing.assert_array_equal(together.student.images[1], alone.student.images[0])
    for seed, epoch in ((3, 3), (4, 2)):
        other = pairs.assemble(seen, teacher_faces, np.array([1]), seed, epoch, limits)
        assert not np.array_equal(other.teacher, alone.teacher)


def test_the_same_image_is_shown_where_there_are_no_pairs(root):
    seen, _ = both(root)
    batch = data.assemble(seen, np.arange(3), 0, 0, Augment())
    assert pairs.same(batch).teacher is batch.images and pairs.same(batch).student is batch


def copied(root: Path, folder: Path, changed: dict[str, np.ndarray], keep=slice(None)) -> Path:
    """Return `folder` with the twins of `root`, the colour table changed or cut."""
    (folder / "rgb").mkdir()
    (folder / "thermal").symlink_to(root / "thermal")
    faces = Faces.open(root / "rgb" / "faces.npz")
    rows = np.arange(len(faces))[keep]
    faces.take(rows).save(folder / "rgb" / "faces.npz")
    np.save(folder / "rgb" / "pixels.npy", np.load(root / "rgb" / "pixels.npy")[rows])
    with np.load(root / "rgb" / "crops.npz") as stored:
        crops = {"to_source": stored["to_source"][rows], "padding": stored["padding"]} | changed
    np.savez(folder / "rgb" / "crops.npz", **crops)
    return folder


def test_faces_without_a_partner_are_counted_and_one_is_named(root, tmp_path):
    kept = [row for row in range(12) if row not in (3, 7)]
    folder = copied(root, tmp_path, {}, kept)
    with pytest.raises(DataError) as caught:
        both(folder)
    assert caught.value.code == 3
    assert caught.value.cause == "4 of 14 faces of thermal have no partner in rgb, such as 0003"
    assert "thermal" in caught.value.remedy and "\n" not in caught.value.cause + caught.value.remedy


@pytest.mark.parametrize("how", ["shifted", "larger", "from a corner", "turned", "no prompt", "mirrored"])
def test_a_pair_that_is_cropped_otherwise_is_named(root, tmp_path, how):
    with np.load(root / "rgb" / "crops.npz") as stored:
        maps = stored["to_source"].copy()
    # Where the first pixel of the network input lies in the crop: what grows from there keeps that corner.
    corner = geometry.input_to_crop(SIDE, 1.25, 96, 1.75)[:, 2]
    changed = {
        "from a corner": geometry.rotation_about(tuple(corner), 0.0, 1.02),
        "shifted": [[1, 0, 0.2], [0, 1, 0]],
        "larger": [[1.02, 0, -1], [0, 1.02, -1]],
        "turned": geometry.rotation_about((48, 48), 3.0),
        "no prompt": [[np.nan] * 3] * 2,
        "mirrored": [[-1, 0, 95], [0, 1, 0]],
    }[how]
    maps[4] = geometry.compose(maps[4], np.array(changed, float))
    with pytest.raises(
        DataError, match=r"^0004/(warm|cold) of thermal and its partner in rgb are not cropped alike$"
    ):
        both(copied(root, tmp_path, {"to_source": maps}))


def test_other_paddings_of_the_same_prompt_are_no_error(blobs):
    seen, teacher_faces = both(blobs)
    assert teacher_faces.crops[0].shape[1:3] == (150, 150) and seen.crops[0].shape[1:3] == (96, 96)
