"""FaceSynthetics and T-FAKE with dense labels, hand-made in their layouts."""

import pickle

import cv2
import numpy as np
import pytest

from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.datasets import facesynthetics, tfake
from thermark.datasets.checks.splits import Fractions
from thermark.datasets.prepare import packing
from thermark.datasets.prepare.reading import CropConfig

SIDE = 64
HALVES = Fractions(val=0.3, test=0.3)
BOTH = [facesynthetics, tfake]
either = pytest.mark.parametrize("dataset", BOTH, ids=["facesynthetics", "tfake"])


def config(dataset, labels="dense"):
    return dataset.Config(raw="r", split=HALVES, labels=labels)


def points(index, count=478) -> np.ndarray:
    return np.random.default_rng(index).uniform(0.2, 0.8, (count, 3))


def picture(path, shape, dtype, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape).astype(dtype))


@pytest.fixture
def root(tmp_path):
    """Twelve ids with pictures and dense labels, ten of them with sparse ones that agree with nothing."""
    for index in range(12):
        name = f"{index:06d}"
        picture(tmp_path / f"fake/{name}.png", (SIDE, SIDE, 3), np.uint8, index)
        picture(tmp_path / f"warm/{name}_thermal.png", (SIDE, SIDE), np.uint16, 100 + index)
        picture(tmp_path / f"cold/{name}_thermal.png", (SIDE, SIDE), np.uint16, 200 + index)
        if index < 10:
            lines = "".join(f"{x:.3f} {y:.3f}\n" for x, y in SIDE * points(50 + index, 70)[:, :2])
            (tmp_path / f"fake/{name}_ldmks.txt").write_text(lines)
    dense(tmp_path, {f"{index:06d}.png": points(index) for index in range(12)})
    return tmp_path


def dense(root, entries):
    (root / "annotations.pkl").write_bytes(pickle.dumps(entries))


@either
def test_each_picture_gets_its_dense_labels(dataset, root):
    faces = dataset.load(root, config(dataset)).faces
    assert len(faces) == (12 if dataset is facesynthetics else 24)
    assert set(faces.vocabularies) == {"mediapipe478"}
    for subject, xy, box in zip(faces.subjects, faces.xy, faces.boxes, strict=True):
        expected = points(int(subject))[:, :2] * SIDE - 0.5
        np.testing.assert_allclose(xy, expected, atol=1e-4)
        np.testing.assert_allclose(box, [*expected.min(axis=0), *expected.max(axis=0)], atol=1e-4)


@either
def test_splits_are_those_of_sparse_labels(dataset, root):
    one, other = (dataset.load(root, config(dataset, labels)).faces for labels in ("dense", "sparse"))
    split = dict(zip(one.ids, one.splits, strict=True))
    assert len(other) and all(split[name] == part for name, part in zip(other.ids, other.splits, strict=True))


@either
def test_sparse_labels_are_compared_with_and_not_needed(dataset, root):
    findings = dataset.load(root, config(dataset)).findings
    assert findings.facts["dense_against_sparse"]["faces"] == 10
    assert [check.verdict for check in findings.checks if check.name == "dense against sparse labels"] == [
        "warning"
    ]
    for path in root.rglob("*_ldmks.txt"):
        path.unlink()
    loaded = dataset.load(root, config(dataset))
    assert "dense_against_sparse" not in loaded.findings.facts
    assert {check.verdict for check in loaded.findings.checks} == {"ok"}
    assert loaded.findings.lists == {}
    with pytest.raises(DataError, match="no labelled"):
        dataset.load(root, config(dataset, "sparse"))


@either
def test_pictures_without_dense_labels_are_listed(dataset, root):
    entries = {f"{index:06d}.png": points(index) for index in range(11)} | {"000003.png": points(3)[:400]}
    dense(root, entries)
    loaded = dataset.load(root, config(dataset))
    assert not {"000003", "000011"} & set(loaded.faces.subjects)
    missing = loaded.findings.lists["missing_annotation"]
    assert {name[:6] for name in missing} == {"000003", "000011"}
    assert loaded.findings.lists["bad_annotation"] == [
        "000003 in annotations.pkl is an array of (400, 3) instead of (478, 2)"
    ]


@either
def test_dense_labels_are_left_alone_unless_asked_for(dataset, root):
    (root / "annotations.pkl").write_bytes(b"damaged")
    assert set(dataset.load(root, config(dataset, "sparse")).faces.vocabularies) == {"facesynthetics70"}
    assert set(dataset.load(root, dataset.Config(raw="r", split=HALVES)).faces.vocabularies) == {
        "facesynthetics70"
    }
    with pytest.raises(DataError, match=r"annotations\.pkl is no whole pickle"):
        dataset.load(root, config(dataset))
    with pytest.raises(ConfigError, match="labels"):
        parse({"raw": "r", "labels": "thick"}, dataset.Config, "datasets.x")


def test_the_split_of_unpadded_thermal_files_is_that_of_rgb_ones(root):
    rgb = facesynthetics.load(root, config(facesynthetics)).faces
    for path in [*root.rglob("*_thermal.png"), *root.rglob("*_ldmks.txt"), *root.rglob("fake/*.png")]:
        name = path.name
        if "_thermal" in name:
            path.rename(path.with_name(f"{int(name[:6])}{name[6:]}"))
        else:
            path.unlink()
    thermal = tfake.load(root, config(tfake)).faces
    split = dict(zip(rgb.ids, rgb.splits, strict=True))
    assert len(set(thermal.splits)) == 3 and len(thermal) == 24
    assert [split[who] for who in thermal.subjects] == thermal.splits.tolist()
    assert set(thermal.ids) == {f"{name}/{suffix}" for name in rgb.ids for suffix in ("warm", "cold")}


def test_ids_meet_however_they_are_padded(root):
    (root / "warm/000005_thermal.png").rename(root / "warm/5_thermal.png")
    for path in root.rglob("*_ldmks.txt"):
        path.unlink()
    faces = tfake.load(root, config(tfake)).faces
    assert len(faces) == 24 and len(set(faces.subjects)) == 12


@either
def test_they_can_be_prepared(dataset, root, tmp_path):
    out = tmp_path / "out"
    report = packing.pack(
        dataset, root, config(dataset), CropConfig(size=32), out / "set", out / "report.json", out / "split.csv", 1
    )
    assert report["vocabularies"] == {"mediapipe478": report["faces"]}
    assert report["facts"]["dense_labels"]["entries"] == 12
