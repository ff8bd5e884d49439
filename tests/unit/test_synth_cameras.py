"""The rendered set of many cameras: what is written, what is read back, and who stands where."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from fetch_machine import tree
from thermark.core import images, origin, seeds
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.core.geometry import bounding_box
from thermark.datasets import cameras as reader
from thermark.datasets import cameras_visible
from thermark.datasets.checks.splits import Fractions
from thermark.datasets.prepare import packing
from thermark.synth.render import staging
from thermark.synth.render.imaging import Imaging
from thermark.synth.render.optics import sensor_size
from thermark.synth.render.person import Pose, sample_person
from thermark.synth.render.scene import Camera, render_scene
from thermark.synth.render.variety import Variety
from thermark.synth.writers import cameras
from thermark.synth.writers.cameras import Config
from thermark.train import data, pairs

HALVES = Fractions(val=0.3, test=0.3, seed=1)
READ = reader.Config(raw="r", split=HALVES)
PEOPLE = (0.2, 0.4, 0.2, 0.2)
SMALL = Config(
    seed=3, count=30, width=128, height=96, supersample=1, smallest=12, elements=3, people=PEOPLE, cut=0.3
)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return the root of a small set, and the scenes from which it was made."""
    root = tmp_path_factory.mktemp("cameras") / "raw"
    scenes = []

    def watched(*arguments, **settings):
        scenes.append(render_scene(*arguments, **settings))
        return scenes[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cameras, "render_scene", watched)
        cameras.write(root, SMALL, 1)
    return root, scenes


def test_points_come_back_to_a_hundredth_of_a_pixel(written):
    root, scenes = written
    faces = reader.load(root, READ).faces
    assert 20 < len(faces) <= sum(len(scene.xy) for scene in scenes)
    for name, xy, visible in zip(faces.ids, faces.xy, faces.visible, strict=True):
        frame, person = map(int, str(name).split("-"))
        true, seen = scenes[frame].xy[person], scenes[frame].visible[person]
        known = np.isfinite(xy).all(axis=1)
        np.testing.assert_allclose(xy[known], true[known], atol=0.01)
        far = ((true < (-64, -48)) | (true > (192, 144))).any(axis=1)
        assert np.array_equal(known, ~far) and np.array_equal(visible, seen & known)
    np.testing.assert_array_equal(faces.boxes, bounding_box(faces.xy))


def test_nothing_is_found_wrong(written):
    root, scenes = written
    loaded = reader.load(root, READ)
    assert set(loaded.findings.lists) <= {"hardly_seen"}
    assert all(check.verdict == "ok" for check in loaded.findings.checks)
    empty = sum(len(scene.xy) == 0 for scene in scenes)
    assert empty > 0 and len(loaded.frames) == 30
    assert loaded.findings.facts["pictures_without_a_face"] >= empty
    assert origin.origin(root) == "rendered" and reader.CARD.labels == "rendered"
    assert len(set(loaded.faces.frames)) < len(loaded.faces)
    parts = {}
    for frame, split in zip(loaded.faces.frames, loaded.faces.splits, strict=True):
        assert parts.setdefault(frame, split) == split
    picture = reader.read(root / loaded.frames.paths[0], READ)
    assert picture.shape == (96, 128) and picture.dtype == np.uint8


