"""A small LiteRT file with random weights and the operators of BlazeFace and FaceMesh, made on the spot."""

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from thermark.core import seeds

POINTS, GRID = 70, 16
LENGTHS = (POINTS, GRID * GRID * 6)  # of its two outputs
WIDTH = 16


class _Graph:
    """A graph under construction; tensors are numbers, their arrays are random and belong to their number."""

    def __init__(self) -> None:
        self.tensors: list[Any] = []
        self.buffers: list[Any] = [schema.BufferT()]  # the first one is that of all without content
        self.codes: list[int] = []
        self.operators: list[Any] = []

    def tensor(self, shape: Sequence[int], content: np.ndarray | None = None) -> int:
        """Add a tensor, float32 or as its content is."""
        tensor = schema.TensorT()
        tensor.shape, tensor.name = list(shape), f"t{len(self.tensors)}"
        tensor.type = schema.TensorType.FLOAT32 if content is None else KINDS[content.dtype.name]
        if content is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(content.tobytes(), np.uint8)
            tensor.buffer = len(self.buffers)
            self.buffers.append(buffer)
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def weights(self, *shape: int) -> int:
        """Add random weights that keep values about as large as they are."""
        drawn = seeds.rng(0, "canary", "weights", len(self.tensors)).standard_normal(shape, np.float32)
        return self.tensor(shape, drawn / np.float32(np.prod(shape[1:-1]) * 2))

    def node(self, name: str, inputs: Sequence[int], shape: Sequence[int], **options: Any) -> int:
        """Add an operator such as CONV_2D; returns its output."""
        code = getattr(schema.BuiltinOperator, name)
        if code not in self.codes:
            self.codes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex, operator.inputs = self.codes.index(code), list(inputs)
        operator.outputs = [output := self.tensor(shape)]
        if name in OPTIONS:
            kind = OPTIONS[name]
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
            operator.builtinOptions = getattr(schema, f"{kind}T")()
            for key, value in options.items():
                setattr(operator.builtinOptions, key, value)
        self.operators.append(operator)
        return output

    def conv(self, x: int, shape: Sequence[int], kernel: int, stride: int, **options: Any) -> int:
        """Add a convolution with a bias to (1, side, side, channels)."""
        inside, outside = self.tensors[x].shape[-1], shape[-1]
        inputs = [x, self.weights(outside, kernel, kernel, inside), self.weights(outside)]
        return self.node("CONV_2D", inputs, shape, strideW=stride, strideH=stride, **options)

    def bytes(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """Return the file."""
        graph = schema.SubGraphT()
        graph.tensors, graph.operators, graph.name = self.tensors, self.operators, "canary"
        graph.inputs, graph.outputs = list(inputs), list(outputs)
        model = schema.ModelT()
        model.version, model.subgraphs, model.buffers = 3, [graph], self.buffers
        model.operatorCodes = []
        for code in self.codes:
            operator = schema.OperatorCodeT()
            operator.builtinCode = operator.deprecatedBuiltinCode = code
            model.operatorCodes.append(operator)
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


KINDS = {"float32": schema.TensorType.FLOAT32, "int32": schema.TensorType.INT32}
OPTIONS = {
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "RESIZE_BILINEAR": "ResizeBilinearOptions",
    "ADD": "AddOptions",
}


def tflite(side: int) -> bytes:
    """Return a network of (1, side, side, 3) float32 with outputs of LENGTHS; `side` is 4 GRID px."""
    graph = _Graph()
    half, shape = side // 2, (1, side // 2, side // 2, WIDTH)
    image = graph.tensor((1, side, side, 3))
    x = graph.node("PRELU", [graph.conv(image, shape, 5, 2), graph.weights(1, 1, WIDTH)], shape)
    for _ in range(2):
        inputs = [x, graph.weights(1, 3, 3, WIDTH), graph.weights(WIDTH)]
        deep = graph.node("DEPTHWISE_CONV_2D", inputs, shape, strideW=1, strideH=1, depthMultiplier=1)
        x = graph.node("ADD", [x, graph.conv(deep, shape, 1, 1)], shape)
        x = graph.node("PRELU", [x, graph.weights(1, 1, WIDTH)], shape)
    small = (1, GRID, GRID, WIDTH)
    x = graph.node("MAX_POOL_2D", [x], small, strideW=2, strideH=2, filterWidth=2, filterHeight=2)
    wide = graph.node("RESIZE_BILINEAR", [x, graph.tensor((2,), np.array([half, half], np.int32))], shape)
    x = graph.conv(wide, (1, GRID, GRID, 24), 3, 2, fusedActivationFunction=schema.ActivationFunctionType.RELU)
    grid = graph.conv(x, (1, GRID, GRID, 6), 1, 1)
    points = graph.conv(x, (1, 1, 1, POINTS), GRID, 1, padding=schema.Padding.VALID)
    return graph.bytes([image], [points, grid])
