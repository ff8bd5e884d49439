"""`thermark predict` without a predictor: the shipped landmarker on a folder, from the command line to the CSV."""

import csv
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import shipped_weights
from thermark import Landmarker, cli
from thermark.calibrate import table
from thermark.core.errors import ConfigError, DataError
from thermark.landmarker import card, overlay
from thermark.landmarker.result import Landmarks


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    return shipped_weights.random(tmp_path_factory.mktemp("find"))[0]


@pytest.fixture
def ships(weights, monkeypatch) -> None:
    """Let the package ship these weights."""
    monkeypatch.setattr(card, "FOLDER", weights)


@pytest.fixture
def folder(tmp_path) -> Path:
    """Return a folder with one face, two, none, a colour picture and one that is no picture."""
    root = tmp_path / "pictures"
    (root / "sub").mkdir(parents=True)
    pictures = {
        "one.png": shipped_weights.with_blobs(240, 320, (80, 60)),
        "sub/zwei ö.png": shipped_weights.with_blobs(240, 320, (30, 60), (120, 60)),
        "none.png": np.zeros((50, 60), np.uint8),
        "rgb.png": np.repeat(shipped_weights.with_blobs(90, 320, (40, 40))[..., None], 3, axis=2),
    }
    for name, picture in pictures.items():
        cv2.imwrite(str(root / name), picture)
    (root / "bad.png").write_bytes(b"")
    return root


