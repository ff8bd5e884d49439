"""The posts' scripts, re-told in a few lines of plain Python, on made-up annotation files.

What is re-told is the arithmetic of nipunbatra/blog: posts/nostril-bench/scripts/run_thermeval.py (part 1),
posts/nostril-finetune/scripts/{build_dataset,train_head}_thermeval.py (part 2) and
posts/nostril-hierarchical/scripts/hier_yolo_thermeval.py (part 3).
"""

import json
import random
import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st

from thermark import landmarks
from thermark.core.annotations import Annotations
from thermark.core.errors import DataError
from thermark.core.frames import Frames
from thermark.core.packed_images import PackedImages
from thermark.datasets import thermeval
from thermark.datasets.prepare import framing
from thermark.fewshot import posts, scoring
from thermark.fewshot.cutting import CutJob, Cutting, crops_of
from thermark.models import mediapipe
from thermark.models.inference import two_stage
from thermark.models.inference.contract import Assets, Instances, LazyModel, Unavailable
from thermark.models.inference.sweep import sweep
from thermark.report.reference_results import load as published
from thermark.report.zeroshot import protocols
from thermark.report.zeroshot.nose_points import NosePoints

WIDTH, HEIGHT = 192, 256
PERSON, FOREHEAD, NOSE = 0, 2, 3
ROOT = Path(__file__).parents[2]
CONFIG = thermeval.Config(raw="thermeval", source="png", val=())


