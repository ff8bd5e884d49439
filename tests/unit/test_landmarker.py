"""The landmarker: one call from a picture to faces, the same answers as the evaluation's, and no PyTorch."""

import shutil
import struct
import subprocess
import sys
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import shipped_weights
import tiny_runs
from thermark import Landmarker
from thermark.core.errors import ConfigError, DataError
from thermark.core.radiometry import Tone, render
from thermark.landmarker import moved, pictures
from thermark.landmarker.result import Landmarks
from thermark.models import learned

BOX = [-20, -24, 20, 24]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, Path]:
    return shipped_weights.random(tmp_path_factory.mktemp("landmarker"))


class AtOwnSize(Landmarker):
    """A landmarker that detects faces in a picture at its own size."""

    def __call__(self, image, **given):
        pixels = cv2.imread(str(image), cv2.IMREAD_UNCHANGED) if isinstance(image, str | Path) else image
        sides = pixels.shape[:2] if isinstance(pixels, np.ndarray) else ()
        return self._of(min(4096, max((32, *sides))))(image, **given)

    @staticmethod
    def of(weights, flip=True):
        """Return one for weights; sessions for each size are opened once."""
        made = AtOwnSize(weights, threads=1, flip=flip)
        made._of = cache(lambda longest: Landmarker(weights, threads=1, longest=longest, flip=flip))
        return made


@pytest.fixture(scope="module")
def find(made) -> Landmarker:
    return AtOwnSize.of(made[0])


@pytest.fixture(autouse=True)
def in_one_place(monkeypatch):
    """Leave detected boxes where they are: what stands in for a landmark network here has random scores."""
    monkeypatch.setattr(moved, "SHIFTS", (0.0,))


def centre(x: int, y: int) -> np.ndarray:
    """Return the centre of the cell that a pixel lies in."""
    return np.array([x, y]) // 8 * 8 + 3.5


def test_import_and_use_need_no_torch(made):
    program = f"""
import sys
import thermark
light = [name for name in ("numpy", "cv2", "onnxruntime", "torch") if name in sys.modules]
from thermark import Landmarker
import numpy as np
found = Landmarker({str(made[0])!r})(np.full((64, 96), 200, np.uint8))
heavy = ("torch", "onnx", "rtmlib", "scipy", "pandas", "numba", "transformers", "mediapipe", "matplotlib")
print(light, len(found) > 0, [name for name in heavy if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[] True []\n"


def test_types_and_errors_come_from_the_package_and_cost_nothing_before():
    program = """
import sys
import thermark
print([name for name in ("numpy", "pydantic", "cv2") if name in sys.modules])
from thermark import ThermarkError
print([name for name in ("numpy", "pydantic", "cv2") if name in sys.modules])
from thermark import Landmarker, Landmarks, Tone
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n[]\n"
    import thermark

    assert (thermark.Landmarks, thermark.Tone) == (Landmarks, Tone)
    assert issubclass(DataError, thermark.ThermarkError) and issubclass(ConfigError, thermark.ThermarkError)
    assert all(hasattr(thermark, name) for name in thermark.__all__)


def test_another_name_of_the_package_is_an_attribute_error():
    import thermark

    with pytest.raises(AttributeError, match="has no attribute 'Landmaker'"):
        _ = thermark.Landmaker


def test_a_result_says_what_it_holds(find):
    faces = find(shipped_weights.with_blobs(121, 161, (80, 60)))
    assert len(faces) == 1 and len(faces.names) == 68 and faces.names[30] in faces.names
    shapes = {name: getattr(faces, name).shape for name in ("points", "scores", "boxes", "box_scores")}
    assert shapes == {"points": (1, 68, 2), "scores": (1, 68), "boxes": (1, 4), "box_scores": (1,)}
    assert {getattr(faces, name).dtype for name in shapes} == {np.dtype(np.float32)}
    assert faces.temperatures is None and np.isfinite(faces.points).all() and np.isfinite(faces.scores).all()
    np.testing.assert_array_equal(faces.boxes[0], np.tile(centre(80, 60), 2) + BOX)
    assert faces.box_scores[0] == 1


def test_a_detected_face_is_read_where_the_network_is_surest(made, find, monkeypatch):
    picture = shipped_weights.with_blobs(200, 300, (60, 60), (220, 120))
    detected = find(picture).boxes
    monkeypatch.undo()
    without = AtOwnSize.of(made[0], flip=False)  # the mirror image has no say in it
    faces = without(picture)
    np.testing.assert_array_equal(faces.boxes, find(picture).boxes)
    for row, places in enumerate(moved.moved(detected)):
        tried = without(picture, boxes=places)
        best = int(tried.scores.mean(axis=1).argmax())
        np.testing.assert_array_equal(faces.boxes[row], places[best])
        np.testing.assert_allclose(faces.points[row], tried.points[best], atol=1e-3)
    assert len(faces) == 2


