"""Temperatures made up from classes and landmarks: what they keep of the picture, and what they must not."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

import drawn_faces
from command_line import exit_code
from thermark.core import files, origin, seeds, visibility
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.datasets import facesynthetics, tfake
from thermark.datasets.checks.splits import Fractions
from thermark.synth.thermalise import heat
from thermark.synth.thermalise.heat import Room
from thermark.synth.thermalise.thermal_spots import BOTH, LEFT, RIGHT, FaceAxes
from thermark.synth.writers import thermalised

SIZE = 160
PARTS = Fractions(val=0.0, test=0.3)
CONFIG = thermalised.Config(source="x")
WARM, COLD = Room(25.5, 0.5), Room(21.0, 0.5)


def landmarks(x=80.0, y=82.0, scale=42.0):
    """Return 70 points of an upright face, seen from the front."""
    face = drawn_faces.canonical() * scale + (x, y)
    return np.concatenate([face, face[36:42].mean(0)[None], face[42:48].mean(0)[None]]).astype(np.float32)


def classes(points, glasses=False):
    """Return a segmentation of the face with hair, neck, shirt, brows, eyes, nose, lips and an ear."""
    seg = np.zeros((SIZE, SIZE), np.uint8)

    def fill(value, *corners):
        cv2.fillPoly(seg, [np.rint(np.array(corners)).astype(np.int32)], value)

    (x, y), chin = points[27], points[8]
    unit = float(np.linalg.norm(points[36] - points[45]))
    cv2.ellipse(seg, (int(x), int(y)), (int(0.9 * unit), int(1.0 * unit)), 0, 0, 360, heat.HAIR, -1)
    fill(12, (x - 20, y + 10), (x + 20, y + 10), (x + 20, chin[1] + 12), (x - 20, chin[1] + 12))
    fill(15, (x - 50, SIZE), (x - 45, chin[1] + 8), (x + 45, chin[1] + 8), (x + 50, SIZE))
    fill(7, points[1] + (-8, -8), points[1] + (0, -8), points[1] + (0, 8), points[1] + (-8, 8))
    fill(1, *points[:17], points[16] + (0, -50), points[0] + (0, -50))
    fill(2, points[27], points[31] + (-2, 2), points[35] + (2, 2))
    fill(3, *points[36:42])
    fill(4, *points[42:48])
    fill(10, *points[48:60])
    for first, value in ((17, 5), (22, 6)):
        line = np.rint(points[first : first + 5]).astype(np.int32)
        cv2.polylines(seg, [line], False, value, 3)
    if glasses:
        for eye in (slice(36, 42), slice(42, 48)):
            centre = tuple(int(v) for v in np.rint(points[eye].mean(0)))
            cv2.circle(seg, centre, 13, heat.GLASSES, 2)
    return seg


def colours(seed=0):
    """Return a picture with large coloured areas and noise."""
    rng = np.random.default_rng(seed)
    coarse = cv2.resize(rng.integers(0, 200, (5, 5, 3), np.uint8), (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
    return (coarse + rng.integers(0, 50, (SIZE, SIZE, 3))).astype(np.uint8)


def warmth(room, points=None, seg=None, rgb=None, person=None):
    points = landmarks() if points is None else points
    person = person or heat.sample_person(seeds.rng(0, "test"))
    seg = classes(points) if seg is None else seg
    seen = heat.surfaces(colours() if rgb is None else rgb, seg, points, person)
    return heat.temperatures(seen, person, room)


def around(celsius, point, radius=2):
    x, y = np.rint(point).astype(int)
    return float(celsius[y - radius : y + radius + 1, x - radius : x + radius + 1].mean())


def brow_centre(points):
    return points[[21, 22]].mean(axis=0)


def write_source(root, count=6, size=SIZE):
    root.mkdir(parents=True)
    for index in range(count):
        points = landmarks(78 + index, 80, 40 + index)
        name = root / f"{index:06d}"
        cv2.imwrite(f"{name}.png", colours(index)[:size, :size])
        cv2.imwrite(f"{name}_seg.png", classes(points, glasses=index == 2))
        Path(f"{name}_ldmks.txt").write_text("".join(f"{x:.3f} {y:.3f}\n" for x, y in points), encoding="utf-8")
    return root


def tree(root):
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_source(tmp_path_factory.mktemp("source") / "some" / "depth")


@pytest.fixture(scope="module")
def written(source, tmp_path_factory):
    out = tmp_path_factory.mktemp("thermalised") / "raw"
    thermalised.write(out, source, CONFIG, 1)
    return out


@pytest.fixture
def own_source(source, tmp_path):
    return Path(shutil.copytree(source, tmp_path / "source"))


# The temperatures.


@pytest.mark.parametrize("room", [WARM, COLD])
def test_the_face_is_warm_where_faces_are(room):
    points = landmarks()
    celsius = warmth(room, points)
    cheek = np.mean([around(celsius, points[[2, 41, 48]].mean(0)), around(celsius, points[[14, 46, 54]].mean(0))])
    forehead = around(celsius, brow_centre(points) - (0, 16))
    canthi = np.mean([around(celsius, points[39], 1), around(celsius, points[42], 1)])
    tip = around(celsius, points[30])
    assert canthi > cheek + 0.5 and forehead > cheek + 0.3 and cheek > tip
    assert 33 < forehead < 36.5
    brow = around(celsius, points[19], 1)
    assert room.ambient + 3 < brow < forehead - 0.5


def test_cold_takes_most_from_the_nose():
    points = landmarks()
    fall = warmth(WARM, points) - warmth(COLD, points)
    assert around(fall, points[30]) > around(fall, brow_centre(points) - (0, 16)) + 0.4
    assert fall[np.isin(classes(points), (1, 2))].min() > 0


@pytest.mark.parametrize("room", [WARM, COLD])
def test_skin_has_little_contrast_and_things_lie_between_it_and_the_room(room):
    seg = classes(landmarks())
    celsius = warmth(room)
    skin = celsius[cv2.erode((seg == 1).astype(np.uint8), np.ones((7, 7))) > 0]
    assert 0.2 < skin.std() < 1.3
    assert abs(celsius[seg == 0].mean() - room.ambient) < 1
    for value in (heat.HAIR, heat.CLOTHING):
        assert room.ambient + 1 < np.median(celsius[seg == value]) < skin.mean() - 1
    assert np.median(celsius[seg == 7]) < skin.mean() - 0.5  # an ear
    assert celsius.dtype == np.float32 and np.isfinite(celsius).all()


def test_lenses_are_opaque():
    points = landmarks()
    clear, glazed = warmth(COLD, points), warmth(COLD, points, classes(points, glasses=True))
    for pupil in points[68:]:
        assert around(clear, pupil, 1) > 30
        assert around(glazed, pupil, 1) < COLD.ambient + 0.55 * (34 - COLD.ambient)
    assert abs(around(clear, points[30]) - around(glazed, points[30])) < 0.3  # the nose is in front


def test_skin_has_no_colour():
    seg, rgb = classes(landmarks()), colours()
    other = np.where((seg != 0)[..., None], colours(1), rgb)
    np.testing.assert_array_equal(warmth(WARM, rgb=rgb), warmth(WARM, rgb=other))
    elsewhere = warmth(WARM, rgb=colours(1))
    inside = cv2.erode((seg != 0).astype(np.uint8), np.ones((9, 9))) > 0
    np.testing.assert_allclose(warmth(WARM, rgb=rgb)[inside], elsewhere[inside], atol=1e-4)
    assert np.abs(warmth(WARM, rgb=rgb) - elsewhere).max() > 0.1


def test_heat_moves_with_the_face():
    """Vessels, gradients and places are the person's: nothing of them stays behind in the picture."""
    dx, dy = 6, -5
    points, shifted = landmarks(), landmarks() + np.float32([dx, dy])
    rgb = np.full((SIZE, SIZE, 3), 90, np.uint8)
    seg = classes(points)
    seg[-20:] = 0
    moved = warmth(COLD, shifted, np.roll(seg, (dy, dx), (0, 1)), rgb)
    still = np.roll(warmth(COLD, points, seg, rgb), (dy, dx), (0, 1))
    np.testing.assert_allclose(moved[15:-15, 15:-15], still[15:-15, 15:-15], atol=2e-3)


