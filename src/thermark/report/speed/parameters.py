"""How many numbers a contestant has learned: counted in what it holds in memory, or left unknown.

Of torch networks parameters count, as everywhere here; of ONNX and TFLite files the constants that are fractions
or bytes, a few scalars that no training moved among them. Where a file has batch normalisation folded into its
convolutions, it has fewer than the same network in torch. Trees and engines that hide their weights: None.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from math import prod
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType, NoneType
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto
from pydantic import BaseModel

LEARNED = {
    getattr(TensorProto, name) for name in ("FLOAT", "FLOAT16", "BFLOAT16", "DOUBLE", "INT8", "UINT8")
}  # integers of more bits are shapes and places
# Inputs of operators that are statistics, or describe how bytes were packed.
ASIDE = {"BatchNormalization": (3, 4), "DequantizeLinear": (1, 2), "QuantizeLinear": (1, 2)}
LEARNED_TFLITE = ("FLOAT32", "FLOAT16", "INT8", "UINT8")
# What holds no weights; arrays are anchors and tables.
PLAIN: tuple[type, ...] = (str, bytes, int, float, NoneType, Path, np.ndarray, np.generic, np.dtype, BaseModel)
PLAIN += (BuiltinFunctionType, ModuleType, type)
OPEN = ("thermark", "rtmlib")  # packages whose objects hold others in plain attributes
Counts = Iterator[tuple[int, int]]


class Hidden(Exception):
    """Something may hold weights that it does not show."""


def counted(contestant: object, opened: Sequence[Path] = ()) -> int | None:
    """Return how many numbers a loaded contestant has learned, None where that cannot be said exactly.

    `opened`: the files of weights that it asked for. One that hides its weights has them in the only one of them.
    """
    try:
        return sum(dict(_weights(contestant, set())).values()) or None
    except Hidden:
        alone = len(opened) == 1 and opened[0].suffix == ".onnx"
        return of_onnx(onnx.load(opened[0], load_external_data=False)) if alone else None


def of_onnx(model: onnx.ModelProto) -> int:
    """Return how many parameters an ONNX network has, running statistics and quantisation scales aside."""
    aside = {
        node.input[place]
        for node in model.graph.node
        for place in ASIDE.get(node.op_type, ())
        if place < len(node.input)
    }
    return sum(
        prod(tensor.dims)
        for tensor in model.graph.initializer
        if tensor.data_type in LEARNED and tensor.name not in aside
    )


def of_tflite(path: Path) -> int:
    """Return the numbers in the constants of a TFLite network, those of shapes and places aside."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(path.read_bytes(), 0)
    kinds = {getattr(schema.TensorType, name) for name in LEARNED_TFLITE}
    graphs = [model.Subgraphs(number) for number in range(model.SubgraphsLength())]
    tensors = [graph.Tensors(number) for graph in graphs for number in range(graph.TensorsLength())]
    constants = [
        tensor for tensor in tensors if tensor.Type() in kinds and model.Buffers(tensor.Buffer()).DataLength()
    ]
    # Two tensors may share a buffer, and are the same numbers then.
    sizes = {
        tensor.Buffer(): prod(tensor.Shape(place) for place in range(tensor.ShapeLength())) for tensor in constants
    }
    return sum(sizes.values())


def _weights(one: Any, seen: set[int]) -> Counts:
    """Yield identity and size of each set of weights in an object; raises Hidden for an opaque object."""
    if id(one) in seen:
        return
    seen.add(id(one))
    torch = sys.modules.get("torch")
    if torch and isinstance(one, torch.nn.Module):
        yield from ((id(tensor), tensor.numel()) for tensor in one.parameters())
    elif torch and isinstance(one, torch.Tensor):
        yield id(one), one.numel()
    elif type(one).__name__ == "InferenceSession" and getattr(one, "_model_bytes", None):
        yield id(one), of_onnx(onnx.load_model_from_string(one._model_bytes))
    elif type(one).__name__ == "Graph" and hasattr(one, "path"):
        yield id(one), of_tflite(one.path)
    elif not (isinstance(one, PLAIN) or (torch and isinstance(one, (torch.device, torch.inference_mode)))):
        for part in _parts(one):
            yield from _weights(part, seen)


def _parts(one: Any) -> Sequence[Any]:
    """Return what an object holds."""
    if isinstance(one, Mapping):
        return list(one.values())
    if isinstance(one, (list, tuple, set, frozenset)):
        return list(one)
    if isinstance(one, partial):
        return [one.func, *one.args, *one.keywords.values()]
    if isinstance(one, MethodType):
        return [one.__self__]
    if isinstance(one, FunctionType):
        return [cell.cell_contents for cell in one.__closure__ or ()]
    if type(one).__module__.partition(".")[0] in OPEN:
        return list(vars(one).values())
    raise Hidden(type(one).__name__)