def test_nobody_is_no_rows(find):
    faces = find(np.zeros((121, 161), np.uint8))
    assert len(faces) == 0 and faces.points.shape == (0, 68, 2) and faces.boxes.shape == (0, 4)
    assert find(np.full((40, 50), 25.0, np.float32)).temperatures.shape == (0, 68)


def test_each_of_several_has_a_row_and_the_best_is_first(find):
    picture = shipped_weights.with_blobs(200, 300, (40, 40), (150, 100), (260, 160))
    picture[100, 150], picture[160, 260] = 180, 220
    faces = find(picture)
    wanted = [np.tile(centre(*place), 2) + BOX for place in ((40, 40), (260, 160), (150, 100))]
    np.testing.assert_array_equal(faces.boxes, wanted)
    np.testing.assert_allclose(faces.box_scores, [1, 220 / 255, 180 / 255], rtol=1e-6)
    # A face's points do not depend on who else is there.
    for row, box in enumerate(faces.boxes):
        np.testing.assert_array_equal(find(picture, boxes=box[None]).points[0], faces.points[row])


def test_detected_boxes_are_those_of_the_evaluation(made):
    from thermark.models.inference import face_finder

    finder = face_finder.load(made[0] / "detector.onnx")
    for size in ((121, 161), (480, 640), (333, 217)):
        picture = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 255, size, np.uint8), (0, 0), 4)
        picture = cv2.normalize(picture, None, 0, 255, cv2.NORM_MINMAX)
        faces = Landmarker(made[0])(picture)
        boxes, scores = finder.faces(picture)
        assert len(boxes) > 3
        inside = (boxes[:, :2] < np.array(size[::-1]) - 0.5).all(axis=1) & (boxes[:, 2:] > -0.5).all(axis=1)
        np.testing.assert_array_equal(faces.boxes, boxes[inside])
        np.testing.assert_array_equal(faces.box_scores, scores[inside])


def test_of_two_that_overlap_the_better_remains(find):
    picture = shipped_weights.with_blobs(100, 100, (40, 40), (49, 40))  # neighbouring cells: 32 of 48 px shared
    picture[40, 40] = 250
    assert find(picture).boxes.tolist() == [(np.tile(centre(49, 40), 2) + BOX).tolist()]
    picture = shipped_weights.with_blobs(100, 120, (40, 40), (57, 40))  # 24 of 56 px
    assert len(find(picture)) == 2


def test_the_threshold_is_the_cards_unless_another_is_asked_for(made):
    picture = shipped_weights.with_blobs(100, 100, (40, 40), level=10)
    picture[40, 40] = 152
    assert len(Landmarker(made[0])(picture)) == 0  # 0.596
    assert len(Landmarker(made[0], threshold=0.55)(picture)) == 1


@pytest.mark.parametrize(("height", "width", "longest"), [(480, 640, 320), (200, 1000, 320), (90, 400, 100)])
def test_large_pictures_are_reduced_and_boxes_come_back_in_their_pixels(made, height, width, longest):
    """A bright square of several pixels survives the reduction; its box is larger by the same factor."""
    picture = np.zeros((height, width), np.uint8)
    factor = width / longest
    x, y = 0.6 * width, 0.4 * height
    reach = round(3 * factor)
    picture[round(y) - reach : round(y) + reach, round(x) - reach : round(x) + reach] = 255
    boxes = Landmarker(made[0], longest=longest, threshold=0.99)(picture).boxes
    assert len(boxes)
    sides = (boxes[:, 2:] - boxes[:, :2])[0]
    rows = round(height / factor)
    np.testing.assert_allclose(sides, [40 * factor, 48 * height / rows], rtol=1e-5)
    middle = (boxes[0, :2] + boxes[0, 2:]) / 2
    assert np.abs(middle - [x, y]).max() < 8 * factor
    # A cell's centre in the reduced picture, moved by the one convention.
    reduced = (middle + 0.5) / [factor, height / rows] - 0.5
    np.testing.assert_allclose((reduced - 3.5) / 8, np.rint((reduced - 3.5) / 8), atol=1e-4)


