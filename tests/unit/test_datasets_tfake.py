"""FaceSynthetics and T-FAKE, hand-made in their real layouts, and the real samples where they are."""

import cv2
import numpy as np
import pytest

from thermark.core import origin, visibility
from thermark.core.errors import DataError
from thermark.datasets import facesynthetics, tfake
from thermark.datasets.checks.splits import Fractions

HALVES = Fractions(val=0.3, test=0.3)
RGB = facesynthetics.Config(raw="r", split=HALVES)
THERMAL = tfake.Config(raw="r", split=HALVES)


def points(seed):
    return np.random.default_rng(seed).uniform(5, 60, (70, 2)).round(3)


def write_labels(folder, name, xy):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}_ldmks.txt").write_text("".join(f"{x:.3f} {y:.3f}\n" for x, y in xy))


def write_thermal(folder, name, value=30000, dtype=np.uint16):
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / f"{name}_thermal.png"), np.full((64, 64), value, dtype))


@pytest.fixture
def root(tmp_path):
    """Twelve ids, as the archives unpack: nested folders, an unlabelled and a malformed one."""
    for index in range(12):
        name = f"{index:06d}"
        write_labels(tmp_path / "facesynthetics/dataset_100", name, points(index))
        folder = tmp_path / "facesynthetics/dataset_100"
        cv2.imwrite(str(folder / f"{name}.png"), np.full((64, 64, 3), index, np.uint8))
        cv2.imwrite(str(folder / f"{name}_seg.png"), np.zeros((64, 64), np.uint8))
        write_thermal(tmp_path / "warm/some/depth", name, 40000 + index)
        write_thermal(tmp_path / "cold", name, 20000 + index)
    return tmp_path


def test_pictures_and_labels_meet(root):
    loaded = facesynthetics.load(root, RGB)
    assert loaded.faces.ids.tolist() == [f"{i:06d}" for i in range(12)]
    np.testing.assert_allclose(loaded.faces.xy[3], points(3), atol=1e-5)
    low, high = points(3).min(axis=0), points(3).max(axis=0)
    np.testing.assert_allclose(loaded.faces.boxes[3], [*low, *high], atol=1e-5)
    assert loaded.frames.paths[0] == "facesynthetics/dataset_100/000000.png"
    assert loaded.findings.summary()["found"] == {}


def test_pictures_are_rgb(root):
    path = root / "facesynthetics/dataset_100/000000.png"
    cv2.imwrite(str(path), np.full((64, 64, 3), (0, 0, 250), np.uint8))  # OpenCV writes BGR
    assert facesynthetics.read(path, RGB)[0, 0].tolist() == [250, 0, 0]


def test_what_does_not_meet_is_listed(root):
    folder = root / "facesynthetics/dataset_100"
    (folder / "000001.png").unlink()
    (folder / "000002_ldmks.txt").unlink()
    write_labels(folder, "000003", points(3)[:68])
    write_labels(root / "facesynthetics/other", "000004", points(99))
    loaded = facesynthetics.load(root, RGB)
    assert loaded.findings.lists == {
        "duplicate_id": ["facesynthetics/other/000004_ldmks.txt"],
        "bad_annotation": ["000003_ldmks.txt has 68 lines instead of 70"],
        "missing_image": ["000001"],
        "missing_annotation": ["000002", "000003"],
    }
    assert len(loaded.faces) == 9
    np.testing.assert_allclose(loaded.faces.xy[1], points(4), atol=1e-5)  # the first file counts


