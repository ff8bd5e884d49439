"""A head's predictions as labels: where they land, what is left out, and that the training engine reads them."""

import json
import shutil

import numpy as np
import pytest
import torch

import drawn_faces
import tiny_runs
from thermark.core import files, geometry
from thermark.core.config import parse
from thermark.core.errors import DataError
from thermark.core.faces import open_set
from thermark.core.frames import Frames
from thermark.fewshot import crops as crop_sets
from thermark.fewshot import features, model, pseudo_labels
from thermark.fewshot.tiny_head import TinyHead
from thermark.train import data, supervision
from thermark.train import run as supervised_run
from thermark.train.recipes import supervised

SIDE, GRID = 64, 64
CONFIG = {"head": "head_x", "backbone": "fake", "crops": "cut", "faces": "noses", "min_score": 0.5}
ABOUT = {"family": "fake", "weights": "w"}
FACES, MISS = 20, 3  # the head sees nothing in row 3
OFF = np.array([3, 4])  # px by which the head is wrong
PUBLISHED = (2, 3, 4, 5, 10)


def part(row: int) -> str:
    return "test" if row % 10 == 1 else "val" if row % 5 == 0 else "train"


@pytest.fixture
def root(tmp_path):
    """Write faces with one labelled point, crops that stretch them, and a head that repeats its features."""
    rng = np.random.default_rng(0)
    drawn_faces.write(tmp_path / "noses", FACES, SIDE)
    faces, _ = open_set(tmp_path / "noses")
    noses = faces.take(np.arange(FACES))
    object.__setattr__(noses, "xy", faces.xy[:, 30:31])
    object.__setattr__(noses, "visible", faces.visible[:, :1])
    object.__setattr__(noses, "vocabularies", np.full(FACES, "nose1"))
    # The face set's own splits say nothing here.
    object.__setattr__(noses, "splits", np.full(FACES, "test"))
    noses.save(tmp_path / "noses" / "faces.npz")
    sizes = np.full((FACES + 1, 2), 300, np.int32)
    names = np.append(noses.frames, "empty")
    Frames(names, names, names, sizes, "thermal").save(tmp_path / "noses" / "frames.npz")
    files.write_json(tmp_path / "noses" / "card.json", {"name": "noses"})

    rows = np.arange(FACES)[::-1].copy()
    crop_xy = rng.uniform(10, SIDE - 10, (FACES, 1, 2))
    scale = rng.uniform(0.5, 2, (FACES, 2))
    to_frame = np.zeros((FACES, 2, 3))
    to_frame[:, [0, 1], [0, 1]] = scale
    to_frame[:, :, 2] = noses.xy[rows, 0] - scale * crop_xy[:, 0]
    (tmp_path / "cut").mkdir()
    arrays = {
        "rows": rows,
        "frames": noses.frames[rows],
        "subjects": noses.subjects[rows],
        "parts": np.array([part(row) for row in rows]),
        "published": np.isin(rows, PUBLISHED),
        "xy": crop_xy,
        "to_frame": to_frame,
    }
    files.write_arrays(tmp_path / "cut" / "crops.npz", arrays)
    np.save(tmp_path / "cut" / "pixels.npy", np.zeros((FACES, SIDE, SIDE), np.uint8))
    about = {"faces": "noses", "vocabulary": "nose1", "geometry": "posts", "padding": 1.25, "side": SIDE}
    files.write_json(tmp_path / "cut" / "crops.json", about | {"fingerprint": "f" * 64})

    # Features of one channel, 1 where the head is to say that the point is: at 3 px right of and 4 px below it.
    maps = np.zeros((FACES, 1, GRID, GRID), np.float16)
    for index, row in enumerate(rows):
        x, y = np.rint(crop_xy[index, 0] + 0.5).astype(int) + OFF
        maps[index, 0, y, x] = 0.1 if row == MISS else 1
    (tmp_path / "seen/cut").mkdir(parents=True)
    np.save(tmp_path / "seen/cut" / features.ARRAY, maps)
    card = {"dtype": "float16", "shape": list(maps.shape), "backbone": ABOUT, "sha256": "b" * 64}
    card |= {"precision": "fp32", "trained_on": [], "crops": "f" * 64}
    files.write_json(tmp_path / "seen/cut" / features.CARD, card)
    write_head(tmp_path / "models" / "head_x" / "seed0")
    return tmp_path


def write_head(folder, **changed):
    folder.mkdir(parents=True)
    head = TinyHead(1, 1, GRID).eval()
    with torch.no_grad():
        for weight in head.parameters():
            weight.zero_()
        for norm in (head.norm1, head.norm2):
            norm.weight.fill_(1)
        # Far from zero, GELU is the identity: 10 x the feature goes through the first channels.
        head.conv1.weight[0, 0], head.conv2.weight[0, 0, 1, 1], head.conv3.weight[0, 0] = 10, 1, 0.1
    about = {
        **{"vocabulary": "nose1", "points": 1, "channels": 1, "size": GRID, "side": SIDE, "geometry": "posts"},
        **{"padding": 1.25, "decode": "argmax", "sigma": 2.0, "backbone": ABOUT, "backbone_sha256": "b" * 64},
        **{"trained_on": ["noses"], "labels": 3, "labels_val": 2, "seed": 0, "best_epoch": 1, "val_error": 5.0},
    }
    model.write(folder, model.HeadCard(**(about | changed)), head.state_dict())


