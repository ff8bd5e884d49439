"""A head that was trained here, as `calibrate` is given one: a run beside the bundle of its tiny backbone."""

from pathlib import Path

import numpy as np

import tiny_runs
from thermark.core import bundle
from thermark.fewshot import backbone, model, training
from thermark.fewshot.backbone import Backbone

SECTION = {"family": "rtmpose", "weights": "tiny", "stages": [1, 2], "dtype": "float32"}


def below(root: Path) -> Backbone:
    """Write root/tiny, a bundle with a random backbone, and return that."""
    tiny_runs.write_scaled(root / "tiny", 3)
    bundle.write(root / "tiny", "ok", "", {"model.safetensors": {}, "model.json": {}})
    return backbone.load("tiny", SECTION, bundle.read(root / "tiny"), "cpu")


def write_head(root: Path, under: Backbone, pixels, xy, train, val, side: int, **fields) -> None:
    """Train on crops (N, side, side) with noses `xy` (N, 1, 2) in their px, and write root/head/seed0."""
    features = under(pixels)
    config = training.Config(epochs=30, precision="fp32")
    fitted = training.fit(features, xy, np.asarray(train), np.asarray(val), side, config, 0)
    about = {"vocabulary": "nose1", "points": 1, "channels": under.channels, "size": 64, "side": side}
    about |= {"padding": 1.0, "sigma": 2.0, "backbone": dict(under.section), "backbone_sha256": under.sha256}
    about |= {"labels": len(train), "labels_val": len(val), "seed": 0}
    about |= {"best_epoch": fitted.progress.best_epoch, "val_error": fitted.progress.best}
    (root / "head" / "seed0").mkdir(parents=True)
    model.write(root / "head" / "seed0", model.HeadCard(**(about | fields)), fitted.weights)