def test_copies_of_a_tree_are_not_mixed(root):
    """A second, shifted copy: pictures must keep the labels that lie beside them."""
    first, second = root / "facesynthetics/dataset_100", root / "facesynthetics/zz"
    for index in range(12):
        name = f"{index:06d}"
        write_labels(second, name, points(index) + 1)
        cv2.imwrite(str(second / f"{name}.png"), np.full((64, 64, 3), 100 + index, np.uint8))
    (first / "000002_ldmks.txt").unlink()
    (first / "000005.png").unlink()
    loaded = facesynthetics.load(root, RGB)
    for path, xy in zip(loaded.frames.paths, loaded.faces.xy, strict=True):
        beside = np.loadtxt(str(root / path).removesuffix(".png") + "_ldmks.txt")
        np.testing.assert_allclose(xy, beside, atol=1e-4)
        assert ("zz" in path) == (path[-10:-4] in ("000002", "000005"))
    copies = [f"facesynthetics/zz/{i:06d}" for i in range(12) if i not in (2, 5)]
    here = "facesynthetics/dataset_100"
    assert {kind: sorted(names) for kind, names in loaded.findings.lists.items()} == {
        "duplicate_image": sorted([*(f"{name}.png" for name in copies), f"{here}/000002.png"]),
        "duplicate_id": sorted([*(f"{name}_ldmks.txt" for name in copies), f"{here}/000005_ldmks.txt"]),
    }


def test_labels_in_another_folder_are_not_a_pictures(root):
    folder = root / "facesynthetics/dataset_100"
    (root / "elsewhere").mkdir()
    (folder / "000007_ldmks.txt").rename(root / "elsewhere/000007_ldmks.txt")
    loaded = facesynthetics.load(root, RGB)
    assert loaded.findings.lists == {"missing_image": ["000007"], "missing_annotation": ["000007"]}
    assert len(loaded.faces) == 11


def test_thermal_labels_that_contradict_each_other_are_left_out(root):
    write_labels(root / "copy", "000003", points(3))
    write_labels(root / "copy", "4", points(4) + 1)
    loaded = tfake.load(root, THERMAL)
    lists = loaded.findings.lists
    assert lists["duplicate_id"] == [f"facesynthetics/dataset_100/{i:06d}_ldmks.txt" for i in (3, 4)]
    assert lists["bad_annotation"] == ["the copies of 4_ldmks.txt differ"]
    assert len(loaded.faces) == 22 and "000003" in loaded.faces.subjects
    assert not {"000004", "4"} & set(loaded.faces.subjects)


def test_hidden_points_are_told_by_the_file_beside_rendered_sets(root):
    flags = np.random.default_rng(0).random(70) < 0.5
    visibility.write(root, {"000003": flags})
    for faces in (facesynthetics.load(root, RGB).faces, tfake.load(root, THERMAL).faces):
        mask = faces.subjects == "000003"
        assert mask.any() and (faces.visible[mask] == flags).all() and faces.visible[~mask].all()


def test_warm_and_cold_share_labels_and_split(root):
    faces = tfake.load(root, THERMAL).faces
    assert len(faces) == 24
    assert faces.ids[:2].tolist() == ["000000/cold", "000000/warm"]
    assert faces.strata["ambient"][:2].tolist() == ["cold", "warm"]
    for name in np.unique(faces.subjects):
        rows = faces.subjects == name
        assert len(set(faces.splits[rows])) == 1
        assert np.ptp(faces.xy[rows], axis=0).max() == 0


def test_thermal_split_equals_rgb_split(root):
    rgb, thermal = facesynthetics.load(root, RGB).faces, tfake.load(root, THERMAL).faces
    split = dict(zip(rgb.ids, rgb.splits, strict=True))
    assert all(split[s] == t for s, t in zip(thermal.subjects, thermal.splits, strict=True))


def test_ids_and_splits_do_not_hang_on_padding(root):
    """Neither those of RGB pictures nor of thermal ones; the ids of both go on to be the same."""
    before = [module.load(root, config).faces for module, config in ((facesynthetics, RGB), (tfake, THERMAL))]
    for path in [*root.rglob("0*.png"), *root.rglob("0*_ldmks.txt")]:
        path.rename(path.with_name(path.name.lstrip("0") if path.name[:6].strip("0") else path.name[5:]))
    assert [path for path in root.rglob("3*")] and not [*root.rglob("00*")]
    after = [module.load(root, config).faces for module, config in ((facesynthetics, RGB), (tfake, THERMAL))]
    for one, two in zip(before, after, strict=True):
        for name in ("ids", "subjects", "splits", "xy"):
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name), name)


def test_ids_meet_however_they_are_padded(root):
    (root / "warm/some/depth/000005_thermal.png").rename(root / "warm/5_thermal.png")
    faces = tfake.load(root, THERMAL).faces
    assert "000005/warm" in faces.ids