def test_breath_is_seen_at_the_nostrils_and_in_the_mouth_only():
    points = landmarks()
    seg = classes(points)
    change = warmth(Room(21, 1), points, seg) - warmth(Room(21, 0), points, seg)
    assert change[tuple(np.rint(points[32]).astype(int)[::-1])] > 1.5
    far = np.hypot(*(np.indices(seg.shape)[::-1] - points[33].reshape(2, 1, 1))) > 25
    assert np.abs(change[far & (seg != heat.MOUTH)]).max() < 0.01


def test_what_is_turned_away_warms_nothing():
    points = landmarks()
    points[42:48, 0] = points[42, 0] + (points[42:48, 0] - points[42, 0]) * 0.1
    face = FaceAxes(points, (SIZE, SIZE))
    assert face.turned(LEFT) == 0 and face.turned(RIGHT) == face.turned(BOTH) == 1


def test_edges_are_those_of_optics():
    """No step from one pixel to the next is as high as that between the classes."""
    celsius, seg = warmth(COLD), classes(landmarks())
    across = (seg[:, 1:] == 0) != (seg[:, :-1] == 0)
    assert np.abs(np.diff(celsius, axis=1))[across].max() < 0.9 * (celsius[seg == 1].max() - COLD.ambient)


def test_ignored_pixels_take_the_nearest_class():
    rng = np.random.default_rng(0)
    seg = rng.integers(0, 19, (20, 24), np.uint8)
    seg[rng.random(seg.shape) < 0.7] = heat.IGNORED
    filled = heat._labelled(seg)
    rows, columns = np.nonzero(seg != heat.IGNORED)
    for y, x in np.argwhere(seg == heat.IGNORED):
        distance = np.hypot(rows - y, columns - x)
        near = distance <= distance.min() + 0.3  # OpenCV's distance is nearly Euclidean
        assert filled[y, x] in seg[rows[near], columns[near]]
    assert np.array_equal(filled[rows, columns], seg[rows, columns])