@pytest.mark.parametrize("factor", [2, 5])
def test_small_pictures_are_enlarged_and_boxes_come_back_in_their_pixels(made, factor):
    """The detector sees the picture at the size that it learned from, so a face is found at either."""
    small = np.zeros((240 // factor, 320 // factor), np.uint8)
    small[20:28, 30:38] = 255
    large = cv2.resize(small, (320, 240), interpolation=cv2.INTER_LINEAR)
    landmarker = Landmarker(made[0], threshold=0.99)
    found, wanted = landmarker(small), landmarker(large)
    assert len(found) == len(wanted) > 0
    np.testing.assert_allclose((found.boxes + 0.5) * factor - 0.5, wanted.boxes, atol=1e-3)
    np.testing.assert_array_equal(found.box_scores, wanted.box_scores)


@pytest.mark.parametrize("size", [(121, 161), (97, 33), (32, 32), (33, 32), (5, 7)])
def test_odd_sizes_work_and_the_filled_up_border_holds_nobody(made, size):
    picture = np.full(size, 255, np.uint8)
    faces = Landmarker(made[0])(picture)
    assert len(faces) and np.isfinite(faces.points).all()
    assert (faces.boxes[:, :2] < np.array(size[::-1]) - 0.5).all()


@pytest.mark.parametrize("place", [(0, 0), (160, 0), (0, 120), (160, 120), (80, 0)])
def test_faces_at_the_border_keep_the_box_that_reaches_beyond(find, place):
    faces = find(shipped_weights.with_blobs(121, 161, place))
    np.testing.assert_array_equal(faces.boxes, [np.tile(centre(*place), 2) + BOX])
    assert np.isfinite(faces.points).all()


def test_equal_colours_are_grey(find):
    grey = shipped_weights.with_blobs(121, 161, (80, 60))
    wanted = find(grey)
    for channels in (3, 4):
        faces = find(np.repeat(grey[..., None], channels, axis=2))
        np.testing.assert_array_equal(faces.points, wanted.points)
        np.testing.assert_array_equal(faces.box_scores, wanted.box_scores)


def test_memory_order_and_mutability_do_not_matter(find):
    grey = shipped_weights.with_blobs(121, 161, (80, 60))
    wanted = find(grey).points
    backwards = np.ascontiguousarray(grey[::-1, ::-1])[::-1, ::-1]
    every_other = np.repeat(grey, 2, axis=1)[:, ::2]
    colour = np.asfortranarray(np.repeat(grey[..., None], 3, axis=2))
    fixed = grey.copy()
    fixed.flags.writeable = False
    for same in (backwards, every_other, np.asfortranarray(grey), colour, fixed):
        np.testing.assert_array_equal(find(same).points, wanted)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("changed", [{}, {"cropped": (96, 1.75)}])
def test_given_boxes_get_the_points_of_the_evaluation(tmp_path, flip, changed):
    weights, run = shipped_weights.random(tmp_path, **changed)
    network = learned.read(run, flip="aligned" if flip else "none")
    picture = np.random.default_rng(5).integers(0, 255, (211, 317), np.uint8)
    picture = cv2.GaussianBlur(picture, (0, 0), 3)
    corners = np.random.default_rng(6).uniform(-30, 150, (40, 2))
    sides = np.random.default_rng(7).uniform(20, 170, (40, 2))
    boxes = np.concatenate([corners, corners + sides], axis=1).astype(np.float32)
    ((points, scores),) = network.on_boxes([picture], [boxes])
    faces = Landmarker(weights, flip=flip)(picture, boxes=boxes)
    assert np.ptp(points, axis=0).min() > 5  # they differ, or nothing would be compared
    assert np.abs(faces.points - points).max() <= 0.02
    np.testing.assert_allclose(faces.scores, scores, atol=1e-3 * np.abs(scores).max())
    assert np.isnan(faces.box_scores).all()


def test_detected_faces_are_found_in_the_same_places_with_and_without_the_mirror_image(made):
    picture = shipped_weights.with_blobs(121, 161, (80, 60))
    both, plain = Landmarker(made[0]), Landmarker(made[0], flip=False)
    faces, bare = both(picture), plain(picture)
    assert len(faces) == len(bare) > 0
    np.testing.assert_array_equal(faces.boxes, bare.boxes)
    assert np.abs(faces.points - bare.points).max() > 0.1  # or the mirror image was not looked at
    for landmarker, wanted in ((both, faces), (plain, bare)):
        given = landmarker(picture, boxes=wanted.boxes)
        np.testing.assert_allclose(wanted.points, given.points, atol=0.02)
        np.testing.assert_allclose(wanted.scores, given.scores, rtol=1e-3)


def test_more_boxes_than_go_through_at_once_keep_their_order(find):
    picture = cv2.GaussianBlur(np.random.default_rng(5).integers(0, 255, (211, 317), np.uint8), (0, 0), 3)
    corners = np.random.default_rng(6).uniform(0, 150, (150, 2)).astype(np.float32)
    boxes = np.concatenate([corners, corners + 60], axis=1)
    together = find(picture, boxes=boxes).points
    for row in (0, 63, 64, 127, 128, 149):
        np.testing.assert_allclose(together[row], find(picture, boxes=boxes[row : row + 1]).points[0], atol=0.02)


def test_boxes_of_nothing_are_misses(find):
    boxes = [[10, 10, 60, 60], [np.nan] * 4, [5, 5, 5, 5], [0, 0, np.inf, 9]]
    boxes += [[30, 10, 30, 60], [60, 10, 10, 60]]  # of no width, and of less
    boxes += [[90, 10, 140, 60], [10, -60, 60, -1]]  # beside the picture: there is nothing to be seen
    faces = find(np.full((90, 90), 99, np.uint8), boxes=np.array(boxes))
    assert np.isfinite(faces.points).all(axis=(1, 2)).tolist() == [True] + [False] * 7
    np.testing.assert_array_equal(faces.boxes, np.array(boxes, np.float32))
    assert np.isnan(faces.points[1:]).all() and np.isnan(faces.scores[1:]).all()
    for nothing in (np.zeros((0, 4)), [], ()):
        nobody = find(np.full((90, 90), 255, np.uint8), boxes=nothing)
        assert len(nobody) == 0 and nobody.boxes.shape == (0, 4) and nobody.points.shape == (0, 68, 2)
    assert find(np.full((90, 90), 99, np.uint8), boxes=[(10, 10, 60, 60)]).boxes.tolist() == [[10, 10, 60, 60]]


# --- temperatures


def ramp(height: int, width: int) -> np.ndarray:
    """Return 20 deg C at the first pixel, 0.05 more with each column and 0.02 more with each row."""
    return (20 + 0.05 * np.arange(width) + 0.02 * np.arange(height)[:, None]).astype(np.float32)


def test_celsius_are_made_grey_and_sampled_at_the_points(made):
    degrees, tone = ramp(121, 161), Tone(low=15.0, high=35.0)
    boxes = np.array([[40, 30, 110, 100]])
    faces = Landmarker(made[0], tone=tone)(degrees, boxes=boxes)
    same = Landmarker(made[0])(render(degrees, tone), boxes=boxes, celsius=degrees.astype(np.float64))
    np.testing.assert_array_equal(faces.points, same.points)
    x, y = faces.points[0].T
    inside = (x >= 0) & (x <= 160) & (y >= 0) & (y <= 120)
    assert inside.sum() > 30
    for result in (faces, same):
        np.testing.assert_allclose(result.temperatures[0][inside], (20 + 0.05 * x + 0.02 * y)[inside], atol=1e-4)


def test_the_tone_is_the_cards_unless_another_is_asked_for(made):
    degrees = ramp(121, 161)
    boxes = np.array([[40, 30, 110, 100]])
    wanted = Landmarker(made[0])(render(degrees, Tone(low=20.0, high=40.0)), boxes=boxes)
    np.testing.assert_array_equal(Landmarker(made[0])(degrees, boxes=boxes).points, wanted.points)


@pytest.mark.parametrize("stored", [lambda c: (c + 273.15) * 100, lambda c: (c + 273.15) * 64])
def test_raw_16_bits_and_their_file_are_temperatures(find, tmp_path, stored):
    degrees = ramp(64, 80)
    raw = np.rint(stored(degrees)).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "a.tiff"), raw)
    boxes = np.array([[10, 10, 50, 50]])
    for image in (raw, tmp_path / "a.tiff", str(tmp_path / "a.tiff")):
        faces = find(image, boxes=boxes)
        x, y = faces.points[0].T
        inside = (x >= 0) & (x <= 79) & (y >= 0) & (y <= 63)
        np.testing.assert_allclose(faces.temperatures[0][inside], (20 + 0.05 * x + 0.02 * y)[inside], atol=0.02)


