"""Folders of weights as the landmarker ships them, of networks whose answers are known or random."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import tiny_runs
from thermark.convert import onnx as exported
from thermark.core import files
from thermark.nets import card as cards

CELL = 8  # px: the detector's grid
HALF = (20, 24)  # px: half of the width and height of every box that it says


def detector(path: Path) -> Path:
    """Write a detector whose score is the brightest pixel of each cell of 8 x 8 px, in 0..1.

    Every cell has a box of 40 x 48 px about its centre, in pixels of the input.
    """
    constants = {
        "nought": np.float32(0),
        "one": np.float32(1),
        "cell": np.float32(CELL),
        "first": np.float32((CELL - 1) / 2 - CELL),
        "white": np.float32(255),
        "across": np.int64(3),
        "down": np.int64(2),
        "boxes_shape": np.array([1, -1, 4]),
        "scores_shape": np.array([1, -1]),
        "half_width": np.float32(HALF[0]),
        "half_height": np.float32(HALF[1]),
    }
    steps = [
        ("MaxPool", ["image"], "peak", {"kernel_shape": [CELL, CELL], "strides": [CELL, CELL]}),
        ("Mul", ["peak", "nought"], "zeros", {}),
        ("Add", ["zeros", "one"], "ones", {}),
        ("CumSum", ["ones", "across"], "columns", {}),
        ("CumSum", ["ones", "down"], "rows", {}),
        ("Mul", ["columns", "cell"], "columns_px", {}),
        ("Mul", ["rows", "cell"], "rows_px", {}),
        ("Add", ["columns_px", "first"], "x", {}),
        ("Add", ["rows_px", "first"], "y", {}),
        ("Sub", ["x", "half_width"], "x1", {}),
        ("Sub", ["y", "half_height"], "y1", {}),
        ("Add", ["x", "half_width"], "x2", {}),
        ("Add", ["y", "half_height"], "y2", {}),
        ("Concat", ["x1", "y1", "x2", "y2"], "corners", {"axis": 1}),
        ("Transpose", ["corners"], "by_cell", {"perm": [0, 2, 3, 1]}),
        ("Reshape", ["by_cell", "boxes_shape"], "boxes", {}),
        ("Div", ["peak", "white"], "grid", {}),
        ("Reshape", ["grid", "scores_shape"], "scores", {}),
    ]
    nodes = [helper.make_node(op, took, [gave], **more) for op, took, gave, more in steps]
    stored = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, "height", "width"])
    outputs = [
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, "cells", 4]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, "cells"]),
    ]
    graph = helper.make_graph(nodes, "blobs", [image], outputs, stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    metadata = {
        "kind": "face_detector",
        "threshold": "0.6",
        "nms": "0.5",
        "longest": "320",
        "trained_on": '["drawn"]',
    }
    helper.set_model_props(model, metadata)
    onnx.checker.check_model(model, full_check=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
    return path


def write(folder: Path, run: Path, **changed) -> Path:
    """Write weights with that detector and the network of a seed's folder in fp32; return the folder.

    `changed` are sections of the card: `detector={"threshold": 0.3}`.
    """
    detector(folder / "detector.onnx")
    net, about = cards.read(run)
    (folder / "landmarks.onnx").write_bytes(exported.graph(net, about.input_size, about.points))
    names = ("size", "vocabulary", "input_size", "padding", "trained_on")
    fields = about.model_dump()
    origin = {"run": "tiny", "seed": 0, "precision": "fp32"}
    landmarks = origin | {name: fields[name] for name in names} | {"file": "landmarks.onnx"}
    landmarks |= {"mean": list(about.mean), "std": list(about.std), "cropped": about.cropped, "compression": None}
    finder = origin | {"file": "detector.onnx", "trained_on": ["drawn"], "threshold": 0.6}
    content = {
        "licence": "Apache-2.0",
        "tone": {"name": "clip", "low": 20.0, "high": 40.0},
        "detector": finder | changed.pop("detector", {}),
        "landmarks": landmarks | changed.pop("landmarks", {}),
    } | changed
    for network in ("detector", "landmarks"):
        content[network]["sha256"] = files.sha256(folder / content[network]["file"])
    files.write_json(folder / "card.json", content)
    return folder


def random(root: Path, **changed) -> tuple[Path, Path]:
    """Write weights of a random RTMPose-t of 64 px in root/weights; return them and the network's folder."""
    run = tiny_runs.write_scaled(root / "tiny" / "seed0", 3, modality="thermal", **changed)
    return write(root / "weights", run), run


def with_blobs(height: int, width: int, *places: tuple[int, int], level: int = 30, seed: int = 0) -> np.ndarray:
    """Return a dark noisy picture (H, W) uint8 with white pixels at places (x, y): a face for that detector."""
    picture = np.random.default_rng(seed).integers(0, 2 * level, (height, width), np.uint8)
    for x, y in places:
        picture[y, x] = 255
    return picture