def test_one_condition_may_be_absent_and_is_listed(root):
    (root / "cold/000002_thermal.png").unlink()
    write_thermal(root / "cold", "000099")
    write_thermal(root / "cold/twice", "000003")
    lists = tfake.load(root, THERMAL).findings.lists
    assert lists["missing_image"] == ["000002/cold"]
    assert lists["missing_annotation"] == ["000099/cold"]
    assert lists["duplicate_image"] == ["cold/twice/000003_thermal.png"]


def test_sixteen_bits_become_degrees(root):
    celsius = tfake.read(root / "warm/some/depth/000001_thermal.png", THERMAL)
    assert celsius.dtype == np.float32
    np.testing.assert_allclose(celsius, 20 + 20 * 40001 / 65535, rtol=1e-6)
    write_thermal(root / "warm", "8bit", 200, np.uint8)
    with pytest.raises(DataError, match="8bit_thermal"):
        tfake.read(root / "warm/8bit_thermal.png", THERMAL)


def test_nothing_and_empty_splits_are_errors(tmp_path, root):
    with pytest.raises(DataError, match="no labelled thermal picture"):
        tfake.load(root, tfake.Config(raw="r", warm="hot", cold="icy"))
    with pytest.raises(DataError, match="no labelled FaceSynthetics"):
        facesynthetics.load(root / "warm", RGB)
    with pytest.raises(DataError, match="split"):
        facesynthetics.load(root, facesynthetics.Config(raw="r", split=Fractions(val=1e-9, test=1e-9)))


def checks(loaded):
    return {check.name: check for check in loaded.findings.checks}


def test_a_complete_tree_passes_its_checks(root):
    for loaded, names in (
        (facesynthetics.load(root, RGB), ["pictures", "ids of picture and label files", "labels"]),
        (
            tfake.load(root, THERMAL),
            [
                "thermal files",
                "ids of warm and cold files",
                "ids of thermal and label files",
                "ids of label and RGB files",
            ],
        ),
    ):
        assert list(checks(loaded)) == names
        assert {check.verdict for check in loaded.findings.checks} == {"ok"}
    assert tfake.load(root, THERMAL).findings.facts == {
        "ids": {"warm": 12, "cold": 12, "labels": 12, "rgb": 12},
        "published_size": 100,
    }
    assert facesynthetics.load(root, RGB).findings.facts == {"ids": 12, "published_size": 100}


def test_counts_of_rendered_sets_are_not_those_of_a_release(root):
    origin.mark_rendered(root, RGB)
    for module, config in ((tfake, THERMAL), (facesynthetics, RGB)):
        findings = module.load(root, config).findings
        assert findings.facts == {}
        assert {check.verdict for check in findings.checks} == {"ok"}


def test_rgb_pictures_are_eight_bit(root):
    folder = root / "facesynthetics/dataset_100"
    cv2.imwrite(str(folder / "000001.png"), np.zeros((64, 64), np.uint8))
    grey = checks(facesynthetics.load(root, RGB))["pictures"]
    assert grey.verdict == "warning" and "000001.png is 8-bit grey" in grey.found
    cv2.imwrite(str(folder / "000002.png"), np.zeros((64, 64, 3), np.uint16))
    deep = checks(facesynthetics.load(root, RGB))["pictures"]
    assert deep.verdict == "failed" and "000002.png is 16-bit RGB" in deep.found


def test_archives_of_different_sizes_fail(root):
    for index in range(12, 40):
        write_thermal(root / "warm/thermal_1k", f"{index:06d}")
        write_labels(root / "facesynthetics/dataset_1000", f"{index:06d}", points(index))
    results = checks(tfake.load(root, THERMAL))
    warm = results["ids of warm and cold files"]
    assert (warm.verdict, warm.found) == ("failed", "12 in both, 28 only warm, 0 only cold")
    assert results["ids of thermal and label files"].verdict == "ok"
    rgb = results["ids of label and RGB files"]
    assert (rgb.verdict, rgb.found) == ("failed", "12 in both, 28 only label, 0 only RGB")