def test_people_differ():
    one, two = (warmth(WARM, person=heat.sample_person(seeds.rng(0, key))) for key in "ab")
    assert np.abs(one - two)[classes(landmarks()) == 1].mean() > 0.1


# The tree.


def test_the_tree_is_read_as_t_fake(written):
    rgb = facesynthetics.load(written, facesynthetics.Config(raw="r", split=PARTS))
    config = tfake.Config(raw="r", split=PARTS)
    thermal = tfake.load(written, config)
    assert (len(rgb.faces), len(thermal.faces)) == (6, 12)
    assert rgb.findings.summary()["found"] == thermal.findings.summary()["found"] == {}
    split = dict(zip(rgb.faces.subjects, rgb.faces.splits, strict=True))
    assert all(split[s] == actual for s, actual in zip(thermal.faces.subjects, thermal.faces.splits, strict=True))
    warm, cold = (tfake.read(written / f"{room}/000000_thermal.png", config) for room in ("warm", "cold"))
    seg = classes(landmarks(78, 80, 40))
    assert 24 - 1.5 < np.median(warm[seg == 0]) < 27 + 1 and np.median(cold[seg == 0]) < 22 + 1
    assert np.percentile(warm[seg == 1], 90) < 37
    quiet = cv2.GaussianBlur(warm, (0, 0), 2)
    assert 0.03 < (warm - quiet)[20:60, 5:20].std() < 0.12  # the camera's noise


def test_the_colour_side_is_the_sources(source, written):
    for path in source.iterdir():
        assert (written / "facesynthetics" / path.name).read_bytes() == path.read_bytes()


def test_it_says_what_it_is(written, own_source, tmp_path):
    assert origin.origin(written) == "thermalised"
    assert origin.origin(own_source) == "real"
    assert json.loads((written / origin.THERMALISED).read_text())["seed"] == 0
    origin.mark_rendered(own_source, CONFIG)
    visibility.write(own_source, {"000000": np.ones(70, bool)})
    thermalised.write(tmp_path / "raw", own_source, thermalised.Config(source="x", count=1), 1)
    assert origin.origin(tmp_path / "raw") == "rendered"
    assert set(visibility.read(tmp_path / "raw")) == {"000000"}


def test_an_id_does_not_depend_on_the_others(source, written, tmp_path):
    thermalised.write(tmp_path / "few", source, thermalised.Config(source="x", count=2), 1)
    thermalised.write(tmp_path / "seed", source, thermalised.Config(source="x", count=2, seed=1), 1)
    whole, few, other = tree(written), tree(tmp_path / "few"), tree(tmp_path / "seed")
    thermal = [name for name in few if "_thermal" in name]
    assert len(thermal) == 4 and all(whole[name] == few[name] for name in thermal)
    assert all(few[name] != other[name] for name in thermal)


@pytest.mark.slow
def test_bytes_do_not_depend_on_workers(source, written, tmp_path):
    thermalised.write(tmp_path / "two", source, CONFIG, 2)
    assert tree(tmp_path / "two") == tree(written)
    bad = Path(shutil.copytree(source, tmp_path / "bad"))
    (bad / "000004_seg.png").unlink()
    with pytest.raises(DataError, match=r"000004_seg\.png is missing"):
        thermalised.write(tmp_path / "none", bad, CONFIG, 2)


# What is wrong with a source.


def small(path):
    cv2.imwrite(str(path), np.ones((80, 90), np.uint8))


def unknown(path):
    cv2.imwrite(str(path), np.full((SIZE, SIZE), 19, np.uint8))