def test_a_file_of_8_bits_is_that_picture(find, tmp_path):
    picture = shipped_weights.with_blobs(121, 161, (80, 60))
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    np.testing.assert_array_equal(find(tmp_path / "a.png").points, find(picture).points)


@pytest.mark.parametrize("lost", [np.nan, np.inf, -np.inf])
def test_temperatures_between_and_beside_pixels(lost):
    celsius = np.array([[0, 10, lost], [20, 30, 40]], np.float32)
    points = [
        [0, 0],
        [0.5, 0],
        [1, 0.25],
        [0.5, 0.5],
        [-0.5, 1.5],
        [2, 1],
        [1.5, 1],
        [1.5, 0],
        [-0.6, 0],
        [0, 1.6],
    ]
    points += [[np.nan, 0], [2.5, 1.5]]
    temperatures = pictures.sampled(celsius, np.array([points], np.float32))
    nan = np.nan
    np.testing.assert_allclose(temperatures, [[0, 5, 15, 15, 20, 40, 35, nan, nan, nan, nan, 40]], atol=1e-5)


def test_a_colder_or_hotter_place_is_still_one_of_degrees_celsius(find):
    for degrees in (-35.0, 0.0, 37.0, 59.0):
        image = np.full((40, 50), degrees, np.float32)
        image[:9, :9], image[30:, 30:] = 400, np.nan  # a flame, and lost pixels
        assert find(image).temperatures is not None
    assert len(find(np.full((40, 50), np.nan))) == 0  # a lost frame


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.int32, np.uint32])
def test_counts_in_no_known_unit_are_grey_by_their_own_range(find, tmp_path, dtype):
    """Raw values of 14 bits, as a camera without calibration gives them."""
    counts = 7000 + 10 * np.rint(ramp(121, 161) * 10).astype(dtype)
    boxes = np.array([[40, 30, 110, 100]])
    grey = render(counts.astype(np.float32), Tone(name="percentile"))
    wanted = find(grey, boxes=boxes)
    images = [counts, counts[..., None]]
    if dtype == np.uint16:
        cv2.imwrite(str(tmp_path / "raw.png"), counts)
        images.append(tmp_path / "raw.png")
    for image in images:
        faces = find(image, boxes=boxes)
        np.testing.assert_array_equal(faces.points, wanted.points)
        assert faces.temperatures is None
        np.testing.assert_array_equal(find.grey(image), grey)
    celsius = ramp(121, 161)
    known = find(counts, boxes=boxes, celsius=celsius).temperatures
    np.testing.assert_array_equal(known, find(grey, boxes=boxes, celsius=celsius[..., None]).temperatures)


