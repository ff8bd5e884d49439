"""T-FAKE's dense labels: pixels from normalised coordinates, what is left out, agreement with sparse labels."""

import pickle

import cv2
import numpy as np
import pytest

from thermark import landmarks
from thermark.core.errors import DataError
from thermark.datasets.checks import agreement
from thermark.datasets.checks.splits import Fractions
from thermark.datasets.readers import dense, ldmks
from thermark.datasets.readers.loaded import Findings
from thermark.models import mediapipe
from thermark.models.inference.quiet import quiet

SIZE = (512, 512)
HALVES = Fractions(val=0.3, test=0.3)


def points(seed, columns=3) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.2, 0.8, (478, columns))


def written(root, entries, name="annotations.pkl", protocol=4):
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(pickle.dumps(entries, protocol=protocol))
    return root


def verdicts(findings) -> dict[str, str]:
    return {check.name: check.verdict for check in findings.checks}


def loaded(root, names, size=SIZE):
    findings = Findings()
    return dense.labels(root, names, size, findings), findings


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("as_stored", [np.float64, np.float32, np.ndarray.tolist], ids=["f8", "f4", "lists"])
def test_normalised_coordinates_become_pixels(protocol, as_stored, tmp_path):
    """The middle of the leftmost of 512 pixels is at 0.5 / 512, which is pixel 0."""
    xyz = points(0)
    xyz[0] = 0.5 / 512, 511.5 / 512, -1
    stored = as_stored(xyz) if as_stored is np.ndarray.tolist else xyz.astype(as_stored)
    labels, findings = loaded(written(tmp_path, {"000007.png": stored}, protocol=protocol), ["000007"])
    assert labels["000007"].dtype == np.float32 and labels["000007"].shape == (478, 2)
    np.testing.assert_allclose(labels["000007"][0], (0, 511), atol=1e-4)
    np.testing.assert_allclose(labels["000007"], xyz[:, :2] * 512 - 0.5, atol=1e-4)
    assert findings.lists == {} and set(verdicts(findings).values()) == {"ok"}


def test_width_and_height_are_not_exchanged(tmp_path):
    xy = points(1, 2)
    labels, _ = loaded(written(tmp_path, {"000000.png": xy}), ["000000"], (640, 480))
    np.testing.assert_allclose(labels["000000"], xy * (640, 480) - 0.5, atol=1e-4)


def test_only_what_is_asked_for_is_returned_however_it_is_padded(tmp_path):
    root = written(tmp_path, {f"{index:06d}.png": points(index) for index in range(8)}, "labels/annotations.pkl")
    labels, findings = loaded(root, ["3", "000005", "000099"])
    assert set(labels) == {"3", "000005"}
    np.testing.assert_allclose(labels["3"], points(3)[:, :2] * 512 - 0.5, atol=1e-4)
    assert findings.facts["dense_labels"] == {"file": "labels/annotations.pkl", "entries": 8, "used": 2}


def test_entries_without_points_are_noted_and_left_out(tmp_path):
    nothing, few = np.full((478, 3), np.nan), points(2)
    few[5, 0], few[6, 1] = np.nan, np.inf
    bad = {
        "a": points(0)[:468], "b": points(0).T, "c": points(0)[None], "d": np.zeros((478, 3)), "e": nothing,
        "f": points(0)[:, :1], "g": "text\nand more", "h": {"x": 1}, "i": [[0.1, 0.2], [0.3]], "j": None, "k": 0.5,
    }  # fmt: skip
    entries = {f"{name}.png": value for name, value in bad.items()} | {"000001.png": few}
    labels, findings = loaded(written(tmp_path, entries), [*bad, "000001"])
    assert set(labels) == {"000001"}
    assert np.flatnonzero(np.isnan(labels["000001"]).any(axis=1)).tolist() == [5, 6]
    notes = findings.lists["bad_annotation"]
    assert [note.split(" in ")[0] for note in notes] == list(bad)
    assert notes[0] == "a in annotations.pkl is an array of (468, 3) instead of (478, 2)"
    assert not any("\n" in note for note in notes)
    assert verdicts(findings)["dense labels"] == "failed"