def teach(root, **changed):
    config = parse(CONFIG | changed, pseudo_labels.Config, "pseudo.x")
    out = root / "pseudo" / "noses"
    report = root / "pseudo.json"
    pseudo_labels.build(config, root / "models", root / "cut", root / "seen", root / "noses", out, report)
    first = out if config.source == "true" else out / "seed0"
    return open_set(first), json.loads(report.read_text())


def test_pseudo_labels_land_in_the_frame(root):
    (faces, packed), _ = teach(root)
    true, whole = open_set(root / "noses")
    crops = crop_sets.read(root / "cut")
    assert sorted(faces.ids) == sorted(str(true.ids[row]) for row in range(FACES) if part(row) != "test")
    for index, name in enumerate(faces.ids):
        row = int(np.flatnonzero(true.ids == name)[0])
        at = int(np.flatnonzero(crops.rows == row)[0])
        assert faces.splits[index] == part(row) and faces.frames[index] == true.frames[row]
        assert (faces.prompts[index] == true.prompts[row]).all()
        assert (packed.pixels[index] == whole.pixels[row]).all()
        assert (packed.to_source[index] == whole.to_source[row]).all()
        if part(row) == "val":
            wanted = true.xy[row]
        elif row == MISS:
            wanted = np.full((1, 2), np.nan)
        else:
            # Heat-map pixel i lies i px from the outline of a crop that is as large as the map.
            point = np.rint(crops.xy[at] + 0.5) + OFF - 0.5
            wanted = geometry.apply(crops.to_frame[at], point)
        np.testing.assert_allclose(faces.xy[index], wanted, atol=1e-3)
        assert faces.visible[index].tolist() == np.isfinite(wanted).all(axis=-1).tolist()
    assert set(faces.vocabularies) == {"nose1"} and packed.padding == whole.padding


def test_the_teacher_is_called_to_account(root):
    (faces, _), report = teach(root)
    true, _ = open_set(root / "noses")
    pool = [row for row in range(FACES) if part(row) == "train"]
    place = {name: index for index, name in enumerate(true.ids)}
    apart = {
        place[name]: float(np.hypot(*(xy[0] - true.xy[place[name], 0])))
        for name, xy in zip(faces.ids, faces.xy, strict=True)
        if place[name] in pool and place[name] != MISS
    }
    assert (report["points"], report["labels"]) == (len(pool), len(pool) - 1)
    assert report["native_mean"] == pytest.approx(np.mean(list(apart.values())), rel=1e-4)
    assert report["native_median"] == pytest.approx(np.median(list(apart.values())), rel=1e-4)
    others = [error for row, error in apart.items() if row not in PUBLISHED]
    assert report["unseen"]["labels"] == len(others)
    assert report["unseen"]["native_mean"] == pytest.approx(np.mean(others), rel=1e-4)
    assert report["head"] == "head_x" and report["min_score"] == 0.5


def test_a_low_bar_keeps_every_prediction(root):
    (faces, _), report = teach(root, min_score=-1.0)
    assert np.isfinite(faces.xy).all() and report["labels"] == report["points"]


def test_the_control_has_the_published_labels_and_asks_no_head(root):
    shutil.rmtree(root / "models")
    shutil.rmtree(root / "seen")
    (faces, _), report = teach(root, source="true")
    true, _ = open_set(root / "noses")
    place = {name: index for index, name in enumerate(true.ids)}
    labelled = {
        place[n]
        for n, split, xy in zip(faces.ids, faces.splits, faces.xy, strict=True)
        if split == "train" and np.isfinite(xy).all()
    }
    assert labelled == {row for row in PUBLISHED if part(row) == "train"} == {2, 3, 4}
    assert (report["labels"], report["native_mean"]) == (3, pytest.approx(0, abs=1e-4))
    assert report["unseen"] == {"points": 11, "labels": 0, "native_mean": None, "native_median": None}


def test_frames_are_those_of_the_crops(root):
    teach(root)
    frames = Frames.open(root / "pseudo/noses/seed0/frames.npz")
    assert len(frames) == sum(part(row) != "test" for row in range(FACES)) and frames.modality == "thermal"
    assert (root / "pseudo/noses/seed0/card.json").read_text() == (root / "noses" / "card.json").read_text()