@pytest.mark.parametrize("dtype", [np.uint16, np.int64])
def test_grey_levels_in_a_wider_type_are_no_temperatures(find, dtype):
    """A dark picture of 0..255 has a median that could be degrees Celsius, which integers never are here."""
    levels = np.full((121, 161), 30, dtype)
    levels[40:80, 60:100] = 210
    assert find(levels, boxes=[[40, 30, 110, 100]]).temperatures is None


@pytest.mark.parametrize("median", [29500, 18500])  # 22 and 16 degrees Celsius, as centikelvin and 1/64 kelvin
def test_counts_that_fill_16_bits_have_no_temperatures(find, median):
    """Stretched to 0..65535, the middle of a picture is a temperature, and its darkest part is none."""
    levels = np.linspace(0, 1, 80 * 100)
    half = np.where(levels < 0.5, 2 * levels * median, median + (2 * levels - 1) * (65535 - median))
    counts = np.random.default_rng(0).permutation(half).astype(np.uint16).reshape(80, 100)
    assert abs(float(np.median(counts)) - median) < 20
    assert find(counts, boxes=[[10, 10, 60, 60]]).temperatures is None
    np.testing.assert_array_equal(find.grey(counts), render(counts.astype(np.float32), Tone(name="percentile")))


@pytest.mark.parametrize(("rows", "degrees"), [(3, 200.0), (10, -83.0)])  # a stove, and the sky
def test_raw_values_of_places_with_hot_and_cold_things_are_temperatures(find, rows, degrees):
    celsius = ramp(120, 160)
    celsius[:rows] = degrees
    known = pictures.read(np.rint((celsius + 273.15) * 100).astype(np.uint16), Tone())
    np.testing.assert_allclose(known.celsius, celsius, atol=0.02)


@pytest.mark.parametrize("scale", [100, 64])
def test_raw_pixels_of_nothing_are_missing(find, scale):
    raw = np.rint((ramp(90, 120) + 273.15) * scale).astype(np.uint16)
    raw[:30] = 0  # a frame around the picture
    raw[60, 50] = 65535  # one element that glows
    known = pictures.read(raw, Tone())
    assert np.isnan(known.celsius[:30]).all() and not known.grey[:30].any() and not known.counts
    np.testing.assert_allclose(known.celsius[30:, :50], ramp(90, 120)[30:, :50], atol=0.02)


@pytest.mark.parametrize("lost", [-9999, -273.15, -np.inf, 1e300])
def test_floats_that_are_no_temperature_are_missing_and_hide_nobody(made, lost):
    """Percentiles of the frame would be theirs, and every face one shade of white."""
    degrees = (20 + shipped_weights.with_blobs(121, 161, (80, 60)) / 20).astype(np.float64)
    degrees[:20] = np.nan
    landmarker = Landmarker(made[0], tone=Tone(name="percentile"))
    boxes = np.array([[40, 30, 110, 100]])
    wanted = landmarker(degrees, boxes=boxes)
    degrees[:20] = lost
    faces = landmarker(degrees, boxes=boxes)
    np.testing.assert_array_equal(faces.points, wanted.points)
    np.testing.assert_array_equal(faces.temperatures, wanted.temperatures)


def test_masked_temperatures_are_missing_and_a_mask_of_anything_else_is_refused(find):
    degrees, hidden = ramp(90, 120), np.zeros((90, 120), bool)
    hidden[:30] = True
    degrees[:30] = 60
    boxes = [[20, 40, 60, 80]]
    masked, filled = np.ma.masked_array(degrees, hidden), np.where(hidden, np.nan, degrees)
    wanted = find(filled, boxes=boxes)
    for faces in (find(masked, boxes=boxes), find(find.grey(filled), boxes=boxes, celsius=masked)):
        np.testing.assert_array_equal(faces.points, wanted.points)
        np.testing.assert_array_equal(faces.temperatures, wanted.temperatures)
    grey = np.full((90, 120), 9, np.uint8)
    with pytest.raises(DataError, match=r"^the image is uint8 with a mask$"):
        find(np.ma.masked_array(grey, hidden))
    raw = np.rint((degrees + 273.15) * 100).astype(np.uint16)
    known = pictures.read(np.ma.masked_array(raw, hidden), Tone()).celsius
    assert np.isnan(known[:30]).all() and np.isfinite(known[30:]).all()
    find(np.ma.masked_array(grey, np.zeros_like(hidden)))


