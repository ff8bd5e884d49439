"""Heads in miniature: frames drawn around points, a backbone that sees brightness, a head that repeats it."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import torch
from torch.nn import functional as F

import instances
from thermark.core import files
from thermark.core.config import parse
from thermark.core.faces import Faces
from thermark.core.frames import Frames
from thermark.datasets.readers.loaded import Source
from thermark.fewshot import crops, features, model
from thermark.fewshot.backbone import Backbone
from thermark.fewshot.tiny_head import TinyHead
from thermark.nets.pixels import MEAN, STD

NAME = "drawn_frames"
SIZE = (192, 256)
MAP = 64  # px of a head's map
SETTINGS = {"raw": "drawn"}
CONFIG = {"faces": "drawn", "loader": NAME, "raw": "drawn", "labels": "nose1", "vocabulary": "nose1"}
SECTION = {"family": "brightness", "weights": "w"}


def blob(xy, size: tuple[int, int] = SIZE, sigma: float = 2.5, colour: bool = False) -> np.ndarray:
    """Return a frame (H, W[, 3]) that is brightest at xy px, counted from pixel centres, and black elsewhere."""
    row, column = np.mgrid[: size[1], : size[0]]
    grey = np.rint(255 * np.exp(-((column - xy[0]) ** 2 + (row - xy[1]) ** 2) / (2 * sigma**2))).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=-1) if colour else grey


def brightest(image: np.ndarray) -> np.ndarray:
    """Return the centre of all light (x, y), counted from pixel centres."""
    light = image.astype(float) / image.sum()
    row, column = np.mgrid[: image.shape[0], : image.shape[1]]
    return np.array([(light * column).sum(), (light * row).sum()])


class Config(Source):
    """Settings of the drawn data set."""

    source: str = "plain"


def dataset(monkeypatch, images: dict[str, np.ndarray]) -> ModuleType:
    """Return a data set module that reads `images`, frame id -> pixels, for as long as the test runs."""
    module = ModuleType(NAME)
    names = np.array(list(images))
    none = np.zeros((len(names), 2), np.int32)
    frames = Frames(names, names, np.char.add(names, ".png"), none, "thermal")
    module.Config = Config
    module.load = lambda root, config: SimpleNamespace(frames=frames)
    module.read = lambda path, config: images[path.relative_to("drawn").as_posix().removesuffix(".png")]
    monkeypatch.setitem(sys.modules, NAME, module)
    return module


def prepared(folder: Path, faces: Faces, images: dict[str, np.ndarray]) -> Path:
    """Write what crops need of a prepared face set."""
    names = np.array(list(images))
    sizes = np.array([image.shape[1::-1] for image in images.values()], np.int32)
    folder.mkdir(parents=True, exist_ok=True)
    faces.save(folder / "faces.npz")
    if "source" in faces.strata:
        instances.annotations_of(faces).save(folder)
    Frames(names, names, np.char.add(names, ".png"), sizes, "thermal").save(folder / "frames.npz")
    return folder


def cut(monkeypatch, root: Path, faces: Faces, images: dict[str, np.ndarray], **settings) -> crops.CropSet:
    """Cut crops of the drawn frames into root/cut, as the stage does, and open them."""
    module = dataset(monkeypatch, images)
    config = parse(CONFIG | settings, crops.Config, "crops.x")
    ready = prepared(root / "faces", faces, images)
    crops.make(module, Path("drawn"), SETTINGS, config, ready, root / "cut", root / "cut.json", workers=1)
    return crops.read(root / "cut")


def seen(images: torch.Tensor) -> torch.Tensor:
    """Return the brightness (N, 1, 64, 64), 0 to 1 in steps of 1/256, around each place that a map's pixel means.

    Pixel i of the map is i x side / 64 from the crop's outline: between two pixels, whose mean is taken.
    """
    step = images.shape[-1] // MAP
    grey = (images[:, :1] * STD[0] + MEAN[0]) / 255
    means = F.avg_pool2d(F.pad(grey, (1, 0, 1, 0), mode="replicate"), 2, stride=1)
    return (means[..., ::step, ::step] * 256).round() / 256


def backbone(batch: int = 3) -> Backbone:
    """Return a backbone of one channel that sees brightness."""
    return Backbone(seen, SECTION, "b" * 64, 1, ("elsewhere",), torch.device("cpu"), batch)


def repeating() -> TinyHead:
    """Return a head whose map is its feature."""
    head = TinyHead(1, 1, MAP).eval()
    with torch.no_grad():
        for weight in head.parameters():
            weight.zero_()
        for norm in (head.norm1, head.norm2):
            norm.weight.fill_(1)
        # Far from zero, GELU is the identity.
        head.conv1.bias[0] = 8
        head.conv1.weight[0, 0], head.conv2.weight[0, 0, 1, 1], head.conv3.weight[0, 0] = 1, 1, 1
        head.conv3.bias[0] = -8
    return head


def card(**changed) -> model.HeadCard:
    """Return the card of a head on `backbone`."""
    about = {
        **{"vocabulary": "nose1", "points": 1, "channels": 1, "size": MAP, "side": 256, "geometry": "posts"},
        **{"padding": 1.25, "decode": "argmax", "sigma": 2.0, "backbone": SECTION, "backbone_sha256": "b" * 64},
        **{"trained_on": ["drawn", "elsewhere"], "labels": 3, "labels_val": 2, "seed": 0},
        **{"best_epoch": 1, "val_error": 5.0},
    }
    return model.HeadCard(**(about | changed))


def encoded(folder: Path, parts: list[str], published: list[bool], points: int = 1, noise: float = 0.1) -> None:
    """Write folder/cut, crops of 64 px in frames at half and a third of their scale, and folder/seen/cut.

    Features (M, 4, 8, 8) have a bell at each label and noise elsewhere; pixels are black.
    """
    rng, count, side = np.random.default_rng(0), len(parts), 64
    xy = rng.uniform(8, side - 9, (count, points, 2))
    row, column = np.mgrid[:8, :8] * 8 + 3.5
    near = (column - xy[..., :1, None]) ** 2 + (row - xy[..., 1:, None]) ** 2
    maps = np.einsum("mkhw,kc->mchw", np.exp(-near / (2 * 7.0**2)), rng.normal(size=(points, 4)))
    arrays = {
        "rows": np.arange(count),
        "frames": np.array([f"f{i}" for i in range(count)]),
        "subjects": np.array(["s"] * count),
        "parts": np.array(parts),
        "published": np.array(published),
        "xy": xy,
        "to_frame": np.tile([[0.5, 0, 7], [0, 1 / 3, 9]], (count, 1, 1)),
    }
    (folder / "cut").mkdir(parents=True)
    files.write_arrays(folder / "cut" / "crops.npz", arrays)
    np.save(folder / "cut" / "pixels.npy", np.zeros((count, side, side), np.uint8))
    vocabulary = {1: "nose1", 2: "nostrils2"}[points]
    about = {"faces": "drawn", "vocabulary": vocabulary, "geometry": "square", "padding": 1.5, "side": side}
    files.write_json(folder / "cut" / "crops.json", about | {"fingerprint": "f" * 64})
    (folder / "seen" / "cut").mkdir(parents=True)
    np.save(folder / "seen" / "cut" / features.ARRAY, (maps + noise * rng.normal(size=maps.shape)).astype("<f2"))
    fields = {"dtype": "float16", "shape": list(maps.shape), "backbone": SECTION, "sha256": "b" * 64}
    fields |= {"precision": "fp32", "trained_on": ["elsewhere"], "crops": "f" * 64}
    files.write_json(folder / "seen" / "cut" / features.CARD, fields)
    files.write_json(folder / "seen" / features.STATUS, {"status": "ok", "reason": ""})