def test_a_few_ids_that_do_not_meet_are_a_warning(root):
    (root / "cold/000002_thermal.png").unlink()
    (root / "facesynthetics/dataset_100/000003.png").unlink()
    write_thermal(root / "warm", "000099")
    results = checks(tfake.load(root, THERMAL))
    assert results["ids of warm and cold files"].found == "11 in both, 2 only warm, 0 only cold"
    assert results["ids of thermal and label files"].found == "12 in both, 1 only thermal, 0 only label"
    assert results["ids of label and RGB files"].found == "11 in both, 1 only label, 0 only RGB"
    assert {results[name].verdict for name in results if name.startswith("ids")} == {"warning"}
    assert checks(facesynthetics.load(root, RGB))["ids of picture and label files"].verdict == "warning"


def test_thermal_pictures_without_labels_fail(root):
    for index in range(5, 12):
        (root / f"facesynthetics/dataset_100/{index:06d}_ldmks.txt").unlink()
    loaded = tfake.load(root, THERMAL.model_copy(update={"split": Fractions(val=0, test=0.3)}))
    check = checks(loaded)["ids of thermal and label files"]
    assert (check.verdict, check.found) == ("failed", "5 in both, 7 only thermal, 0 only label")


def test_more_labels_than_thermal_pictures_are_a_warning(root):
    """FaceSynthetics of the next larger size serves as well."""
    for index in range(12, 40):
        write_labels(root / "facesynthetics/dataset_1000", f"{index:06d}", points(index))
    check = checks(tfake.load(root, THERMAL))["ids of thermal and label files"]
    assert (check.verdict, check.found) == ("warning", "12 in both, 0 only thermal, 28 only label")


def test_labels_of_another_kind_fail(root):
    for index in range(7):
        write_labels(root / "facesynthetics/dataset_100", f"{index:06d}", points(index)[:68])
    check = checks(facesynthetics.load(root, RGB.model_copy(update={"split": Fractions(val=0, test=0.4)})))[
        "labels"
    ]
    assert (check.verdict, check.found) == ("failed", "70 points in 5 of 12 label files")


def test_archives_may_nest_folders(root):
    """As an archive unpacks one folder level deeper than the others."""
    before = tfake.load(root, THERMAL), facesynthetics.load(root, RGB)
    (root / "cold").rename(root / "thermal_100")
    (root / "cold").mkdir()
    (root / "thermal_100").rename(root / "cold/thermal_100")
    for old, new in zip(before, (tfake.load(root, THERMAL), facesynthetics.load(root, RGB)), strict=True):
        assert new.findings == old.findings
        assert new.faces.ids.tolist() == old.faces.ids.tolist()
    assert tfake.load(root, THERMAL).frames.paths[0] == "cold/thermal_100/000000_thermal.png"


def test_a_condition_inside_of_the_others_folder_is_its_own(root):
    (root / "cold").rename(root / "warm/cold")
    inner = tfake.load(root, THERMAL.model_copy(update={"cold": "warm/cold/"}))
    assert inner.faces.strata["ambient"].tolist() == ["cold", "warm"] * 12
    assert inner.frames.paths[0] == "warm/cold/000000_thermal.png"


def test_thermal_pictures_of_no_condition_are_listed(root):
    write_thermal(root / "thermal_1k", "000001")
    lists = tfake.load(root, THERMAL).findings.lists
    assert lists == {"neither_warm_nor_cold": ["thermal_1k/000001_thermal.png"]}


def test_the_real_samples(mirror):
    loaded = facesynthetics.load(mirror("facesynthetics_100"), facesynthetics.Config(raw="r"))
    assert len(loaded.faces) == len(loaded.frames) == 100
    assert loaded.findings.summary()["found"] == {}
    eyes = loaded.faces.xy[:, [36, 45], 0]
    assert (eyes[:, 0] < eyes[:, 1]).mean() > 0.9  # the subject's right comes first, image-left
    width = loaded.faces.boxes[:, 2] - loaded.faces.boxes[:, 0]
    assert 120 < np.median(width) < 220
    assert {check.verdict for check in loaded.findings.checks} == {"ok"}
    assert loaded.findings.facts == {"ids": 100, "published_size": 100}