def test_a_picture_of_pillow_is_as_its_file(find, tmp_path):
    grey = shipped_weights.with_blobs(121, 161, (80, 60))
    levels = np.random.default_rng(3).permutation(256).astype(np.uint8)
    palette = Image.fromarray(np.argsort(levels).astype(np.uint8)[grey], mode="P")
    palette.putpalette(np.repeat(levels, 3).tolist())
    palette.save(tmp_path / "p.png")
    assert not np.array_equal(np.asarray(palette), grey)
    for picture in (Image.fromarray(grey), palette, tmp_path / "p.png", Image.fromarray(grey).convert("LA")):
        np.testing.assert_array_equal(find.grey(picture), grey)
    raw = (ramp(40, 50) * 100 + 27315).astype(np.uint16)
    Image.frombytes("I;16B", (50, 40), raw.astype(">u2").tobytes()).save(tmp_path / "big.tiff")
    for pixels, picture in ((ramp(40, 50), None), (raw, None), (raw, Image.open(tmp_path / "big.tiff"))):
        known = pictures.read(picture or Image.fromarray(pixels), Tone())
        np.testing.assert_array_equal(known.grey, find.grey(pixels))
        assert known.celsius is not None
    content = (tmp_path / "p.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"^the image cannot be read: "):
        find(Image.open(tmp_path / "cut.png"))


def test_a_file_of_several_pictures_is_refused_rather_than_the_first_taken(find, tmp_path):
    frames = [Image.fromarray(np.full((40, 50), level, np.uint8)) for level in (10, 20, 30)]
    frames[0].save(tmp_path / "film.tiff", save_all=True, append_images=frames[1:])
    with pytest.raises(DataError, match=r"^film\.tiff holds several pictures$"):
        find(tmp_path / "film.tiff")
    thumbnail = frames[1].resize((25, 20))
    frames[0].save(tmp_path / "one.TIFF", save_all=True, append_images=[thumbnail])
    assert (find.grey(tmp_path / "one.TIFF") == 10).all()
    frames[0].save(tmp_path / "late.Tif", save_all=True, append_images=[thumbnail, frames[2]])
    with pytest.raises(DataError, match=r"^late\.Tif holds several pictures$"):
        find(tmp_path / "late.Tif")
    # A second page whose header claims 200,000 x 200,000 pixels is not decoded, and is no frame.
    content = bytearray((tmp_path / "one.TIFF").read_bytes())
    for tag, old in ((256, 25), (257, 20)):
        field = struct.pack("<HHI", tag, 4, 1) + struct.pack("<I", old)
        short = struct.pack("<HHI", tag, 3, 1) + struct.pack("<HH", old, 0)
        at = max(content.rfind(field), content.rfind(short))
        content[at : at + 12] = struct.pack("<HHII", tag, 4, 1, 200_000)
    (tmp_path / "absurd.tiff").write_bytes(content)
    assert (find.grey(tmp_path / "absurd.tiff") == 10).all()


def test_counts_keep_a_tone_that_needs_no_degrees(made):
    counts = 7000 + 10 * np.rint(ramp(121, 161) * 10).astype(np.uint16)
    tone = Tone(name="minmax")
    grey = Landmarker(made[0], tone=tone).grey(counts)
    np.testing.assert_array_equal(grey, render(counts.astype(np.float32), tone))


def test_one_channel_is_grey_or_degrees(find):
    grey, degrees = shipped_weights.with_blobs(121, 161, (80, 60)), ramp(121, 161)
    for image in (grey, degrees):
        np.testing.assert_array_equal(find.grey(image[..., None]), find.grey(image))


# --- what is refused


@pytest.mark.parametrize(
    ("image", "cause", "remedy"),
    [
        (ramp(40, 50) + 273.15, "has a median of 29.*, which looks like degrees in kelvin", "value - 273.15"),
        (
            ramp(40, 50) * 1.8 + 32,
            "has a median of 7.*, which looks like degrees in fahrenheit",
            "(value - 32) / 1.8",
        ),
        (ramp(40, 50) / 40, "holds floats from 0 to 1, no degrees Celsius", "give uint8"),
        ((ramp(40, 50) / 40).astype(np.float16), "holds floats from 0 to 1", "give uint8"),
        (np.eye(40), "holds floats from 0 to 1", "give uint8"),
        (np.rint(ramp(90, 120) * 4), "holds whole numbers from 0 to 255 as floats", "give uint8"),
        (ramp(40, 50) + 7000, "has a median of 70.*, no temperature of a place", "as integers"),
        (ramp(40, 50) - 100, "has a median of -7.*, no temperature of a place", "as integers"),
    ],
)
def test_floats_that_are_no_degrees_celsius_are_refused(find, tmp_path, image, cause, remedy):
    with pytest.raises(DataError, match=f"^the image {cause}") as caught:
        find(image)
    assert remedy in caught.value.remedy
    with pytest.raises(DataError, match=f"^`celsius` {cause}"):
        find(np.zeros(image.shape, np.uint8), celsius=image)
    cv2.imwrite(str(tmp_path / "a.tiff"), image.astype(np.float32))
    with pytest.raises(DataError, match=rf"^a\.tiff {cause}"):
        find(tmp_path / "a.tiff")


@pytest.mark.parametrize(
    ("image", "cause"),
    [
        (None, "the image is None"),
        ([np.zeros((9, 9), np.uint8)] * 2, "the image is a list of 2"),
        ([np.zeros((9, 9)), np.zeros((8, 8))], "the image is a list of 2"),
        (np.zeros((4, 9, 9, 3), np.uint8), r"the image is uint8 \(4, 9, 9, 3\)"),
        (np.zeros((4, 9, 12), np.uint8), r"the image is uint8 \(4, 9, 12\): 12 channels"),
        (np.zeros((0, 0), np.uint8), "the image measures 0 x 0 pixels"),
        (np.zeros((0, 9, 3), np.uint8), "the image measures 9 x 0 pixels"),
        (np.zeros((1, 9), np.float32), "the image measures 9 x 1 pixels"),
    ],
)
def test_a_message_says_what_was_given(find, image, cause):
    with pytest.raises(DataError, match=f"^{cause}$") as caught:
        find(image)
    remedies = {"None": "cv2.imread", "pixels": "2 or more"}
    wanted = next((remedies[word] for word in remedies if word in caught.value.cause), "one picture a call")
    assert wanted in caught.value.remedy


def test_messages_for_paths_say_what_to_do(find, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"")
    absent = tmp_path / "nix.png"
    for path, cause, remedy in (
        (absent, f"there is no file {absent}", "thermark predict --images"),
        (absent / "x.png", f"there is no file {absent / 'x.png'}", "check the path"),
        (tmp_path, f"{tmp_path} is a folder", f"thermark predict --images {tmp_path}"),
        (tmp_path / "bad.png", "bad.png is empty", "save it again"),
        (tmp_path / ("x" * 300), f"{'x' * 300} File name too long", "save it again"),
    ):
        with pytest.raises(DataError) as caught:
            find(str(path))
        assert caught.value.cause == cause and remedy in caught.value.remedy
        assert "fetch" not in caught.value.remedy


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((9, 9, 2), np.uint8),
        np.zeros((9, 9, 3), np.float32),
        np.zeros((4, 9, 9, 3), np.uint8),
        np.zeros((1, 9), np.uint8),
        np.zeros(9, np.uint8),
        np.zeros((9, 9), bool),
        np.zeros((9, 32767), np.uint8),  # OpenCV cuts from no such picture
        "nowhere.png",
    ],
)
def test_what_is_no_picture_is_refused(find, image):
    with pytest.raises(DataError) as caught:
        find(image)
    assert "\n" not in caught.value.cause and caught.value.remedy


