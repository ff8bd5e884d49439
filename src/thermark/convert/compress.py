"""An exported network as a file of a quarter of its size: weights in 16 or 8 bits, and products in 8 bits.

What is known to go wrong is left out: nothing after the backbone is computed in 8 bits (argmax over bins, squares
that overflow), and weights are scaled by channel. Stored weights become float32 when a file is opened, by nodes
that every runtime folds; `DequantizeLinear` of a constant without its zero point loses its sign in onnxruntime
(its issue 28491).
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from math import ceil, floor, log10
from pathlib import Path
from tempfile import TemporaryDirectory

# onnxruntime reads it once, at import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, TensorProto, helper, numpy_helper

from thermark.landmarker.card import Precision

Floats = NDArray[np.float32]
SMALLEST_HALF, SMALLEST_BYTES = 64, 4096  # numbers in a tensor that is worth storing in 16, in 8 bits
PRODUCTS = {"Conv": 0, "MatMul": 1}  # operator -> the axis of its weights along which outputs lie
IN_8_BITS = ("Conv", "Sigmoid", "Mul", "Add", "Concat", "MaxPool")
HEAD = "/head/"  # how names of nodes behind the backbone begin
LOST = 1e-3  # of the largest number in a tensor, at most: fp16 has three digits, from 6e-5 to 65504
SCALED = ("QuantizeLinear", "DequantizeLinear")
DIGITS = 3  # of a range: its last ones depend on the CPU


def compressed(model: bytes, precision: Precision, calibration: Sequence[Floats] = ()) -> bytes:
    """Return an ONNX model in another precision, the same bytes each time.

    `calibration`: batches of its input (N, C, H, W), which tell the ranges of `int8`; the others need none.
    """
    graph = onnx.load_from_string(model)
    if precision == "int8":
        graph = _computed_in_8_bits(graph, calibration)
    products = _products(graph.graph) if precision in ("int8", "weights8") else {}
    if precision != "fp32":
        _store_halves(graph.graph, products.keys())
    _store_products(graph.graph, products)
    graph.producer_name, graph.producer_version = "thermark", ""
    graph.ClearField("metadata_props")
    onnx.checker.check_model(graph, full_check=True)
    return bytes(graph.SerializeToString(deterministic=True))


def _store_halves(graph: GraphProto, but: Collection[str]) -> None:
    """Store float32 tensors, `but` not these, in half precision, cast back when the file is opened."""
    scales = {*but} | {name for node in graph.node if node.op_type in SCALED for name in node.input[1:]}
    for number, tensor in enumerate(graph.initializer):
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < SMALLEST_HALF or tensor.name in scales:
            continue
        values = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if not np.abs(half.astype(np.float32) - values).max() <= LOST * np.abs(values).max():
            continue  # too large for 16 bits, or too small
        name, stored = tensor.name, f"{tensor.name}_half"
        tensor.CopyFrom(numpy_helper.from_array(half, stored))
        cast = helper.make_node("Cast", [stored], [name], name=f"half_{number}", to=TensorProto.FLOAT)
        graph.node.insert(0, cast)


def _products(graph: GraphProto) -> dict[str, int]:
    """Return which tensors are weights worth storing in 8 bits, and the axis along which their outputs lie."""
    used = [name for node in graph.node for name in node.input]
    large = {
        tensor.name
        for tensor in graph.initializer
        if tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= SMALLEST_BYTES
    }
    return {
        node.input[1]: PRODUCTS[node.op_type]
        for node in graph.node
        if node.op_type in PRODUCTS and node.input[1] in large and used.count(node.input[1]) == 1
    }


def _store_products(graph: GraphProto, axes: Mapping[str, int]) -> None:
    """Store weights as int8, and a scale for each output along their axis."""
    for number, tensor in enumerate([tensor for tensor in graph.initializer if tensor.name in axes]):
        name = tensor.name
        whole, scale = _rounded(numpy_helper.to_array(tensor), axes[name])
        stored, levels = f"{name}_bytes", f"{name}_levels"
        tensor.CopyFrom(numpy_helper.from_array(whole, stored))
        graph.initializer.append(numpy_helper.from_array(scale, f"{name}_scale"))
        cast = helper.make_node("Cast", [stored], [levels], name=f"bytes_{number}", to=TensorProto.FLOAT)
        scaled = helper.make_node("Mul", [levels, f"{name}_scale"], [name], name=f"scaled_{number}")
        graph.node.insert(0, scaled)
        graph.node.insert(0, cast)


def _rounded(values: Floats, axis: int) -> tuple[NDArray[np.int8], Floats]:
    """Return weights as whole numbers -127..127, and what these are multiplied with, one for each output."""
    others = tuple(other for other in range(values.ndim) if other != axis)
    scale = np.abs(values).max(axis=others, keepdims=True) / np.float32(127)
    scale = np.where(scale > 0, scale, 1).astype(np.float32)
    return np.rint(values / scale).astype(np.int8), scale


def _computed_in_8_bits(model: ModelProto, calibration: Sequence[Floats]) -> ModelProto:
    """Return a model whose backbone is computed in 8 bits, between pairs of quantising nodes."""
    from onnxruntime.quantization import (
        CalibrationMethod,
        QuantFormat,
        QuantType,
        create_calibrator,
        quantize_static,
    )
    from onnxruntime.quantization.calibrate import TensorsData, save_tensors_data
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        whole, plain, small = (folder / f"{name}.onnx" for name in ("whole", "plain", "small"))
        ranges = folder / "ranges.json"
        onnx.save(model, whole)
        quant_pre_process(whole, plain, skip_symbolic_shape=True)
        calibrator = create_calibrator(plain, IN_8_BITS, str(folder / "augmented.onnx"))
        calibrator.collect_data(_Batches(model.graph.input[0].name, calibration))
        found = {name: tensor.range_value for name, tensor in calibrator.compute_data().items()}
        coarse = {name: (_outward(low, floor), _outward(high, ceil)) for name, (low, high) in found.items()}
        save_tensors_data(TensorsData(CalibrationMethod.MinMax, coarse), ranges)
        quantize_static(
            plain,
            small,
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(IN_8_BITS),
            per_channel=True,
            reduce_range=True,  # CPUs without VNNI add pairs of products in 16 bits, which would saturate
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=[node.name for node in onnx.load(plain).graph.node if node.name.startswith(HEAD)],
            calibration_cache_path=ranges,
        )
        return onnx.load(small)


class _Batches:
    """Batches of an input, as onnxruntime's calibration reads them."""

    def __init__(self, name: str, batches: Sequence[Floats]) -> None:
        self._left: Iterator[dict[str, Floats]] = iter([{name: batch} for batch in batches])

    def get_next(self) -> dict[str, Floats] | None:
        return next(self._left, None)


def _outward(value: NDArray[np.floating], towards: Callable[[float], int]) -> Floats:
    """Return the end of a range with few digits; `towards` is floor or ceil, such that the range grows."""
    number = float(np.asarray(value).reshape(()))
    if number == 0:
        return np.zeros((), np.float32)
    step = 10.0 ** (floor(log10(abs(number))) - DIGITS + 1)
    return np.array(towards(number / step) * step, np.float32)