def boxes(rng: random.Random, count: int) -> list[dict]:
    """Return annotations of an image: people with two decimals, a nose in each but one of ten, foreheads."""
    annotations = []
    for _ in range(count):
        x, y = round(rng.uniform(-10, 120), 2), round(rng.uniform(0, 120), 2)
        w, h = round(rng.uniform(30, 90), 2), round(rng.uniform(60, 160), 2)
        away = 150 if rng.random() < 0.1 else 0
        nose = [round(x + w * rng.uniform(0.2, 0.8) + away, 2), round(y + h / 5, 2), 5.3, 4.7]
        annotations += [(PERSON, [x, y, w, h]), (FOREHEAD, [x, y, w / 3, 9.1]), (NOSE, nose)]
    return [{"category_id": name, "bbox": box} for name, box in annotations]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Write ThermEval-D in its layout: images listed in one order, ids and annotations in others."""
    folder, rng = tmp_path_factory.mktemp("thermeval"), random.Random(3)
    (folder / "images").mkdir()
    for part, numbers, suffix in ((1, range(1, 90), "png"), (2, range(511, 640), "jpg")):
        listed, ids = list(numbers), list(range(1, len(numbers) + 1))
        rng.shuffle(listed)
        rng.shuffle(ids)
        annotations = []
        for number, image in zip(listed, ids, strict=True):
            cv2.imwrite(str(folder / f"images/Thermal_{number}.png"), np.zeros((HEIGHT, WIDTH, 3), np.uint8))
            annotations += [{"image_id": image} | each for each in boxes(rng, rng.choice([0, 1, 1, 2]))]
        rng.shuffle(annotations)
        content = {
            "images": [
                {"id": image, "file_name": f"Thermal_{number}.{suffix}"}
                for number, image in zip(listed, ids, strict=True)
            ],
            "annotations": [{"id": place} | each for place, each in enumerate(annotations)],
            "categories": [
                {"id": place, "name": name} for place, name in enumerate(["Person", "Chest", "Forehead", "Nose"])
            ],
        }
        (folder / f"annotations_{part}.json").write_text(json.dumps(content))
    return folder


@pytest.fixture(scope="module")
def loaded(root):
    dataset = thermeval.load(root, CONFIG)
    sizes = {frame: (WIDTH, HEIGHT) for frame in dataset.frames.ids.tolist()}
    return SimpleNamespace(**vars(dataset), sizes=sizes)


def kept_by_scripts(root: Path, part: int) -> tuple[dict, dict]:
    """Return a file as the scripts keep it: image id -> frame, and image id -> class -> boxes, as they come."""
    content = json.loads((root / f"annotations_{part}.json").read_text())
    frames = {each["id"]: f"{part}/{each['file_name'].split('.')[0]}" for each in content["images"]}
    by_image: dict = {}
    for each in content["annotations"]:
        by_image.setdefault(each["image_id"], defaultdict(list))[each["category_id"]].append(each["bbox"])
    return frames, by_image


def pairs_of(root: Path, part: int) -> list[tuple]:
    frames, by_image = kept_by_scripts(root, part)
    pairs = []
    for image, classes in by_image.items():
        for x, y, w, h in classes[NOSE]:
            nx, ny = x + w / 2, y + h / 2
            around = [
                (p[2] * p[3], p)
                for p in classes[PERSON]
                if p[0] <= nx <= p[0] + p[2] and p[1] <= ny <= p[1] + p[3]
            ]
            if around:
                pairs.append((frames[image], min(around)[1], (nx, ny)))
    return pairs


def crop_of(person: list[float]) -> tuple[int, int, int, int]:
    x, y, w, h = person
    side = max(w, h) * (1 + 0.25)
    cx, cy = x + w / 2, y + h / 2
    x0, y0 = max(0, int(cx - side / 2)), max(0, int(cy - side / 2))
    return x0, y0, min(WIDTH, int(x0 + side)), min(HEIGHT, int(y0 + side))


def taken(pairs: list[tuple], count: int, without: frozenset = frozenset()) -> list[tuple]:
    """Return (frame, nose, crop) of the first `count` pairs that are usable."""
    samples = []
    for frame, person, (nx, ny) in pairs:
        if frame in without or len(samples) == count:
            continue
        x0, y0, x1, y1 = crop_of(person)
        if x1 <= x0 or y1 <= y0:
            continue
        if 0 <= (nx - x0) * (256 / (x1 - x0)) < 256 and 0 <= (ny - y0) * (256 / (y1 - y0)) < 256:
            samples.append((frame, (nx, ny), (x0, y0, x1, y1)))
    return samples


# (i) The split of part 2.


def test_the_split_of_part_2_goes_by_first_annotation(root, loaded):
    random.seed(7)
    first, second = pairs_of(root, 1), pairs_of(root, 2)
    in_order = list(first)
    random.shuffle(first)
    random.shuffle(second)
    train = taken(first, 40)
    wanted = [train, taken(first, 15, frozenset(frame for frame, _, _ in train)), taken(second, 80)]
    assert [len(each) for each in wanted] == [40, 15, 80]
    split = posts.split(loaded.faces, loaded.sizes, loaded.annotated)
    for rows, samples in zip((split.train, split.val, split.test), wanted, strict=True):
        at = loaded.faces.xy[rows, 0].astype(float) + 0.5
        assert loaded.faces.frames[rows].tolist() == [frame for frame, _, _ in samples]
        np.testing.assert_allclose(at, [nose for _, nose, _ in samples], atol=1e-4)
        assert [split.crops[row].box for row in rows.tolist()] == [box for _, _, box in samples]
    # By image, as it was before, is another split.
    by_image = sorted(in_order, key=lambda pair: loaded.annotated.frames.tolist().index(pair[0]))
    random.Random(7).shuffle(by_image)
    assert len({nose for _, nose, _ in train} & {nose for _, nose, _ in taken(by_image, 40)}) < 35


def test_pairs_are_those_of_the_script_in_its_order(root, loaded):
    for part in (1, 2):
        pairs = posts.pairs(loaded.annotated, f"annotations_{part}")
        assert [(each.frame, list(each.person), each.nose) for each in pairs] == pairs_of(root, part)


hundredths = st.integers(-3000, 20000).map(lambda value: value / 100)
sides = st.integers(50, 25000).map(lambda value: value / 100)


@given(hundredths, hundredths, sides, sides)
def test_a_crop_is_that_of_the_script_to_the_last_digit(x, y, w, h):
    box = crop_of([x, y, w, h])
    made = posts.cropped((x, y, w, h), (WIDTH, HEIGHT))
    if box[2] <= box[0] or box[3] <= box[1]:
        assert made is None
        return
    assert made is not None and made.box == box
    # A prompt that was stored as float32, from pixel centres, is cut alike.
    stored = (np.array([x, y, x + w, y + h]) - 0.5).astype(np.float32)
    assert posts.crop(stored, (WIDTH, HEIGHT)) == made


def test_float32_alone_would_cut_another_crop():
    """Left of 10.1 with 16.8 px: in float64 just below 8, so 7 or 8 is a matter of the last digit."""
    boxes_tried = [(x / 10, 20.0, w / 10, 10.0) for x in range(100, 400) for w in range(101, 300, 7)]
    differ = 0
    for x, y, w, h in boxes_tried:
        near, _, far, _ = np.array([x - 0.5, y, x + w - 0.5, y], np.float32).astype(float) + 0.5
        differ += int((near + far) / 2 - 1.25 * (far - near) / 2) != crop_of([x, y, w, h])[0]
        assert posts.cropped((x, y, w, h), (WIDTH, HEIGHT)).box[0] == crop_of([x, y, w, h])[0]
    assert differ > 10


def test_crops_are_cut_where_the_split_says():
    image = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)
    person = (30.7, 40.2, 70.4, 190.6)
    x0, y0, x1, y1 = crop_of(list(person))
    made = posts.cropped(person, (WIDTH, HEIGHT))
    module = SimpleNamespace(__name__="drawn_for_posts", read=lambda path, settings: image)
    sys.modules[module.__name__] = module  # type: ignore[assignment]
    try:
        job = CutJob(Path("x.png"), (WIDTH, HEIGHT), np.array([0]), np.full((1, 4), np.nan, np.float32), (made,))
        pixels, _ = crops_of(job, module.__name__, None, Cutting("posts", 256, 1.25))
    finally:
        del sys.modules[module.__name__]
    np.testing.assert_array_equal(pixels[0], cv2.resize(image[y0:y1, x0:x1], (256, 256)))


# (ii), (v) What parts 1 and 3 count.


def truth_of(root: Path, part: int, frames_counted: int) -> list[tuple]:
    """Return (frame, nose): part 1 in the order of the images, part 3 by their ids and only where somebody is."""
    frames, by_image = kept_by_scripts(root, 1 if part == 1 else 2)
    if part == 1:
        images = [image for image in frames if NOSE in by_image.get(image, {})]
    else:
        images = sorted(image for image, each in by_image.items() if NOSE in each and PERSON in each)
    noses = [(frames[image], box) for image in images[:frames_counted] for box in by_image[image][NOSE]]
    return [(frame, (x + w / 2, y + h / 2)) for frame, (x, y, w, h) in noses]


@pytest.mark.parametrize(("name", "part", "count"), [("part1", 1, 50), ("part3", 3, 60)])
def test_parts_1_and_3_count_the_noses_of_the_scripts(root, loaded, name, part, count):
    noses = protocols.first(loaded.annotated, protocols.PARTS[name])
    wanted = truth_of(root, part, count)
    assert list(zip(noses.frames.tolist(), map(tuple, noses.xy.tolist()), strict=True)) == wanted
    in_people = {tuple(np.round(xy + 0.5, 3).tolist()) for xy in loaded.faces.xy[:, 0].astype(float)}
    outside = [nose for _, nose in wanted if tuple(np.round(nose, 3).tolist()) not in in_people]
    assert outside  # noses of nobody count, and are no face


def predicted(frames: list[str], xy: np.ndarray) -> NosePoints:
    return NosePoints(np.array(frames), np.full(len(frames), -1), np.asarray(xy, float), np.ones(len(frames)))


def test_a_label_of_part_1_is_not_moved_to_pixel_centres(root, loaded):
    """A prediction 2.9 px right of the label as it is written is 3.4 px right of the pixel that it means."""
    truth = protocols.first(loaded.annotated, protocols.PARTS["part1"])
    numbers = protocols.score(truth, predicted(truth.frames.tolist(), truth.xy + np.array([2.9, 0])))
    assert numbers["pck@3"] == 1 and numbers["mean"] == pytest.approx(2.9)
    moved = protocols.Truth(truth.frames, truth.xy - 0.5)
    assert protocols.score(moved, predicted(truth.frames.tolist(), truth.xy + np.array([2.9, 0])))["pck@3"] == 0
    # The fair protocol keeps its own labels.
    np.testing.assert_array_equal(protocols.labelled(loaded.faces).xy, loaded.faces.xy[:, 0].astype(float))


def greedy(predictions: list, labels: list, limit: float = 80) -> list[float]:
    pairs = sorted(
        (((p[0] - g[0]) ** 2 + (p[1] - g[1]) ** 2) ** 0.5, i, j)
        for i, p in enumerate(predictions)
        for j, g in enumerate(labels)
    )
    used, known, gaps = set(), set(), []
    for gap, i, j in pairs:
        if i not in used and j not in known and gap <= limit:
            gaps.append(gap)
            used.add(i)
            known.add(j)
    return gaps


def test_the_numbers_of_part_1_are_those_of_its_charts(root, loaded):
    rng = np.random.default_rng(5)
    wanted = truth_of(root, 1, 50)
    frames = list(dict.fromkeys(frame for frame, _ in wanted))
    answers = {frame: rng.uniform(0, 190, (rng.integers(0, 3), 2)).tolist() for frame in frames}
    gaps = [
        gap for frame in frames for gap in greedy(answers[frame], [nose for item, nose in wanted if item == frame])
    ]
    spoken = [(frame, xy) for frame, item in answers.items() for xy in item]
    numbers = protocols.score(
        protocols.first(loaded.annotated, protocols.PARTS["part1"]),
        predicted([frame for frame, _ in spoken], np.array([xy for _, xy in spoken])),
    )
    assert numbers["matched"] == len(gaps) and numbers["predictions"] == len(spoken)
    assert numbers["median"] == pytest.approx(np.median(gaps)) and numbers["mean"] == pytest.approx(np.mean(gaps))
    for limit in (3, 5, 10, 20):
        assert numbers[f"pck@{limit}"] == pytest.approx(sum(gap <= limit for gap in gaps) / len(wanted))


def test_a_frame_whose_noses_are_nobodys_is_shown_in_variants_only(root, tmp_path, monkeypatch):
    dataset = thermeval.load(root, CONFIG)
    lonely = sorted(
        set(dataset.annotated.frames[dataset.annotated.having("nose")].tolist())
        - set(dataset.faces.frames.tolist())
    )
    assert lonely
    sizes = np.tile(np.array([WIDTH, HEIGHT], np.int32), (len(dataset.frames.ids), 1))
    ready = tmp_path / "faces"
    ready.mkdir()
    dataset.faces.save(ready / "faces.npz")
    dataset.annotated.save(ready)
    replace(dataset.frames, sizes=sizes).save(ready / "frames.npz")
    (tmp_path / "report.json").write_text('{"fingerprint": "f"}')
    outs = (tmp_path / "out", tmp_path / "framed.json")
    config = framing.Config(loader="thermeval", raw="thermeval", variants={"png": {"source": "png"}})
    framing.frame(thermeval, root, {"raw": "thermeval", "source": "png", "val": []}, config, "test", ready,
                  tmp_path / "report.json", *outs, workers=1)  # fmt: skip
    frames = {name: np.load(tmp_path / f"out/{name}/pictures.npz")["ids"].tolist() for name in ("base", "png")}
    assert set(lonely) <= set(frames["png"]) and not set(lonely) & set(frames["base"])
    assert set(dataset.faces.frames.tolist()) <= set(frames["png"])


class Everywhere:
    """Finds one nose in the middle of each frame, or of each box."""

    vocabulary, batch, trained_on, box_source = "nose1", 4, (), "finder"

    def __init__(self, given: str):
        self.given = given

    def __call__(self, images, boxes):
        counts = [1 if prompts is None else len(prompts) for prompts in boxes]
        return [
            Instances(
                np.full((count, 1, 2), 9, np.float32),
                np.ones((count, 1), np.float32),
                np.zeros((count, 4), np.float32),
                np.ones(count, np.float32),
            )
            for count in counts
        ]


def test_who_finds_noses_itself_is_asked_about_frames_of_nobody(loaded):
    faces = loaded.faces.take(loaded.faces.frames == loaded.faces.frames[0])
    ids = np.array([str(faces.frames[0]), "1/of_nobody"])
    pixels = np.zeros(2 * 4 * 4, np.uint8)
    images = PackedImages(ids, np.full((2, 2), 4), 1, np.array([0, 16]), pixels)
    rows = np.arange(len(faces))
    answers = {
        given: sweep(LazyModel(lambda given=given: Everywhere(given)), "x", images, faces, rows, "data", 0.0)
        for given in ("own", "frame", "labelled")
    }
    assert "1/of_nobody" in answers["own"].frames and "1/of_nobody" in answers["frame"].frames
    assert set(answers["labelled"].frames) == {str(faces.frames[0])}


# (iii), (iv) Who ran in the posts.


@pytest.mark.parametrize("path", ["params.yaml", "profiles/zeroshot.yaml"])
def test_the_rows_of_the_posts_are_run_as_the_posts_ran_them(path):
    sections = yaml.safe_load((ROOT / path).read_text())["contestants"]
    rows = {}
    for cell in published("posts").cells():
        rows.setdefault((cell.row, cell.run), {})[cell.metric] = cell
    single = sections["sapiens2_04b_single"]
    assert (single["given"], single["flip"], single["dtype"]) == ("frame", False, "float32")
    assert ("Sapiens2-0.4B", "sapiens2_04b_single") in rows
    one, cropped = sections["face_landmarker_single"], sections["face_landmarker_cropped"]
    assert (one["task"], one["faces"], one["as_told"]) == ("landmarker", 1, True)
    assert (cropped["task"], cropped["faces"], cropped["as_told"]) == ("landmarker", 4, True)
    assert "full_range" in cropped["detector"]
    for row, contestant, legacy in (
        ("MediaPipe", "face_landmarker_single", "facemesh_single"),
        ("B", "face_landmarker_cropped", "facemesh_cropped"),
    ):
        assert not any(cell.incomparable for cell in rows[row, contestant].values())
        assert all("FaceLandmarker there" in cell.incomparable for cell in rows[row, legacy].values())
        values = [{metric: cell.value for metric, cell in rows[row, run].items()} for run in (contestant, legacy)]
        assert values[0] == values[1] and len(values[0]) == 8


POINTS = len(landmarks.load("mediapipe478"))


class Task:
    """Stands in for a task of MediaPipe, with what it says of any image."""

    def __init__(self, **results):
        self.results, self.seen = SimpleNamespace(**results), []

    def detect(self, image):
        self.seen.append(image)
        return self.results

    def close(self):
        pass


PACKAGE = SimpleNamespace(Image=lambda image_format, data: data, ImageFormat=SimpleNamespace(SRGB=1))


def test_b_of_part_3_crops_and_maps_back_as_the_script_does():
    image = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    face = (40, 180, 90, 70)  # its crop is cut below
    outline = SimpleNamespace(**dict(zip(("origin_x", "origin_y", "width", "height"), face, strict=True)))
    detection = SimpleNamespace(
        keypoints=[SimpleNamespace(x=0.5, y=0.5)] * 6,
        bounding_box=outline,
        categories=[SimpleNamespace(score=0.8)],
    )
    mesh = [[SimpleNamespace(x=0.25, y=0.75)] * POINTS] * 2
    about = {"family": "mediapipe", "weights": "w", "file": "x", "as_told": True}
    finder = mediapipe.MediaPipe(
        mediapipe.Config(task="detector", faces=9, **about), PACKAGE, Task(detections=[detection])
    )
    crops = Task(face_landmarks=mesh)
    landmarker = mediapipe.MediaPipe(mediapipe.Config(task="landmarker", faces=4, **about), PACKAGE, crops)
    instances = two_stage.faces(image, finder.predict, landmarker.predict, "mediapipe478", as_told=True)
    x0, y0, x1, y1 = crop_of(list(face))
    np.testing.assert_array_equal(crops.seen[0], cv2.resize(image[y0:y1, x0:x1], (256, 256)))
    wanted = (0.25 * 256 * (x1 - x0) / 256 + x0, 0.75 * 256 * (y1 - y0) / 256 + y0)
    np.testing.assert_allclose(instances.xy, np.broadcast_to(wanted, (2, POINTS, 2)), atol=1e-4)
    assert y1 == HEIGHT and (x1 - x0) != (y1 - y0) and instances.box_score == pytest.approx([0.8, 0.8])


def test_a_detector_that_the_package_cannot_run_is_a_row_with_a_reason(monkeypatch):
    def check(name, *rest):
        if name == "far.tflite":
            raise RuntimeError("another number\nof boxes")

    monkeypatch.setattr(
        mediapipe, "opened", lambda config, path: (PACKAGE, Task(face_landmarks=[], detections=[]))
    )
    monkeypatch.setattr(mediapipe.golden_check, "check", check)
    bundle = SimpleNamespace(file=Path)
    about = {"family": "mediapipe", "weights": "w", "file": "x", "task": "landmarker", "faces": 4}
    one = mediapipe.load(mediapipe.Config(**about, detector="near.tflite"), Assets(bundle), "cpu")
    assert (one.vocabulary, one.given, one.box_source, one.batch) == ("mediapipe478", "own", "near", 8)
    with pytest.raises(Unavailable, match=r"cannot run far\.tflite: another number of boxes"):
        mediapipe.load(mediapipe.Config(**about, detector="far.tflite"), Assets(bundle), "cpu")


def test_points_as_told_are_normalised_ones_times_the_size_of_the_picture():
    mesh = [[SimpleNamespace(x=0.25, y=0.5), *[SimpleNamespace(x=0.75, y=0.9)] * (POINTS - 1)]]
    about = {"family": "mediapipe", "weights": "w", "file": "x", "task": "landmarker", "faces": 1}
    image = np.zeros((100, 200, 3), np.uint8)
    at = {}
    for as_told in (True, False):
        one = mediapipe.MediaPipe(mediapipe.Config(**about, as_told=as_told), PACKAGE, Task(face_landmarks=mesh))
        at[as_told] = one.predict(image).xy[0, 0]
    assert at[True].tolist() == [50, 50] and (at[False] < at[True]).all()


# (vi) The median of part 2.


@given(st.lists(st.floats(0, 100, width=32), min_size=1, max_size=12))
def test_the_median_of_part_2_is_that_of_torch(errors):
    gap = np.zeros((len(errors), 1, 2))
    gap[:, 0, 0] = errors
    to_frame = np.tile(np.eye(2, 3), (len(errors), 1, 1))
    numbers = scoring.numbers(gap, to_frame)
    assert numbers["crop_median"] == torch.tensor(errors, dtype=torch.float64).median().item()


def test_part_2_of_the_bake_off_takes_the_same_median(loaded):
    pairs = posts.split(loaded.faces, loaded.sizes, loaded.annotated)
    rows = pairs.test[:4]
    off = np.array([1.0, 2.0, 3.0, 4.0])
    noses = loaded.faces.xy[rows, 0] + np.stack([off, np.zeros(4)], axis=1)
    nose_points = NosePoints(loaded.faces.frames[rows], rows, noses.astype(float), np.ones(4))
    numbers = protocols.score_crops(loaded.faces, pairs.crops, rows, nose_points)
    assert numbers["native_median"] == pytest.approx(2.0, abs=1e-4)
    # Parts 1 and 3 are read from numpy's.
    assert protocols.measured(off, 4)["median"] == 2.5


# (vii) Colours.


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_part_2_sees_opencvs_grey_and_part_1_the_colours(tmp_path, channels):
    shape = (31, 23) if channels == 1 else (31, 23, channels)
    stored = np.random.default_rng(2).integers(0, 256, shape, dtype=np.uint8)
    path = tmp_path / "Thermal_1.png"
    cv2.imwrite(str(path), stored)
    grey = thermeval.read(path, CONFIG.model_copy(update={"source": "luma"}))
    np.testing.assert_array_equal(grey, cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
    whole = thermeval.read(path, CONFIG)
    unchanged = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    wanted = unchanged if channels == 1 else unchanged[..., 2::-1]  # networks of ours are told RGB
    np.testing.assert_array_equal(whole, wanted)
    if channels > 1:
        mean = np.rint(stored[..., :3].mean(axis=-1))
        assert (np.abs(grey - mean) > 20).any()  # what it was before


def test_an_older_face_set_says_what_to_do(tmp_path):
    with pytest.raises(DataError, match=r"has no annotated\.npz"):
        Annotations.open(tmp_path)


def test_frames_without_a_picture_do_not_count(root, tmp_path):
    (tmp_path / "images").mkdir()
    for part in (1, 2):
        (tmp_path / f"annotations_{part}.json").write_text((root / f"annotations_{part}.json").read_text())
    for path in sorted((root / "images").iterdir())[1:]:
        (tmp_path / "images" / path.name).hardlink_to(path)
    gone = sorted((root / "images").iterdir())[0].stem
    dataset = thermeval.load(tmp_path, CONFIG)
    assert not any(str(frame).endswith(f"/{gone}") for frame in dataset.annotated.frames)
    assert isinstance(dataset.frames, Frames)