@pytest.mark.parametrize("wrong, verdict", [(0, "ok"), (1, "warning"), (3, "failed")])
@pytest.mark.parametrize("factor", [512, 1 / 512, -1], ids=["pixels", "twice normalised", "negative"])
def test_coordinates_of_another_unit_are_found_out(wrong, verdict, factor, tmp_path):
    entries = {f"{index}.png": points(index) * (factor if index < wrong else 1) for index in range(4)}
    _, findings = loaded(written(tmp_path, entries), list("0123"))
    assert verdicts(findings)["unit of dense labels"] == verdict


def test_a_face_at_the_edge_is_no_other_unit(tmp_path):
    _, findings = loaded(written(tmp_path, {"0.png": points(0) - 0.5}), ["0"])
    assert verdicts(findings)["unit of dense labels"] == "ok"


def test_there_is_one_file(tmp_path):
    with pytest.raises(DataError, match=r"no annotations\.pkl"):
        loaded(tmp_path, ["0"])
    written(tmp_path, {"0.png": points(0)}, "a/annotations.pkl")
    written(tmp_path, {"0.png": points(0), "000.png": points(1)}, "b/annotations.pkl")
    with pytest.raises(DataError, match=r"both a/annotations\.pkl and b/annotations\.pkl"):
        loaded(tmp_path, ["0"])
    labels, findings = loaded(tmp_path / "b", ["0"])
    assert findings.lists == {"duplicate_id": ["000.png in annotations.pkl"]}
    np.testing.assert_allclose(labels["0"], points(0)[:, :2] * 512 - 0.5, atol=1e-4)


def test_the_size_is_that_of_all_pictures(tmp_path):
    for name, shape in {"a.png": (6, 4), "b.png": (6, 4), "c.png": (4, 6)}.items():
        cv2.imwrite(str(tmp_path / name), np.zeros(shape, np.uint16))
    (tmp_path / "d.png").write_bytes(b"no picture")
    assert dense.picture_size(tmp_path, ["a.png", "b.png", "d.png"]) == (4, 6)
    with pytest.raises(DataError, match=r"a\.png \(4 x 6\) and c\.png \(6 x 4\)"):
        dense.picture_size(tmp_path, ["a.png", "c.png"])
    for files in ([], ["d.png"]):
        with pytest.raises(DataError, match="no picture can be read"):
            dense.picture_size(tmp_path, files)


def test_faces_are_split_and_boxed_like_sparse_ones(tmp_path):
    ids = np.array([f"{index:06d}" for index in range(40)])
    xy = np.stack([points(index, 2) for index in range(40)]).astype(np.float32)
    xy[3, 7] = np.nan
    faces = ldmks.faces("mediapipe478", ids, ids, xy, tmp_path, HALVES)
    sparse = ldmks.faces("facesynthetics70", ids, ids, xy[:, :70], tmp_path, HALVES)
    assert faces.splits.tolist() == sparse.splits.tolist()
    assert set(faces.vocabularies) == {"mediapipe478"}
    np.testing.assert_array_equal(faces.boxes[3], [*np.nanmin(xy[3], axis=0), *np.nanmax(xy[3], axis=0)])
    assert np.argwhere(~faces.visible).tolist() == [[3, 7]]


def test_boxes_are_made_in_parts(tmp_path):
    xy = np.random.default_rng(0).uniform(0, 512, (2345, 478, 2)).astype(np.float32)
    ids = np.array([str(index) for index in range(2345)])
    boxes = ldmks.faces("mediapipe478", ids, ids, xy, tmp_path, HALVES).boxes
    np.testing.assert_array_equal(boxes, np.concatenate([xy.min(axis=1), xy.max(axis=1)], axis=-1))


def test_the_places_that_both_mean_are_those_of_the_bridge():
    """Preparing reads no vocabulary; what is known here must agree with the bridge's default."""
    weights = landmarks.weights("mediapipe478", "ibug68")
    assert {int(weights[row].argmax()): row for row in agreement.SAME.values()} == agreement.SAME
    assert all(weights[row].max() == 1 for row in agreement.SAME.values())
    assert landmarks.load("facesynthetics70").interocular == agreement.EYES
    assert landmarks.load("facesynthetics70").points[:68] == landmarks.load("ibug68").points
    assert dense.SCHEMES["mediapipe478"].eyes == landmarks.load("mediapipe478").interocular