def test_what_does_not_fit_is_refused(find):
    grey = np.zeros((9, 12), np.uint8)
    for celsius in (np.zeros((12, 9)), np.zeros((9, 12), np.uint8)):
        with pytest.raises(DataError, match=r"^`celsius` is .*, the image measures \(9, 12\)$"):
            find(grey, celsius=celsius)
    with pytest.raises(DataError, match="holds temperatures itself"):
        find(np.full((9, 12), 30.0), celsius=np.zeros((9, 12)))
    with pytest.raises(DataError, match=r"^`boxes` is \(4,\)"):
        find(grey, boxes=np.array([0, 0, 5, 5]))
    words = ["a", "b", "c", "d"], ["1", "2", "30", "40"]
    mixed = np.array([[10, 10.5, 60, 60]], object)
    np.testing.assert_array_equal(find(grey, boxes=mixed).boxes, [[10, 10.5, 60, 60]])
    assert len(find(grey, boxes=np.zeros((0, 4), bool))) == 0
    for boxes in ("x", [[1, 2, 3, 4], [5]], {"x": 1}, [words[0]], [words[1]], [[1j, 2, 3, 4]]):
        with pytest.raises(DataError, match=f"^`boxes` is a {type(boxes).__name__} that holds no numbers"):
            find(grey, boxes=boxes)


@pytest.mark.parametrize("threads", [-1, 0])
def test_a_number_of_threads_that_cannot_be_is_refused(made, threads):
    with pytest.raises(ConfigError, match=f"^{threads} is no number of threads$"):
        Landmarker(made[0], threads=threads)


