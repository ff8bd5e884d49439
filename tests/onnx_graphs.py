"""ONNX networks put together by hand, of which every answer is known, and bundles that hold them."""

import json
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from thermark.core import bundle

OPSET = 17


def write(path: Path, nodes: list, constants: dict, inputs: list, outputs: list[str], opset: int = OPSET) -> Path:
    """Write a graph of `nodes` (op, inputs, output, attributes) from the input `x` of shape `inputs`."""
    made = [helper.make_node(op, took, [gave], **more) for op, took, gave, more in nodes]
    stored = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    input_info = helper.make_tensor_value_info("x", TensorProto.FLOAT, inputs)
    output_infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    graph = helper.make_graph(made, "by_hand", [input_info], output_infos, stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
    return path


def raw(boxes: list, size: tuple[int, int], classes: int) -> np.ndarray:
    """Return a YOLOX table (A, 5 + classes) for (x1, y1, x2, y2, score, class) in an input of (height, width).

    A box goes to the cell of stride 8 under its centre; all else has objectness 0.
    """
    rows, columns = size[0] // 8, size[1] // 8
    anchors = sum((size[0] // stride) * (size[1] // stride) for stride in (8, 16, 32))
    table = np.zeros((anchors, 5 + classes), np.float32)
    for x1, y1, x2, y2, score, kind in boxes:
        x, y = (x1 + x2) / 16, (y1 + y2) / 16
        cell = min(int(y), rows - 1) * columns + min(int(x), columns - 1)
        while table[cell, 4]:
            cell += 1
        at = np.array([x - cell % columns, y - cell // columns])
        table[cell, :4] = [*at, np.log((x2 - x1) / 8), np.log((y2 - y1) / 8)]
        table[cell, 4], table[cell, 5 + kind] = score, 1
    return table


def detector(
    path: Path,
    table: np.ndarray,
    size: tuple[int, int],
    batch: int | str = "batch",
    kinds: np.ndarray | None = None,
    channels: tuple[int, ...] = (0, 1, 2),
) -> Path:
    """Write a YOLOX that says `table` (A, C) of every image, its column 4 times the mean / 255 of `channels`.

    `size` is (height, width). With `kinds` (A,) a second output tells classes.
    """
    brightness = np.zeros(table.shape[1], np.float32)
    brightness[4] = 1 / 255
    constants = {
        "fixed": np.where(brightness > 0, 0, table)[None].astype(np.float32),
        "scaled": (table * brightness)[None].astype(np.float32),
        "flat": np.array([-1, 1, 1], np.int64),
        "channels": np.array(channels, np.int64),
    }
    nodes = [
        ("Gather", ["x", "channels"], "seen", {"axis": 1}),
        ("ReduceMean", ["seen"], "mean", {"axes": [1, 2, 3], "keepdims": 1}),
        ("Reshape", ["mean", "flat"], "light", {}),
        ("Mul", ["scaled", "light"], "lit", {}),
        ("Add", ["lit", "fixed"], "out", {}),
    ]
    outputs = ["out"]
    if kinds is not None:
        constants |= {
            "kinds": kinds[None].astype(np.float32),
            "zero": np.float32(0),
            "row": np.array([-1, 1], np.int64),
        }
        nodes += [
            ("Reshape", ["mean", "row"], "level", {}),
            ("Mul", ["level", "zero"], "nought", {}),
            ("Add", ["kinds", "nought"], "labels", {}),
        ]
        outputs.append("labels")
    return write(path, nodes, constants, [batch, 3, *size], outputs)


def brightest(
    path: Path,
    size: tuple[int, int],
    points: int = 1,
    batch: int | str = "batch",
    lift: float = 3.0,
    opset: int = OPSET,
) -> Path:
    """Write a pose network whose SimCC peaks at the brightest column and row of `size` (width, height).

    The `points` all say the same: bin 2 c is the highest normalised value of column c plus `lift`, odd ones 0.
    """
    nodes, constants = [], {"lift": np.float32(lift)}
    for axis, length, over in (("x", size[0], [1, 2]), ("y", size[1], [1, 3])):
        spread = np.zeros((length, 2 * length), np.float32)
        spread[np.arange(length), 2 * np.arange(length)] = 1
        constants |= {
            f"spread_{axis}": spread,
            f"all_{axis}": np.ones((1, points, 1), np.float32),
        }
        nodes += [
            ("ReduceMax", ["x"], f"peak_{axis}", {"axes": over, "keepdims": 0}),
            ("Add", [f"peak_{axis}", "lift"], f"lifted_{axis}", {}),
            ("MatMul", [f"lifted_{axis}", f"spread_{axis}"], f"bins_{axis}", {}),
            ("Unsqueeze", [f"bins_{axis}", "one"], f"one_{axis}", {}),
            ("Mul", [f"one_{axis}", f"all_{axis}"], f"simcc_{axis}", {}),
        ]
    constants["one"] = np.array([1], np.int64)
    return write(path, nodes, constants, [batch, 3, size[1], size[0]], ["simcc_x", "simcc_y"], opset)


def by_channel(path: Path, size: int) -> Path:
    """Write a pose network of one point whose peak is at pixel 5, 10 or 15: which channel is the brightest."""
    place = np.zeros((3, 2 * size), np.float32)
    place[[0, 1, 2], [10, 20, 30]] = 1
    constants = {"place": place, "lift": np.float32(3), "one": np.array([1], np.int64)}
    nodes = [
        ("ReduceMean", ["x"], "mean", {"axes": [2, 3], "keepdims": 0}),
        ("Add", ["mean", "lift"], "lifted", {}),
        ("MatMul", ["lifted", "place"], "bins", {}),
        ("Unsqueeze", ["bins", "one"], "simcc_x", {}),
        ("Unsqueeze", ["bins", "one"], "simcc_y", {}),
    ]
    return write(path, nodes, constants, ["batch", 3, size, size], ["simcc_x", "simcc_y"])


def logarithm(path: Path, size: int) -> Path:
    """Write a pose network of one point: log of the image's mean, NaN for dark, -inf nowhere, in every bin."""
    constants = {"ones": np.ones((1, 1, 2 * size), np.float32), "flat": np.array([-1, 1, 1], np.int64)}
    nodes = [
        ("ReduceMean", ["x"], "mean", {"axes": [1, 2, 3], "keepdims": 1}),
        ("Reshape", ["mean", "flat"], "level", {}),
        ("Log", ["level"], "log", {}),
        ("Mul", ["log", "ones"], "simcc_x", {}),
        ("Mul", ["log", "ones"], "simcc_y", {}),
    ]
    return write(path, nodes, constants, ["batch", 3, size, size], ["simcc_x", "simcc_y"])


def always(path: Path, size: tuple[int, int], answer: np.ndarray, batch: int | str = "batch") -> Path:
    """Write a network that says `answer` (C, H, W) of every image of `size` (width, height)."""
    constants = {"answer": answer[None].astype(np.float32), "zero": np.float32(0)}
    nodes = [
        ("ReduceMean", ["x"], "mean", {"axes": [1, 2, 3], "keepdims": 1}),
        ("Mul", ["mean", "zero"], "nought", {}),
        ("Add", ["nought", "answer"], "out", {}),
    ]
    return write(path, nodes, constants, [batch, 3, size[1], size[0]], ["out"])


def brightness(
    path: Path, size: tuple[int, int], stride: int, bright: int, level: int = 0, batch: int | str = "batch"
) -> Path:
    """Write a network that says, in maps of `stride`, how bright an image of `size` (width, height) is, in 0..1.

    So say `bright` channels, each a little less sharply; `level` more say 0.5 everywhere.
    """
    sharpness = np.linspace(3, 2, bright)
    kernel = np.zeros((bright + level, 3, stride, stride), np.float32)
    kernel[:bright] = sharpness[:, None, None, None] / (3 * stride**2)
    nodes = [
        ("Conv", ["x", "kernel"], "seen", {"strides": [stride, stride]}),
        ("Sigmoid", ["seen"], "out", {}),
    ]
    return write(path, nodes, {"kernel": kernel}, [batch, 3, size[1], size[0]], ["out"])


def card(size: tuple[int, int], **more) -> dict:
    """Return a card: `size` (width, height)."""
    return {"input_size": list(size), "channels": "rgb"} | more


def described(folder: Path, **cards: dict) -> bundle.Bundle:
    """Write the bundle.json of a folder: `pose={...}` describes pose.onnx; return the bundle."""
    bundle.write(folder, "ok", "", {f"{name}.onnx": entry for name, entry in cards.items()})
    return bundle.read(folder)


def brightest_box(path: Path, side: float = 80.0, kind: str = "face_detector") -> Path:
    """Write a face detector in our form: one box of `side` px about what is brighter than 150, if anything."""
    made = [
        ("Sub", ["image", "bright"], "gap", {}),
        ("Relu", ["gap"], "weight", {}),
        ("ReduceMean", ["weight"], "excess", {"axes": [2, 3], "keepdims": 0}),
        ("Sub", ["excess", "enough"], "more", {}),
        ("Mul", ["more", "steep"], "steeper", {}),
        ("Sigmoid", ["steeper"], "scores", {}),
        ("Mul", ["image", "none"], "zeros", {}),
        ("Add", ["zeros", "one"], "ones", {}),
        ("ReduceSum", ["weight", "plane"], "total", {"keepdims": 0}),
        ("Add", ["total", "one"], "whole", {}),
    ]
    for name, axis in (("x", 3), ("y", 2)):
        made += [
            ("CumSum", ["ones", f"axis{axis}"], f"from_one_{name}", {}),
            ("Sub", [f"from_one_{name}", "one"], f"place_{name}", {}),
            ("Mul", [f"place_{name}", "weight"], f"moment_{name}", {}),
            ("ReduceSum", [f"moment_{name}", "plane"], f"sum_{name}", {"keepdims": 0}),
            ("Div", [f"sum_{name}", "whole"], name, {}),
        ]
    made += [
        ("Concat", ["x", "y", "x", "y"], "middle", {"axis": 1}),
        ("Unsqueeze", ["middle", "row"], "middles", {}),
        ("Add", ["middles", "halves"], "boxes", {}),
    ]
    half = np.float32(side / 2)
    constants = {
        "bright": np.float32(150),
        "enough": np.float32(0.5),
        "steep": np.float32(5),
        "none": np.float32(0),
        "one": np.float32(1),
        "plane": np.array([2, 3], np.int64),
        "axis2": np.array(2, np.int64),
        "axis3": np.array(3, np.int64),
        "row": np.array([1], np.int64),
        "halves": np.array([[[-half, -half, half, half]]], np.float32),
    }
    nodes = [helper.make_node(op, took, [gave], **more) for op, took, gave, more in made]
    stored = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, "height", "width"])
    output_infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("boxes", "scores")]
    graph = helper.make_graph(nodes, "by_hand", [image], output_infos, stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    shape = json.dumps([[(0.5 + point % 7) / 7, (0.5 + point // 7) / 10] for point in range(70)])
    properties = {"kind": kind, "threshold": "0.5", "nms": "0.5", "longest": "320", "trained_on": '["cameras"]'}
    helper.set_model_props(model, properties | {"vocabulary": "facesynthetics70", "shape": shape})
    path.write_bytes(model.SerializeToString())
    return path