def test_the_annotations_are_those_of_coco(written):
    root, _ = written
    content = json.loads((root / "annotations.json").read_text(encoding="utf-8"))
    assert set(content) == {"info", "categories", "images", "annotations"}
    (category,) = content["categories"]
    assert category["name"] == "face" and len(category["keypoints"]) == 70
    known = {image["id"]: image for image in content["images"]}
    assert len(known) == 30
    for image in content["images"]:
        assert (image["width"], image["height"]) == (128, 96)
        assert images.single(root / image["file_name"], "uint8").shape == (96, 128)
        assert images.rgb(root / image["visible"]).shape == (96, 128, 3)
    numbers = [entry["id"] for entry in content["annotations"]]
    assert len(numbers) == len(set(numbers)) > 0 and min(numbers) > 0
    for entry in content["annotations"]:
        assert entry["image_id"] in known and entry["category_id"] == category["id"]
        x, y, width, height = entry["bbox"]
        assert min(x, y) >= 0 and min(width, height) > 0 and x + width <= 128 and y + height <= 96
        assert entry["area"] == pytest.approx(width * height, rel=1e-3, abs=0.05)
        points = np.array(entry["keypoints"]).reshape(70, 3)
        assert set(points[:, 2]) <= {0, 1, 2} and entry["num_keypoints"] == (points[:, 2] > 0).sum()
        seen = points[points[:, 2] == 2, :2]
        assert (seen >= -0.5).all() and (seen <= (127.5, 95.5)).all()
        assert not points[points[:, 2] == 0].any()
        # From the outline of the first pixel, as against points from its centre.
        inside = np.clip(points[:68, :2] + 0.5, 0, (128, 96))
        if (points[:68, 2] > 0).all():
            np.testing.assert_allclose((x, y, x + width, y + height), bounding_box(inside), atol=0.01)
        attributes = entry["attributes"]
        assert {
            "yaw",
            "pitch",
            "roll",
            "jaw",
            "eyewear",
            "covering",
            "occluder",
            "polarity",
            "gain",
            "height",
        } <= attributes.keys()
        assert attributes["polarity"] == known[entry["image_id"]]["camera"]["polarity"]


def test_faces_are_cut_off_by_the_picture_and_hardly_seen_ones_are_told(written):
    content = json.loads((written[0] / "annotations.json").read_text(encoding="utf-8"))
    cut, crowd = 0, 0
    for entry in content["annotations"]:
        points = np.array(entry["keypoints"]).reshape(70, 3)[:68]
        outside = ((points[:, :2] < -0.5) | (points[:, :2] > (127.5, 95.5))).any(axis=1)
        assert points[outside, 2].max(initial=0) < 2
        cut += 0.05 < outside.mean() < 0.95
        crowd += entry["iscrowd"]
        if not entry["iscrowd"]:
            assert (points[:, 2] == 2).mean() >= cameras.LEAST_POINTS
    assert cut >= 5 and crowd < len(content["annotations"]) / 4


def test_bytes_do_not_depend_on_workers(tmp_path):
    few = SMALL.model_copy(update={"count": 3})
    for workers in (1, 2):
        cameras.write(tmp_path / str(workers), few, workers)
    assert tree(tmp_path / "1") == tree(tmp_path / "2")


def test_pictures_do_not_depend_on_how_many_there_are_or_on_their_twins(written, tmp_path):
    cameras.write(tmp_path / "few", SMALL.model_copy(update={"count": 5, "visible": False}), 1)
    few, all_of_them = tree(tmp_path / "few"), tree(written[0])
    pictures = [name for name in few if name.startswith("thermal/")]
    assert len(pictures) == 5 and all(few[name] == all_of_them[name] for name in pictures)
    assert not (tmp_path / "few/visible").exists()
    thermal = reader.load(tmp_path / "few", reader.Config(raw="r", split=Fractions(val=0, test=0)))
    assert len(thermal.faces) > 0
    with pytest.raises(DataError, match="no face of a rendered camera"):
        cameras_visible.load(tmp_path / "few", READ)


def test_a_part_of_the_camera_that_is_left_out_moves_nothing_in_front_of_it(written, tmp_path):
    plain = Imaging(**dict.fromkeys(Imaging.model_fields, False))
    cameras.write(tmp_path / "plain", SMALL.model_copy(update={"count": 5, "imaging": plain}), 1)
    other, usual = tree(tmp_path / "plain"), tree(written[0])
    assert all(other[f"visible/{n:06d}.jpg"] == usual[f"visible/{n:06d}.jpg"] for n in range(5))
    assert any(other[f"thermal/{n:06d}.png"] != usual[f"thermal/{n:06d}.png"] for n in range(5))


def test_twins_are_read_with_the_very_same_faces(written):
    root, _ = written
    thermal, twins = reader.load(root, READ), cameras_visible.load(root, READ)
    for column in ("ids", "frames", "subjects", "splits", "boxes", "xy", "visible"):
        assert np.array_equal(
            getattr(thermal.faces, column), getattr(twins.faces, column), equal_nan=column == "xy"
        )
    assert twins.frames.modality == "rgb" and all(path.endswith(".jpg") for path in twins.frames.paths)
    assert cameras_visible.read(root / twins.frames.paths[0], READ).shape == (96, 128, 3)
    paired = reader.load(root, reader.Config(raw="r", split=HALVES, paired=True))
    assert len(paired.faces) == len(thermal.faces)