@pytest.mark.parametrize(
    ("own", "name"),
    [
        ({"longest": 31}, "longest"),
        ({"longest": 4097}, "longest"),
        ({"threshold": 1.0}, "threshold"),
        ({"tone": "minmax"}, "tone"),
    ],
)
def test_a_size_or_score_in_which_nobody_can_be_found_is_refused(made, own, name):
    with pytest.raises(ConfigError, match=f"^the {name} .* is no ") as caught:
        Landmarker(made[0], **own)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threads", 1.5),
        ("threads", "2"),
        ("threads", True),
        ("threshold", "x"),
        ("longest", 320.0),
        ("weights", 3),
        ("flip", "no"),
        ("flip", None),
    ],
)
def test_a_setting_of_another_kind_is_refused(made, name, value):
    with pytest.raises(ConfigError, match=f"^`{name}` is {value!r}$"):
        Landmarker(**({"weights": made[0]} | {name: value}))
    assert Landmarker(made[0], threads=np.int64(1), threshold=np.float32(0.5), longest=np.int32(320)).threads == 1


def test_two_results_are_not_compared_by_an_error(find):
    one, other = (find(np.zeros((40, 50), np.uint8)) for _ in range(2))
    assert one != other and one in [other, one]


def copied(made, tmp_path) -> Path:
    return Path(shutil.copytree(made[0], tmp_path / "copy"))


@pytest.mark.parametrize("name", ["detector.onnx", "landmarks.onnx", "card.json"])
def test_absent_weights_are_named_with_what_to_do(made, tmp_path, name):
    folder = copied(made, tmp_path)
    (folder / name).unlink()
    with pytest.raises(DataError, match=rf"{name} cannot be read$") as caught:
        Landmarker(folder)
    assert "install the package again" in caught.value.remedy


@pytest.mark.parametrize("name", ["detector.onnx", "landmarks.onnx"])
def test_a_flipped_bit_is_found(made, tmp_path, name):
    folder = copied(made, tmp_path)
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(DataError, match=rf"{name} is damaged: its sha256 is \w+\.\.\., not \w+\.\.\.$"):
        Landmarker(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"licence": "x"}', '{"licence": "x", "extra": 1}'])
def test_a_damaged_card_is_one_line(made, tmp_path, text):
    folder = copied(made, tmp_path)
    (folder / "card.json").write_text(text)
    with pytest.raises(DataError, match=r"card\.json is damaged") as caught:
        Landmarker(folder)
    assert "\n" not in caught.value.cause


def test_a_file_that_is_what_was_meant_and_no_network_is_one_line(made, tmp_path):
    folder = tmp_path / "odd"
    shipped_weights.write(folder, made[1])
    (folder / "landmarks.onnx").write_bytes(b"no network")
    from thermark.core import files

    card = files.read_json(folder / "card.json")
    card["landmarks"]["sha256"] = files.sha256(folder / "landmarks.onnx")
    files.write_json(folder / "card.json", card)
    with pytest.raises(DataError, match=r"landmarks\.onnx is no ONNX network") as caught:
        Landmarker(folder)
    assert "install the package again" in caught.value.remedy


# --- threads


def test_threads_are_those_of_this_process_or_as_asked_and_answers_the_same(made, monkeypatch):
    picture = shipped_weights.with_blobs(121, 161, (80, 60))
    monkeypatch.setattr("thermark.core.parallel.cores", lambda: 64)
    assert Landmarker(made[0]).threads == 4
    monkeypatch.setattr("thermark.core.parallel.cores", lambda: 1)
    one = Landmarker(made[0])
    assert one.threads == 1
    three = Landmarker(made[0], threads=3)
    for session in (three._detector.session, three._network.session):
        options = session.get_session_options()
        assert options.intra_op_num_threads == 3
        assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    np.testing.assert_allclose(three(picture).points, one(picture).points, atol=0.02)


def test_the_network_reads_packed_crops_as_the_evaluation_does(made):
    import drawn_faces
    from thermark.landmarker.network import LandmarkSession

    faces = [drawn_faces.placed(0, index, 96, 1.75) for index in range(12)]
    pixels, maps = np.stack([face[0] for face in faces]), np.stack([face[1] for face in faces])
    maps[3] = np.nan
    landmarker = Landmarker(made[0])
    network = LandmarkSession(landmarker._network.session, landmarker.card.landmarks)
    wanted, scores = learned.read(made[1], flip="none").on_crops(pixels, maps, 1.75)
    for crops in (pixels, np.repeat(pixels[..., None], 3, axis=3)):
        points, actual = network.on_crops(crops, maps, 1.75)
        np.testing.assert_allclose(points, wanted, atol=0.02)
        np.testing.assert_allclose(actual, scores, atol=1e-3 * np.nanmax(np.abs(scores)))
    assert np.isnan(points[3]).all() and np.isfinite(np.delete(points, 3, axis=0)).all()


def test_another_number_of_points_is_the_vocabularys(tmp_path):
    run = tiny_runs.write_scaled(tmp_path / "noses" / "seed0", 1, vocabulary="nose1", points=1)
    faces = Landmarker(shipped_weights.write(tmp_path / "weights", run))(np.full((64, 64), 255, np.uint8))
    assert faces.points.shape[1:] == (1, 2) and faces.vocabulary == "nose1" and len(faces.names) == 1