def predicted(*words: object) -> None:
    cli._main(["predict", *map(str, words)])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_pictures_are_all_it_needs(ships, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    predicted("--images", "pictures")
    table = rows(tmp_path / "predictions.csv")
    names = ["bad.png", "none.png", "one.png", "rgb.png", "sub/zwei ö.png", "sub/zwei ö.png"]
    assert [row["image"] for row in table] == names
    assert [row["box_x"] != "" for row in table] == [False, False, True, True, True, True]
    assert [all(row.values()) for row in table] == [False, False, True, True, True, True]
    for row in table[:2]:
        assert not any(value for name, value in row.items() if name != "image")
    points = Landmarker()(folder / "one.png").points[0]
    coordinates = [[float(table[2][f"{name}_{axis}"]) for axis in "xy"] for name in Landmarker().names]
    np.testing.assert_allclose(coordinates, points, atol=5e-4)
    assert (table[2]["box_w"], table[2]["box_h"]) == ("40", "48") and len(table[2]) == 5 + 3 * 68
    output = capsys.readouterr()
    assert output.out == "predictions.csv: 6 rows of 5 pictures, 1 without a face\n"
    assert output.err == "warning: 1 of 5 pictures cannot be read: bad.png is empty\n"


def test_it_needs_no_torch_and_nothing_of_the_repository(weights, folder, tmp_path):
    program = f"""
import sys
from thermark import cli
cli._main(["predict", "--images", {str(folder)!r}, "--landmarker", {str(weights)!r}])
print([name for name in ("torch", "transformers", "rtmlib", "onnx") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_what_was_found_can_be_asked_again_as_boxes(ships, folder, tmp_path):
    for name in ("bad.png", "none.png"):
        (folder / name).unlink()
    predicted("--images", folder, "--out", tmp_path / "a.csv")
    predicted("--images", folder, "--out", tmp_path / "b.csv", "--boxes", tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_boxes_are_taken_as_they_are(ships, folder, tmp_path):
    boxes = tmp_path / "boxes.csv"
    lines = ["image,box_x,box_y,box_w,box_h", "none.png,5,5,30,30", "bad.png,1,2,3,4", "none.png,200,200,9,9"]
    boxes.write_text("\n".join(lines))
    predicted("--images", folder, "--out", tmp_path / "p.csv", "--boxes", boxes)
    table = rows(tmp_path / "p.csv")
    assert [row["image"] for row in table] == ["none.png", "none.png", "bad.png"]
    assert [row["jaw_0_x" if "jaw_0_x" in row else next(iter(row))] != "" for row in table] == [True, False, False]
    assert [row["box_x"] for row in table] == ["5", "200", "1"]


def test_temperatures_have_columns_where_they_are_asked_for(ships, tmp_path):
    degrees = (20 + 0.05 * np.arange(120) + 0.02 * np.arange(100)[:, None]).astype(np.float32)
    degrees[52, 61] = 45  # white under the card's tone
    root = tmp_path / "hot"
    root.mkdir()
    cv2.imwrite(str(root / "raw.tiff"), np.rint((degrees + 273.15) * 100).astype(np.uint16))
    cv2.imwrite(str(root / "float.tiff"), degrees)
    cv2.imwrite(str(root / "grey.png"), shipped_weights.with_blobs(100, 320, (61, 52)))
    predicted("--images", root, "--out", tmp_path / "p.csv", "--temperatures")
    table = {row["image"]: row for row in rows(tmp_path / "p.csv")}
    names = Landmarker().names
    for name in ("raw.tiff", "float.tiff"):
        row = table[name]
        values = np.array(
            [[float(row[f"{point}_{column}"] or "nan") for column in ("x", "y", "celsius")] for point in names]
        )
        x, y, celsius = values.T
        plain = (np.hypot(x - 61, y - 52) > 2) & np.isfinite(celsius)
        assert plain.sum() > 30
        np.testing.assert_allclose(celsius[plain], (20 + 0.05 * x + 0.02 * y)[plain], atol=0.02)
    assert not any(table["grey.png"][f"{point}_celsius"] for point in names) and table["grey.png"]["box_x"]
    predicted("--images", root, "--out", tmp_path / "q.csv")
    assert not any(column.endswith("_celsius") for column in rows(tmp_path / "q.csv")[0])


def test_the_unit_of_float_pixels_is_asked_for_rather_than_guessed(ships, tmp_path):
    root = tmp_path / "hot"
    root.mkdir()
    cv2.imwrite(str(root / "f.tiff"), np.full((40, 50), 80, np.float32))
    with pytest.raises(ConfigError, match="looks like degrees in fahrenheit"):
        predicted("--images", root, "--out", tmp_path / "p.csv")
    predicted("--images", root, "--out", tmp_path / "p.csv", "--unit", "fahrenheit")
    assert len(rows(tmp_path / "p.csv")) == 1


def test_one_picture_in_another_unit_does_not_end_the_folder(ships, folder, tmp_path, capsys):
    cv2.imwrite(str(folder / "two.tiff"), np.full((40, 50), 300, np.float32))
    drawn = tmp_path / "drawn"
    predicted("--images", folder, "--out", tmp_path / "p.csv", "--overlays", drawn)
    table = {row["image"]: row for row in rows(tmp_path / "p.csv")}
    assert not any(value for name, value in table["two.tiff"].items() if name != "image")
    assert table["sub/zwei ö.png"]["box_x"] and len(list(drawn.rglob("*.png"))) == 4
    message = "warning: 2 of 6 pictures cannot be read: bad.png is empty; two.tiff has a median of 300.0, "
    assert capsys.readouterr().err == f"{message}which looks like degrees in kelvin (add --unit kelvin)\n"


def test_when_all_are_in_another_unit_it_says_what_to_add(ships, tmp_path):
    root = tmp_path / "hot"
    root.mkdir()
    for name in "ab":
        cv2.imwrite(str(root / f"{name}.tiff"), np.full((40, 50), 300, np.float32))
    with pytest.raises(ConfigError, match=r"^no picture can be read: a\.tiff has a median of 300\.0") as caught:
        predicted("--images", root, "--out", tmp_path / "p.csv")
    assert caught.value.remedy == "add --unit kelvin" and not (tmp_path / "p.csv").exists()


def test_floats_from_0_to_1_are_no_temperatures(ships, folder, tmp_path, capsys):
    """As of `Landmarker`: they would be the degrees Celsius of a frozen face."""
    (folder / "bad.png").unlink()
    levels = shipped_weights.with_blobs(240, 320, (80, 60)).astype(np.float32) / 255
    cv2.imwrite(str(folder / "levels.tiff"), levels)
    predicted("--images", folder, "--out", tmp_path / "p.csv", "--temperatures")
    table = {row["image"]: row for row in rows(tmp_path / "p.csv")}
    assert not any(value for name, value in table["levels.tiff"].items() if name != "image")
    assert "levels.tiff holds floats from 0 to 1, no degrees Celsius" in capsys.readouterr().err


def test_grey_levels_as_floats_are_no_temperatures_but_whole_degrees_fahrenheit_are(ships, tmp_path, capsys):
    grey = shipped_weights.with_blobs(240, 320, (80, 60))
    for name, pixels in {"levels": grey, "fahrenheit": grey // 8 + 80}.items():
        cv2.imwrite(str(tmp_path / f"{name}.tiff"), pixels.astype(np.float32))
    assert grey.max() > 212 and (grey // 8 + 80).max() > 100
    predicted("--images", tmp_path, "--out", tmp_path / "p.csv", "--temperatures", "--unit", "fahrenheit")
    table = {row["image"]: row for row in rows(tmp_path / "p.csv")}
    assert not any(value for name, value in table["levels.tiff"].items() if name != "image")
    assert any(value for name, value in table["fahrenheit.tiff"].items() if name != "image")
    assert "levels.tiff holds whole numbers from 0 to 255 as floats" in capsys.readouterr().err


def test_degrees_that_were_converted_are_not_judged_a_second_time(ships, tmp_path):
    """167 degrees Fahrenheit are 75 degrees Celsius, which as they stand look like Fahrenheit."""
    cv2.imwrite(str(tmp_path / "a.tiff"), np.full((40, 50), 167, np.float32))
    (tmp_path / "boxes.csv").write_text("image,box_x,box_y,box_w,box_h\na.tiff,10,10,20,20\n")
    words = ("--unit", "fahrenheit", "--temperatures", "--boxes", tmp_path / "boxes.csv")
    predicted("--images", tmp_path / "a.tiff", "--out", tmp_path / "p.csv", *words)
    (row,) = rows(tmp_path / "p.csv")
    seen = {value for name, value in row.items() if name.endswith("_celsius")}
    assert "75" in seen and seen <= {"75", ""}  # a point beside the picture has none


def test_counts_in_no_known_unit_are_grey_with_one_warning(ships, folder, tmp_path, capsys):
    (folder / "bad.png").unlink()
    counts = 7000 + 10 * shipped_weights.with_blobs(121, 161, (80, 60)).astype(np.uint16)
    counts[60, 76:85] = 9550  # more than the percent that is white
    for name in ("x.tiff", "y.png"):
        cv2.imwrite(str(folder / name), counts)
    cv2.imwrite(str(folder / "z.tiff"), np.full((40, 50), 30015, np.uint16))
    predicted("--images", folder, "--out", tmp_path / "p.csv", "--temperatures", "--overlays", tmp_path / "drawn")
    table = {row["image"]: row for row in rows(tmp_path / "p.csv")}
    for name in ("x.tiff", "y.png"):
        assert table[name]["jaw_0_x"] and not any(v for k, v in table[name].items() if k.endswith("_celsius"))
        assert (tmp_path / "drawn" / f"{name}.png").is_file()
    output = capsys.readouterr()
    message = "warning: 2 of 7 pictures have no temperatures: integers in no known unit: x.tiff, y.png\n"
    assert output.err == message and "of 7 pictures" in output.out


def test_files_are_read_as_by_a_call(ships, tmp_path, capsys):
    """Cold skies, lost frames, raw values, films: both know or refuse the same."""
    scene = shipped_weights.with_blobs(121, 161, (80, 60)).astype(np.float32)
    files = {
        "sky.tiff": scene / 4 - 40,
        "lost.tiff": np.full((40, 50), np.nan, np.float32),
        "holes.tiff": np.where(np.arange(161) < 30, np.float32(-9999), 20 + scene / 10),
        "cold.tiff": scene / 100 - 90,
        "levels.tiff": scene / 255,
        "raw.tiff": np.rint((25 + scene / 20 + 273.15) * 100).astype(np.uint16),
        "stretched.png": np.rint(scene * 257).astype(np.uint16),
    }
    (tmp_path / "pictures").mkdir()
    for name, pixels in files.items():
        cv2.imwrite(str(tmp_path / "pictures" / name), pixels)
    film = [Image.fromarray(np.full((40, 50), level, np.uint8)) for level in (10, 20)]
    film[0].save(tmp_path / "pictures/film.tiff", save_all=True, append_images=film[1:])
    predicted("--images", tmp_path / "pictures", "--out", tmp_path / "p.csv", "--temperatures")
    refused = set()
    for name in (*files, "film.tiff"):
        found = [row for row in rows(tmp_path / "p.csv") if row["image"] == name]
        try:
            faces = Landmarker()(tmp_path / "pictures" / name)
        except DataError as error:
            refused.add(error.cause)
            assert not any(value for key, value in found[0].items() if key != "image")
            continue
        assert [row["box_x"] for row in found if row["box_x"]] == [table.number(x, 3) for x in faces.boxes[:, 0]]
        if len(faces) and faces.temperatures is not None:
            nose = [table.number(value, 3) for value in faces.temperatures[:, 30]]
            assert [row[f"{faces.names[30]}_celsius"] for row in found] == nose
    assert len(refused) == 3  # cold, levels, film
    warnings = capsys.readouterr().err
    assert "3 of 8 pictures cannot be read" in warnings and all(cause in warnings for cause in refused)
    assert "1 of 8 pictures have no temperatures" in warnings


def test_pictures_of_other_formats_are_told_to_be_left_out(ships, folder, tmp_path, capsys):
    (folder / "bad.png").unlink()
    for name in ("a.bmp", "sub/b.webp"):
        (folder / name).write_bytes(b"x")
    predicted("--images", folder, "--out", tmp_path / "p.csv")
    (folder / "c.webp").mkdir()
    message = "warning: 2 pictures are no PNG, JPEG or TIFF and left out: a.bmp, b.webp\n"
    assert capsys.readouterr().err == message
    for path in folder.rglob("*.png"):
        path.unlink()
    with pytest.raises(DataError, match=r"no PNG, JPEG or TIFF in .*, but a\.bmp, b\.webp$"):
        predicted("--images", folder, "--out", tmp_path / "p.csv")


@pytest.mark.parametrize(
    ("unit", "median", "looks"), [("fahrenheit", 295, "kelvin"), ("kelvin", 72, "fahrenheit")]
)
def test_a_unit_that_is_stated_wrongly_is_told(ships, tmp_path, unit, median, looks):
    """295 K as degrees Fahrenheit would be 146 degrees Celsius."""
    cv2.imwrite(str(tmp_path / "a.tiff"), np.full((40, 50), median, np.float32))
    with pytest.raises(ConfigError, match=f"looks like degrees in {looks}") as caught:
        predicted("--images", tmp_path / "a.tiff", "--out", tmp_path / "p.csv", "--unit", unit)
    assert caught.value.remedy == f"add --unit {looks}"


@pytest.mark.parametrize(
    ("scene", "message"),
    [
        (75.0, "looks like degrees in fahrenheit"),
        (295.0, "looks like degrees in kelvin"),
        (0.4, "floats from 0 to 1"),
    ],
)
def test_missing_pixels_do_not_hide_another_unit(ships, tmp_path, scene, message):
    pixels = np.full((40, 50), -9999, np.float32)
    pixels[:15] = scene  # fewer than half
    cv2.imwrite(str(tmp_path / "a.tiff"), pixels)
    with pytest.raises((ConfigError, DataError), match=message):
        predicted("--images", tmp_path / "a.tiff", "--out", tmp_path / "p.csv")


def test_a_tiff_whose_name_is_no_utf_8_is_read(ships, tmp_path):
    """Names of bytes are no text for OpenCV, which would end the whole process."""
    cv2.imwrite(str(tmp_path / "a.tif"), shipped_weights.with_blobs(240, 320, (80, 60)))
    try:
        (tmp_path / "a.tif").rename(tmp_path / "gr\udcfcn.tif")
    except (OSError, UnicodeEncodeError):
        pytest.skip("this disk has names in UTF-8 alone")
    predicted("--images", tmp_path, "--out", tmp_path / "p.csv")
    assert [row["box_w"] for row in rows(tmp_path / "p.csv")] == ["40"]


def test_one_picture_may_be_given_as_a_file(ships, folder, tmp_path, monkeypatch):
    for name in ("bad.png", "none.png"):
        (folder / name).unlink()
    predicted("--images", folder, "--out", tmp_path / "all.csv")
    whole = [row for row in rows(tmp_path / "all.csv") if row["image"] == "one.png"]
    words = ["--out", tmp_path / "p.csv", "--overlays", tmp_path / "drawn"]
    predicted("--images", folder / "one.png", *words)
    assert rows(tmp_path / "p.csv") == whole and (tmp_path / "drawn/one.png.png").is_file()
    monkeypatch.chdir(folder)
    predicted("--images", "one.png", *words, "--boxes", tmp_path / "all.csv")
    assert rows(tmp_path / "p.csv") == whole
    predicted("--images", "sub/zwei ö.png", *words, "--boxes", tmp_path / "all.csv")
    assert [row["image"] for row in rows(tmp_path / "p.csv")] == ["zwei ö.png"] * 2
    (tmp_path / "boxes.csv").write_text("image,box_x,box_y,box_w,box_h\nanother/one.png,1,2,3,4\n")
    with pytest.raises(DataError, match=r"^boxes\.csv has no box for one\.png$"):
        predicted("--images", "one.png", *words, "--boxes", tmp_path / "boxes.csv")
    (tmp_path / "notes.txt").write_bytes(b"")
    with pytest.raises(DataError, match=r"no picture can be read: notes\.txt is empty"):
        predicted("--images", tmp_path / "notes.txt", *words)


def test_the_size_of_detection_and_the_mirror_image_reach_the_landmarker(ships, tmp_path):
    picture = shipped_weights.with_blobs(480, 640, (320, 240))
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    box = [[300, 216, 340, 264]]
    (tmp_path / "boxes.csv").write_text("image,box_x,box_y,box_w,box_h\na.png,300,216,40,48\n")
    for words, wanted in (
        (["--longest", "640"], Landmarker(longest=640)),
        (["--no-flip"], Landmarker(flip=False)),
    ):
        predicted("--images", tmp_path / "a.png", "--out", tmp_path / "p.csv", *words)
        found = [row["box_x"] for row in rows(tmp_path / "p.csv")]
        assert found == [table.number(x, 3) for x in wanted(picture).boxes[:, 0]] or found == [""]
        more = [*words, "--boxes", tmp_path / "boxes.csv"]
        predicted("--images", tmp_path / "a.png", "--out", tmp_path / "p.csv", *more)
        ((x, y),) = wanted(picture, boxes=box).points[:, 30]
        (row,) = rows(tmp_path / "p.csv")
        name = wanted.names[30]
        assert (row[f"{name}_x"], row[f"{name}_y"]) == (table.number(x, 3), table.number(y, 3))
    predicted("--images", tmp_path / "a.png", "--out", tmp_path / "p.csv", "--longest", "640")
    assert rows(tmp_path / "p.csv")[0]["box_w"] == "40"  # at half the size the bright pixel is lost
    predicted("--images", tmp_path / "a.png", "--out", tmp_path / "p.csv")
    assert rows(tmp_path / "p.csv")[0]["box_w"] == ""
    with pytest.raises(ConfigError, match="the longest side 8 is no size"):
        predicted("--images", tmp_path / "a.png", "--out", tmp_path / "p.csv", "--longest", "8")


def jpeg(path: Path, orientation: int | None) -> None:
    """Write a grey JPEG of 60 x 40 px, with a tag for its orientation."""
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    Image.fromarray(np.full((40, 60), 50, np.uint8)).save(path, exif=exif)


def test_a_jpeg_that_its_tag_turns_is_told_once(ships, tmp_path, capsys):
    for name, orientation in {"a.jpg": 6, "b.jpeg": 3, "up.jpg": 1, "none.jpg": None, "odd.jpg": 0}.items():
        jpeg(tmp_path / name, orientation)
    content = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "damaged.jpg").write_bytes(content.replace(b"\x01\x12\x00\x03", b"\xff\xff\xff\xff"))
    predicted("--images", tmp_path, "--out", tmp_path / "p.csv", "--overlays", tmp_path.parent / "drawn")
    said = ": its EXIF tag turns it: pixels are taken as they are stored\n"
    assert capsys.readouterr().err == f"warning: a.jpg{said}warning: b.jpeg{said}"
    assert cv2.imread(str(tmp_path.parent / "drawn/a.jpg.png")).shape == (400, 600, 3)  # neither turned nor cut


def test_tone_and_threshold_reach_the_landmarker(ships, tmp_path):
    root = tmp_path / "hot"
    root.mkdir()
    degrees = np.full((100, 320), 20, np.float32)
    degrees[52, 61] = 31.5
    cv2.imwrite(str(root / "a.tiff"), degrees)
    for words, faces in (((), 0), (("--tone", "20,32"), 1), (("--threshold", "0.55"), 1)):
        predicted("--images", root, "--out", tmp_path / "p.csv", *words)
        assert [row["box_x"] != "" for row in rows(tmp_path / "p.csv")] == [bool(faces)], words
    with pytest.raises(ConfigError, match=r"the threshold 1\.5 is no score"):
        predicted("--images", root, "--threshold", "1.5", "--out", tmp_path / "p.csv")


def test_overlays_show_each_picture_with_its_faces(ships, folder, tmp_path):
    predicted("--images", folder, "--out", tmp_path / "p.csv", "--overlays", tmp_path / "drawn")
    names = {path.relative_to(tmp_path / "drawn").as_posix() for path in (tmp_path / "drawn").rglob("*.png")}
    assert names == {"one.png.png", "none.png.png", "rgb.png.png", "sub/zwei ö.png.png"}
    image = cv2.imread(str(tmp_path / "drawn/one.png.png"))
    assert image.shape == (2 * 240, 2 * 320, 3)
    assert (image.max(axis=2) != image.min(axis=2)).any()  # colours on grey
    bare = cv2.imread(str(tmp_path / "drawn/none.png.png"))
    assert bare.shape == (500, 600, 3) and not bare.any()


def test_an_overlay_has_points_where_they_are(tmp_path):
    points = np.full((1, 68, 2), np.nan, np.float32)
    points[0, 30] = [10, 7]
    boxes = np.array([[4, 3, 16, 12]], np.float32)
    nothing = np.zeros((1, 68), np.float32)
    landmarks = Landmarks(points, nothing, boxes, nothing[:, 0], None, "ibug68")
    drawn = overlay.drawn(np.zeros((32, 64), np.uint8), landmarks)
    assert drawn.shape == (320, 640, 3)
    white = np.argwhere((drawn == 255).all(axis=2))
    np.testing.assert_allclose(white.mean(axis=0), [7 * 10 + 4.5, 10 * 10 + 4.5], atol=0.6)
    orange = np.argwhere((drawn[..., 0] > 60) & (drawn[..., 2] == 0))
    np.testing.assert_allclose(orange.min(axis=0), [34.5, 44.5], atol=1)
    np.testing.assert_allclose(orange.max(axis=0), [124.5, 164.5], atol=1)


def test_what_cannot_be_done_is_said_and_nothing_is_written(weights, folder, tmp_path, monkeypatch):
    out = tmp_path / "p.csv"
    monkeypatch.setattr(card, "FOLDER", tmp_path / "nothing")
    with pytest.raises(DataError, match="there are no weights of the landmarker"):
        predicted("--images", folder, "--out", out)
    monkeypatch.setattr(card, "FOLDER", weights)
    with pytest.raises(DataError, match="there is no folder"):
        predicted("--images", tmp_path / "nowhere", "--out", out)
    with pytest.raises(ConfigError, match="is a folder"):
        predicted("--images", folder, "--out", folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no PNG, JPEG or TIFF"):
        predicted("--images", tmp_path / "empty", "--out", out)
    (tmp_path / "empty/a.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"no picture can be read: a\.png is empty"):
        predicted("--images", tmp_path / "empty", "--out", out)
    with pytest.raises(ConfigError, match="--weights are those of a predictor"):
        predicted("--images", folder, "--out", out, "--weights", weights)
    own = (["--overlays", tmp_path], ["--temperatures"], ["--threshold", "0.5"], ["--landmarker", weights])
    for word in (*own, ["--longest", "640"], ["--no-flip"]):
        with pytest.raises(ConfigError, match="is for the landmarker alone"):
            predicted("--predictor", tmp_path, "--images", folder, *word)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"one\.png.* cannot be written"):
        predicted("--images", folder, "--out", out, "--overlays", tmp_path / "file")
    assert not out.exists()


@pytest.mark.parametrize("overlays", ["pictures", "pictures/drawn", "pictures/../pictures/sub/drawn"])
def test_overlays_are_not_drawn_among_the_pictures_where_they_would_be_looked_for_faces(
    ships, folder, tmp_path, overlays
):
    with pytest.raises(ConfigError, match="lies among the pictures") as caught:
        predicted("--images", folder, "--out", tmp_path / "p.csv", "--overlays", tmp_path / overlays)
    assert "outside" in caught.value.remedy and not list(tmp_path.rglob("*.png.png"))
    predicted("--images", folder / "sub", "--out", tmp_path / "p.csv", "--overlays", folder / "subs")
    assert len(list((folder / "subs").iterdir())) == 1


def test_a_name_that_is_no_utf_8_is_told_with_its_bytes_spelled_out(ships, folder, tmp_path):
    """As an archive from an older Windows unpacks it; where the disk takes no such name there is none."""
    try:
        (folder / "one.png").rename(folder / "gr\udcfcn.png")
    except (OSError, UnicodeEncodeError):
        pytest.skip("this disk has names in UTF-8 alone")
    predicted("--images", folder, "--out", tmp_path / "p.csv", "--overlays", tmp_path / "drawn")
    widths = {row["image"]: row["box_w"] for row in rows(tmp_path / "p.csv")}
    assert widths["gr\\udcfcn.png"] == "40" and len(widths) == 5
    assert (tmp_path / "drawn/gr\udcfcn.png.png").is_file()


def test_a_picture_longer_than_crops_are_cut_from_is_one_that_cannot_be_read(ships, folder, tmp_path, capsys):
    cv2.imwrite(str(folder / "long.png"), np.zeros((20, 33000), np.uint8))
    boxes = tmp_path / "boxes.csv"
    lines = ["image,box_x,box_y,box_w,box_h", "long.png,1,1,15,15", "one.png,60,36,40,48"]
    boxes.write_text("\n".join(lines))
    predicted("--images", folder, "--out", tmp_path / "p.csv", "--boxes", boxes)
    assert [bool(row["jaw_0_x"]) for row in rows(tmp_path / "p.csv")] == [False, True]
    message = "warning: 1 of 2 pictures cannot be read: long.png is 33000 px long\n"
    assert capsys.readouterr().err == message