def test_a_twin_has_the_geometry_of_its_picture(tmp_path):
    """Where a warm head begins in one, it begins in the other: silhouettes overlap."""
    plain = Imaging(**dict.fromkeys(Imaging.model_fields, False))
    bare = Variety(**dict.fromkeys(Variety.model_fields, False))
    config = Config(
        seed=5, count=6, width=96, height=96, smallest=40, people=(0, 1, 0, 0), imaging=plain, variety=bare
    )
    cameras.write(tmp_path / "raw", config, 1)
    faces = reader.load(tmp_path / "raw", reader.Config(raw="r", split=Fractions(val=0, test=0))).faces
    for frame, xy, visible in zip(faces.frames, faces.xy, faces.visible, strict=True):
        grey = images.single(tmp_path / f"raw/thermal/{frame}.png", "uint8").astype(float)
        colour = images.rgb(tmp_path / f"raw/visible/{frame}.jpg").astype(float).mean(axis=2)
        x, y = np.rint(xy[27]).astype(int)  # between the eyes
        if visible[27]:
            # Both show an edge where the face ends, and in the same place.
            edges = [
                cv2.magnitude(cv2.Sobel(p, cv2.CV_64F, 1, 0), cv2.Sobel(p, cv2.CV_64F, 0, 1))
                for p in (grey, colour)
            ]
            one, two = (cv2.GaussianBlur(edge - edge.mean(), (0, 0), 1.0) for edge in edges)
            here = (one * two).sum()
            moved = [
                (one * np.roll(two, shift, axis=(0, 1))).sum() for shift in ((0, 6), (6, 0), (0, -6), (-6, 0))
            ]
            assert here > max(moved) and 0 <= x < 96 and 0 <= y < 96


def test_a_prepared_set_and_its_twins_are_pairs(written, tmp_path):
    root, _ = written
    whole = Fractions(val=0, test=0)
    for name, module in (("thermal", reader), ("twins", cameras_visible)):
        packing.pack(
            module,
            root,
            reader.Config(raw="r", split=whole),
            packing.CropConfig(size=80),
            tmp_path / name,
            tmp_path / f"{name}.json",
            tmp_path / f"{name}.csv",
            workers=1,
        )
    samples = data.gather(tmp_path, ["thermal"], "train", "ibug68", 64, 1.25)
    partners = pairs.partners(tmp_path, "thermal", samples, "twins")
    assert len(samples) == len(partners) == len(reader.load(root, reader.Config(raw="r", split=whole)).faces)
    assert samples.modality == "thermal" and partners.modality == "rgb"


@pytest.mark.parametrize("least", [20.0, 40.0])
def test_small_faces_can_be_left_out(written, least: float):
    whole = reader.load(written[0], reader.Config(raw="r", split=Fractions(val=0, test=0)))
    some = reader.load(written[0], reader.Config(raw="r", split=Fractions(val=0, test=0), min_height=least))
    tall = whole.faces.boxes[:, 3] - whole.faces.boxes[:, 1]
    assert set(some.faces.ids) == set(whole.faces.ids[tall >= least]) and 0 < len(some.faces) < len(whole.faces)
    assert len(some.findings.lists["too_small"]) == (tall < least).sum()


def test_nobody_at_all_is_a_data_error(tmp_path):
    cameras.write(tmp_path / "raw", SMALL.model_copy(update={"count": 2, "people": (1.0, 0.0, 0.0, 0.0)}), 1)
    with pytest.raises(DataError, match="no face of a rendered camera"):
        reader.load(tmp_path / "raw", READ)


def broken(root: Path, tmp_path: Path, change) -> reader.Loaded:
    content = json.loads((root / "annotations.json").read_text(encoding="utf-8"))
    change(content)
    for folder in ("thermal", "visible"):
        (tmp_path / folder).symlink_to(root / folder)
    (tmp_path / "annotations.json").write_text(json.dumps(content), encoding="utf-8")
    return reader.load(tmp_path, READ)