def test_the_engine_learns_from_pseudo_labels_and_gives_none_no_weight(root):
    teach(root)
    data.check_labels(root / "pseudo", ["noses/seed0"], "nose1")
    samples = data.gather(root / "pseudo", ["noses/seed0"], "train", "nose1", 64, 1.25)
    assert len(samples) == sum(part(row) == "train" for row in range(FACES)) - 1
    assert samples.weight.min() == 1
    assert data.fingerprint(root / "pseudo", ["noses/seed0"]) != data.fingerprint(root, ["noses"])
    options = tiny_runs.TINY | {"train": "noses", "labels": "nose1", "vocabulary": "nose1", "size": "mobilenet_v2"}
    config = parse(options | {"recipe": "supervised", "epochs": 1, "batch": 4}, supervised.Config, "x")
    done = supervision.train(config, 0, root / "pseudo", root / "state", ["noses"])
    assert done.card.trained_on == ["noses"] and np.isfinite(done.card.val_nme)


def test_each_seed_of_a_head_labels_for_the_student_of_that_seed(root):
    """The second head's backbone sees the first one's points a cell further right."""
    write_head(root / "models/head_x/seed2", seed=2, backbone_sha256="c" * 64)
    for seed, sha256 in ((0, "b"), (2, "c")):
        folder = root / f"seen/seed{seed}/cut"
        shutil.copytree(root / "seen/cut", folder)
        np.save(folder / features.ARRAY, np.roll(np.load(folder / features.ARRAY), seed // 2, axis=3))
        files.write_json(folder / features.CARD, files.read_json(folder / features.CARD) | {"sha256": sha256 * 64})
    shutil.rmtree(root / "seen/cut")
    _, report = teach(root)
    first, second = (open_set(root / f"pseudo/noses/seed{seed}")[0] for seed in (0, 2))
    pool = (first.splits == "train") & np.isfinite(first.xy).all(axis=(1, 2))
    crops = crop_sets.read(root / "cut")
    step = {str(name): matrix[0, 0] for name, matrix in zip(crops.frames, crops.to_frame, strict=True)}
    apart = (second.xy - first.xy)[pool, 0]
    np.testing.assert_allclose(apart[:, 0], [step[str(name)] for name in first.frames[pool]], atol=1e-3)
    np.testing.assert_allclose(apart[:, 1], 0, atol=1e-3)
    assert (report["seeds"], report["points"], report["labels"]) == (
        2,
        2 * len(crops.part("train")),
        2 * pool.sum(),
    )

    options = tiny_runs.TINY | {"train": "noses", "labels": "nose1", "vocabulary": "nose1", "size": "mobilenet_v2"}
    config = parse(options | {"recipe": "supervised", "epochs": 1, "batch": 4}, supervised.Config, "x")
    samples = {seed: supervised_run.ready(config, seed, root / "pseudo", ["noses"]).faces for seed in (0, 2)}
    assert not np.array_equal(samples[0].xy, samples[2].xy)
    with pytest.raises(DataError, match="noses has seed0, seed2, but no seed 1"):
        supervised_run.ready(config, 1, root / "pseudo", ["noses"])
    # One seed without a prediction leaves the whole set out: the mean over the others would hide it.
    np.save(root / "seen/seed2/cut" / features.ARRAY, np.zeros((FACES, 1, GRID, GRID), np.float16))
    with pytest.raises(DataError, match="not prepared"):
        teach(root)
    assert "head_x leaves no label" in files.read_json(root / "pseudo.json")["reason"]


def test_a_head_that_was_left_out_says_why(root):
    shutil.rmtree(root / "models" / "head_x")
    files.write_json(root / "models" / "head_x" / "skipped.json", {"reason": "no weights"})
    with pytest.raises(DataError, match="not prepared"):
        teach(root)
    assert files.read_json(root / "pseudo/noses/skipped.json") == {"reason": "no weights"}
    report = files.read_json(root / "pseudo.json")
    assert (report["status"], report["reason"]) == ("skipped", "no weights")
    # The labels alone do not need it.
    (faces, _), report = teach(root, source="true")
    assert report["status"] == "ok" and np.isfinite(faces.xy).any()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"backbone_sha256": "c" * 64}, "another backbone"),
        ({"backbone": {"family": "fake", "weights": "other"}}, "another backbone"),
        ({"side": 128}, "other crops"),
        ({"geometry": "square"}, "other crops"),
    ],
)
def test_a_head_of_something_else_is_refused(root, changed, words):
    shutil.rmtree(root / "models" / "head_x")
    write_head(root / "models" / "head_x" / "seed0", **changed)
    with pytest.raises(DataError, match=words):
        teach(root)


def test_features_of_other_crops_are_refused(root):
    card = files.read_json(root / "seen/cut" / features.CARD)
    files.write_json(root / "seen/cut" / features.CARD, card | {"crops": "e" * 64})
    with pytest.raises(DataError, match="of other crops"):
        teach(root)


def test_crops_of_other_faces_are_refused(root):
    with pytest.raises(DataError, match="cut from noses, not from these others"):
        teach(root, faces="others")
    faces, _ = open_set(root / "noses")
    faces.take(np.arange(FACES)[::-1]).save(root / "noses" / "faces.npz")
    with pytest.raises(DataError, match="cut from noses"):
        teach(root)
