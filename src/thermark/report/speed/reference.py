"""A small network that is timed beside every contestant: times in units of it can be compared between machines."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from thermark.models.inference import sessions

SIDE, CHANNELS, LAYERS = 64, 64, 6
NAME = f"{LAYERS} convolutions of 3 x 3 and {CHANNELS} channels on {SIDE} x {SIDE} px, by onnxruntime"


def content() -> bytes:
    """Return the network as an ONNX file: pictures (1, 3, SIDE, SIDE) in, (1, CHANNELS, SIDE, SIDE) out."""
    rng = np.random.default_rng(0)
    widths = [3, *[CHANNELS] * LAYERS]
    shapes = [(wide, narrow, 3, 3) for narrow, wide in pairwise(widths)]
    # Values stay near 1 through all layers: denormal numbers would be slower than others.
    filters = [rng.normal(0, np.prod(shape[1:]) ** -0.5, shape).astype(np.float32) for shape in shapes]
    nodes = []
    for place in range(LAYERS):
        nodes.append(helper.make_node("Conv", [f"x{place}", f"w{place}"], [f"y{place}"], pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Relu", [f"y{place}"], [f"x{place + 1}"]))
    graph = helper.make_graph(
        nodes,
        "reference",
        [helper.make_tensor_value_info("x0", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info(f"x{LAYERS}", TensorProto.FLOAT, [1, CHANNELS, SIDE, SIDE])],
        [numpy_helper.from_array(values, f"w{place}") for place, values in enumerate(filters)],
    )
    opset = [helper.make_opsetid("", 17)]
    return bytes(helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString())


def opened(threads: int) -> Callable[[], object]:
    """Return a call that runs the network on one picture, with so many threads in native arithmetic."""
    session = sessions.opened(Path("reference.onnx"), "cpu", threads, content())
    picture = np.random.default_rng(1).random((1, 3, SIDE, SIDE), np.float32)
    return lambda: session.run(None, {"x0": picture})