def test_faults_are_noted_and_left_out(written, tmp_path):
    def change(content):
        content["annotations"][0]["keypoints"] = [1.0]
        content["annotations"][1]["person"] = None
        content["annotations"].append(content["annotations"][2])
        content["images"][-1]["file_name"] = "thermal/absent.png"

    whole, loaded = reader.load(written[0], READ), broken(written[0], tmp_path, change)
    counts = {kind: len(names) for kind, names in loaded.findings.lists.items() if kind != "hardly_seen"}
    assert counts["bad_annotation"] + counts["duplicate_id"] >= 2 and counts["missing_image"] == 1
    assert len(loaded.faces) < len(whole.faces)


def test_staged_faces_are_where_and_as_large_as_asked():
    camera = Camera(320, 240, 420.0)
    for number in range(12):
        rng = seeds.rng(11, number)
        middle, tall = rng.uniform((90, 80), (230, 160)), float(rng.uniform(25, 140))
        person = sample_person(rng)
        pose = staging.stand(
            Pose((0, 0, 1), yaw=rng.uniform(-25, 25), roll=rng.uniform(-10, 10)), middle, tall, camera
        )
        scene = render_scene([(person, pose)], replace(camera, supersample=1), (22.0,), rng, colour=False)
        x1, y1, x2, y2 = bounding_box(scene.xy[0, :68])
        # A near face is larger in the middle than at its edges, and people differ.
        assert y2 - y1 == pytest.approx(tall, rel=0.15)
        assert np.abs(np.array([x1 + x2, y1 + y2]) / 2 - middle).max() < 0.16 * tall


def test_heights_fill_their_range_and_no_sensor_sees_too_small_a_face():
    config = Config(seed=1, count=1)
    drawn = [cameras.draw(number, config) for number in range(400)]
    first = np.array([each.tall[0] for each in drawn if len(each.tall) == 1])
    assert 20 <= first.min() < 30 and 180 < first.max() <= 228
    share = np.log(first / 20) / np.log(228 / 20)
    assert abs(share.mean() - 0.55) < 0.1  # a half but for the coarse sensors, which see no small faces
    for each in drawn:
        coarse = 320 / sensor_size(320, 240, each.device.columns)[0]
        assert (each.tall >= 10 * coarse - 1e-9).all()
        assert all(pose.position[2] > 0.2 for _, pose in each.people)
    counts = np.bincount([len(each.people) for each in drawn], minlength=4) / len(drawn)
    np.testing.assert_allclose(counts, config.people, atol=0.08)


def test_several_faces_keep_apart():
    for number in range(40):
        rng = seeds.rng(13, number)
        tall = staging.heights(rng, 3, 12, 228)
        middles = staging.centres(rng, tall, 320, 240, 0.0)
        assert tall.shape == (3,) and (tall <= 76 + 1e-9).all() and (tall >= 12).all()
        for one in range(3):
            for two in range(one):
                away = np.abs(middles[one] - middles[two]).max()
                assert away > 0.8 * max(tall[one], tall[two])
    assert staging.centres(seeds.rng(1), np.zeros(0), 320, 240, 0.1).shape == (0, 2)


@pytest.mark.parametrize("name", ["count", "width", "height", "supersample", "smallest", "largest", "elements"])
def test_sizes_and_counts_are_positive(name: str):
    for bad in (0, -1):
        with pytest.raises(ConfigError, match=f"render.cameras.{name}"):
            parse({name: bad}, Config, "render.cameras")


def test_the_section_of_a_profile_is_read():
    raw = {
        "seed": 1,
        "count": 5,
        "imaging": {"palette": False},
        "variety": {"heat": False},
        "people": [0, 1, 0, 0],
    }
    config = parse(raw, Config, "render.cameras")
    assert not config.imaging.palette and config.imaging.gain and not config.variety.heat
    with pytest.raises(ConfigError, match="add up to 1"):
        parse({"people": [0.5, 0, 0, 0]}, Config, "render.cameras")
    with pytest.raises(ConfigError, match="smallest"):
        parse({"smallest": 300}, Config, "render.cameras")
    with pytest.raises(ConfigError, match="imaging"):
        parse({"imaging": {"optic": False}}, Config, "render.cameras")