def nobody(path):
    cv2.imwrite(str(path), np.zeros((SIZE, SIZE), np.uint8))


def deep(path):
    cv2.imwrite(str(path), np.ones((SIZE, SIZE), np.uint16))


def cut(path):
    path.write_bytes(path.read_bytes()[:100])


def drop_lines(path):
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:68]))


def lose_point(path):
    path.write_text(path.read_text().replace(path.read_text().splitlines()[5], "nan nan"))


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("000003_seg.png", Path.unlink, "000003_seg.png is missing beside 000003_ldmks.txt"),
        ("000003.png", Path.unlink, "000003.png is missing beside 000003_ldmks.txt"),
        ("000003_seg.png", small, "000003_seg.png is 90 x 80, its picture 160 x 160 pixels"),
        ("000003_seg.png", unknown, "000003_seg.png has class 19"),
        ("000003_seg.png", nobody, "000003_seg.png shows no skin"),
        ("000003_seg.png", deep, "000003_seg.png is uint16"),
        ("000003_seg.png", cut, "000003_seg.png"),
        ("000003.png", cut, "000003.png"),
        ("000003_ldmks.txt", drop_lines, "000003_ldmks.txt has 68 lines instead of 70"),
        ("000003_ldmks.txt", lose_point, "000003_ldmks.txt lacks a point"),
    ],
)
def test_a_bad_file_is_named_and_nothing_is_written(own_source, tmp_path, name, damage, message):
    damage(own_source / name)
    files.write_text(tmp_path / "raw/earlier", "kept")
    with pytest.raises(DataError) as caught:
        thermalised.write(tmp_path / "raw", own_source, CONFIG, 1)
    assert message in caught.value.cause and "\n" not in caught.value.cause + caught.value.remedy
    assert list(tree(tmp_path / "raw")) == ["earlier"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["raw", "source"]


def test_a_source_must_have_ids_once(own_source, tmp_path):
    with pytest.raises(ConfigError, match="has 6 ids"):
        thermalised.write(tmp_path / "raw", own_source, thermalised.Config(source="x", count=7), 1)
    with pytest.raises(DataError, match=r"no \*_ldmks\.txt under nowhere"):
        thermalised.write(tmp_path / "raw", tmp_path / "nowhere", CONFIG, 1)
    shutil.copytree(own_source, own_source / "again", ignore=lambda *_: ["again"])
    with pytest.raises(DataError, match=r"000000_ldmks\.txt is there 2 times"):
        thermalised.write(tmp_path / "raw", own_source, CONFIG, 1)


def test_settings_are_checked():
    for bad in ({"count": 0}, {"netd": -1}, {"warm": [27, 24]}, {"warmth": 1}, {"blur": "much"}):
        with pytest.raises(ConfigError, match=r"thermalise\.x"):
            parse({"source": "x"} | bad, thermalised.Config, "thermalise.x")
    assert parse({"source": "x", "cold": [20, 21.5]}, thermalised.Config, "x").cold == (20, 21.5)


def test_the_stage_runs(own_source, tmp_path, capfd):
    params = {"thermalise": {"tfake_thermalised": {"source": "x", "count": 1}}}
    options = {"params": "thermalise.tfake_thermalised", "source": own_source, "out": "out"}
    assert exit_code("thermalise", tmp_path, params, options) == 0
    assert (tmp_path / "out/cold/000000_thermal.png").is_file()
    (own_source / "000000_seg.png").unlink()
    capfd.readouterr()
    assert exit_code("thermalise", tmp_path, params, options) == 3
    assert capfd.readouterr().err.startswith("error: 000000_seg.png is missing")


# Real samples, where they are.


def test_real_faces(mirror, tmp_path):
    folder = mirror("000000_seg.png").parent
    thermalised.write(tmp_path / "raw", folder, thermalised.Config(source="x", count=4), 1)
    config = tfake.Config(raw="r")
    for name in ("000000", "000001", "000002", "000003"):
        seg = cv2.imread(str(folder / f"{name}_seg.png"), cv2.IMREAD_UNCHANGED)
        warm, cold = (tfake.read(tmp_path / f"raw/{room}/{name}_thermal.png", config) for room in ("warm", "cold"))
        for celsius, level in ((warm, 33.0), (cold, 31.5)):
            assert level < np.median(celsius[seg == 1]) < 36
            assert np.median(celsius[seg == 2]) < np.median(celsius[seg == 1])
            assert np.median(celsius[seg == 0]) < np.median(celsius[seg == 13]) < np.median(celsius[seg == 1])
        assert np.median(warm[seg == 1]) > np.median(cold[seg == 1])