def both(count=5, noise=0.0) -> tuple[dict, dict]:
    """Return dense and sparse labels of the same faces, eyes 100 px apart, dense ones `noise` px to the right."""
    mesh, rows = {}, {}
    for index in range(count):
        shape = np.random.default_rng(index).uniform(100, 300, (70, 2)).astype(np.float32)
        shape[36], shape[45] = (150, 200), (250, 200)
        full = np.full((478, 2), np.nan, np.float32)
        full[list(agreement.SAME)] = shape[list(agreement.SAME.values())] + (noise, 0)
        mesh[str(index)], rows[str(index)] = full, shape
    return mesh, rows


@pytest.mark.parametrize("noise, verdict", [(0.0, "ok"), (3.0, "ok"), (14.9, "ok"), (15.1, "warning")])
def test_agreement_is_measured_in_distances_between_the_eyes(noise, verdict):
    findings = Findings()
    agreement.compare(*both(noise=noise), findings)
    fact = findings.facts["dense_against_sparse"]
    assert fact == pytest.approx({"faces": 5, "distance": noise / 100, "dx": noise, "dy": 0}, abs=1e-4)
    assert verdicts(findings) == {"dense against sparse labels": verdict}


def test_of_many_files_some_are_compared_and_damaged_ones_do_not_matter(tmp_path, monkeypatch):
    monkeypatch.setattr(agreement, "FILES", 4)
    mesh, rows = both(12)
    for name, xy in rows.items():
        (tmp_path / name).write_text("".join(f"{x:.3f} {y:.3f}\n" for x, y in xy[: 60 if name == "3" else 70]))
    findings = Findings()
    agreement.compare_files(mesh, {name: tmp_path / name for name in [*rows, "99"]}, findings)
    assert findings.facts["dense_against_sparse"]["faces"] == 3  # 0, 3, 6 and 9 are read
    assert findings.facts["dense_against_sparse"]["distance"] < 1e-4
    assert findings.lists == {}


def test_exchanged_axes_are_named():
    mesh, rows = both()
    findings = Findings()
    agreement.compare({name: xy[:, ::-1] for name, xy in mesh.items()}, rows, findings)
    (check,) = findings.checks
    assert check.verdict == "warning" and "with x and y exchanged 0.0%" in check.found


def test_nothing_to_compare_is_no_finding_and_nothing_known_a_warning():
    mesh, rows = both()
    findings = Findings()
    agreement.compare(mesh, {}, findings)
    agreement.compare({}, rows, findings)
    assert (findings.facts, findings.checks) == ({}, [])
    agreement.compare({name: xy * np.nan for name, xy in mesh.items()}, rows, findings)
    assert verdicts(findings) == {"dense against sparse labels": "warning"}


@pytest.mark.slow
def test_a_real_landmarker_agrees_with_real_labels(mirror, tmp_path):
    """Dense labels as their authors may have made them, of pictures that they have made them of."""
    pytest.importorskip("mediapipe")
    task, folder = mirror("face_landmarker.task"), mirror("facesynthetics_100")
    config = mediapipe.Config(family="mediapipe", weights="w", file=task.name, task="landmarker", faces=1)
    entries = {}
    with quiet():
        package, landmarker = mediapipe.opened(config, task)
        with mediapipe.MediaPipe(config, package, landmarker):
            for path in sorted(folder.glob("??????.png")):
                picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
                image = package.Image(image_format=package.ImageFormat.SRGB, data=picture)
                for face in landmarker.detect(image).face_landmarks:
                    entries[path.name] = np.array([(point.x, point.y, point.z) for point in face])
    assert len(entries) > 80  # it misses some, and so will the published labels
    names = [name.removesuffix(".png") for name in entries]
    labels, findings = loaded(written(tmp_path, entries), names)
    agreement.compare(labels, ldmks.read_all({n: folder / f"{n}_ldmks.txt" for n in names}, findings), findings)
    fact = findings.facts["dense_against_sparse"]
    assert fact["faces"] == len(entries) and fact["distance"] < 0.06  # measured: 0.038
    assert max(abs(fact["dx"]), abs(fact["dy"])) < 1.5  # measured: -0.7 and -0.5 px
    assert set(verdicts(findings).values()) == {"ok"} and findings.lists == {}
