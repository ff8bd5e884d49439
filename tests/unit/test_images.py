"""Damaged, mislabelled and absurd files must never become pixels."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from thermark.core import images
from thermark.core.errors import DataError

GREY = np.arange(64, dtype=np.uint8).reshape(8, 8)
DEEP = GREY.astype(np.uint16) * 640 + 17


def write(path, array):
    assert cv2.imwrite(str(path), array)
    return path


def test_sixteen_bits_survive(tmp_path):
    for name in ("a.png", "a.tiff"):
        assert np.array_equal(images.single(write(tmp_path / name, DEEP), "uint16"), DEEP)


def test_float_tiff_survives(tmp_path):
    celsius = GREY.astype(np.float32) / 3
    path = write(tmp_path / "a.tiff", celsius)
    assert np.array_equal(images.single(path, "float32"), celsius)


def test_rgb_order_alpha_and_grey(tmp_path):
    colour = np.zeros((4, 5, 3), np.uint8)
    colour[..., 0] = 200
    Image.fromarray(colour).save(tmp_path / "rgb.png")
    alpha = np.concatenate([colour, np.full((4, 5, 1), 9, np.uint8)], axis=2)
    Image.fromarray(alpha).save(tmp_path / "rgba.png")
    assert np.array_equal(images.rgb(tmp_path / "rgb.png"), colour)
    assert np.array_equal(images.rgb(tmp_path / "rgba.png"), colour)
    assert images.rgb(write(tmp_path / "grey.png", GREY)).shape == (8, 8, 3)


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int16", "int32", "float32", "float64"])
@pytest.mark.parametrize("channels", [3, 4])
def test_channels_of_any_depth_are_rgb(tmp_path, dtype, channels):
    stored = np.arange(6 * 5 * channels).reshape(6, 5, channels).astype(dtype)
    image = images.decode(write(tmp_path / "a.tiff", stored))  # OpenCV takes BGR(A)
    assert image.dtype == dtype and image.flags.c_contiguous
    assert np.array_equal(image[..., :3], stored[..., 2::-1])
    assert np.array_equal(image[..., 3:], stored[..., 3:])
    with pytest.raises(DataError, match=f"{channels} channels"):
        images.single(tmp_path / "a.tiff", dtype)
    with pytest.raises(DataError, match="not 8-bit"):
        images.rgb(tmp_path / "a.tiff")


def test_other_kinds_of_tiff_are_refused_or_read_never_a_crash(tmp_path):
    """Two-channel, five-channel, bilevel and complex files, written without OpenCV."""
    for name, picture in {
        "la": Image.fromarray(np.dstack([GREY, GREY]), "LA"),
        "bits": Image.fromarray(GREY > 9),
        "cmyk": Image.fromarray(np.dstack([GREY] * 4), "CMYK"),
        "lab": Image.fromarray(np.dstack([GREY] * 3), "LAB"),
    }.items():
        path = tmp_path / f"{name}.tiff"
        picture.save(path)
        try:
            assert images.decode(path).shape[:2] == (8, 8)
        except DataError as error:
            assert path.name in error.cause


def test_palette_is_expanded(tmp_path):
    colour = np.zeros((4, 5, 3), np.uint8)
    colour[..., 1] = 77
    Image.fromarray(colour).convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "p.png")
    assert np.abs(images.rgb(tmp_path / "p.png").astype(int) - colour).max() <= 4


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_exif_is_ignored(tmp_path, suffix):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros((10, 20, 3), np.uint8)).save(tmp_path / f"a{suffix}", exif=exif)
    assert images.rgb(tmp_path / f"a{suffix}").shape == (10, 20, 3)


def test_a_rotated_tiff_is_refused(tmp_path):
    picture = Image.fromarray(np.zeros((10, 20), np.uint16))
    picture.save(tmp_path / "a.tiff", tiffinfo={274: 1})
    assert images.decode(tmp_path / "a.tiff").shape == (10, 20)
    picture.save(tmp_path / "a.tiff", tiffinfo={274: 6})
    with pytest.raises(DataError, match="orientation tag"):
        images.decode(tmp_path / "a.tiff")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tiff"])
@pytest.mark.parametrize("keep", [0, 0.05, 0.5, 0.9])
def test_a_file_cut_off_is_refused(tmp_path, suffix, keep):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    path = write(tmp_path / f"a{suffix}", noise)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(DataError, match=f"a{suffix}"):
        images.decode(path)


def test_text_and_wrong_suffix_are_refused(tmp_path):
    (tmp_path / "text.png").write_text("<html>quota exceeded</html>")
    with pytest.raises(DataError, match="is no PNG") as error:
        images.decode(tmp_path / "text.png")
    assert error.value.remedy.startswith("save it as PNG, JPEG or TIFF")
    write(tmp_path / "a.jpg", GREY).rename(tmp_path / "b.png")
    with pytest.raises(DataError, match="JPG data"):
        images.decode(tmp_path / "b.png")
    with pytest.raises(DataError, match=r"absent\.png"):
        images.decode(tmp_path / "absent.png")


def test_depth_and_channels_are_refused_not_converted(tmp_path):
    with pytest.raises(DataError, match="uint8 instead of uint16"):
        images.single(write(tmp_path / "a.png", GREY), "uint16")
    with pytest.raises(DataError, match="3 channels"):
        images.single(write(tmp_path / "b.png", np.dstack([GREY] * 3)), "uint8")
    with pytest.raises(DataError, match="not 8-bit"):
        images.rgb(write(tmp_path / "c.png", DEEP))


def test_sizes_are_refused_before_decoding(tmp_path):
    for array in (GREY[:1, :1], GREY[:1]):
        with pytest.raises(DataError, match=rf"{array.shape[1]} x 1"):
            images.decode(write(tmp_path / "a.png", array))
    data = write(tmp_path / "b.png", GREY).read_bytes()
    for width, height in ((8000, 8000), (20000, 20000), (0, 40)):  # the second is a bomb in Pillow's eyes
        header = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
        patched = data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]
        (tmp_path / "b.png").write_bytes(patched)
        with pytest.raises(DataError, match="50 megapixels" if width else r"b\.png"):
            images.decode(tmp_path / "b.png")


def test_names_may_be_anything(tmp_path):
    folder = tmp_path / "Wärme bild 热"
    folder.mkdir()
    (folder / "ü ä.png").write_bytes(cv2.imencode(".png", DEEP)[1].tobytes())
    assert np.array_equal(images.single(folder / "ü ä.png", "uint16"), DEEP)
