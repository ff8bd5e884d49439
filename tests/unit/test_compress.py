"""Small files of exported networks: the same bytes each time, a quarter of the size, nearly the same answers."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, numpy_helper

import tiny_runs
from thermark.convert import onnx as exported
from thermark.convert.compress import compressed
from thermark.nets import card

SIDE = 64


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    net, about = card.read(tiny_runs.write_scaled(tmp_path_factory.mktemp("compress") / "seed0", 1))
    return exported.graph(net, about.input_size, about.points)


def noise(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 3, SIDE, SIDE)).astype(np.float32)


def answers(content: bytes, images: np.ndarray, level: str = "ORT_ENABLE_ALL") -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return np.stack(session.run(None, {"input": images}))


def dequantised(content: bytes) -> dict[str, np.ndarray]:
    """Return what the stored weights become, computed by hand from the nodes that are in the file."""
    graph = onnx.load_from_string(content).graph
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Cast" and node.input[0] in values:
            values[node.output[0]] = values[node.input[0]].astype(np.float32)
        elif node.op_type == "Mul" and all(name in values for name in node.input):
            values[node.output[0]] = values[node.input[0]] * values[node.input[1]]
    return values


@pytest.mark.parametrize(("precision", "share", "agreement"), [("fp16", 0.51, 0.99999), ("weights8", 0.27, 0.999)])
def test_stored_weights_are_small_and_nearly_the_same(whole, precision, share, agreement):
    small = compressed(whole, precision)
    assert len(small) < share * len(whole) and compressed(whole, precision) == small
    onnx.checker.check_model(onnx.load_from_string(small), full_check=True)
    wanted, actual = answers(whole, noise(4)), answers(small, noise(4))
    assert np.corrcoef(wanted.ravel(), actual.ravel())[0, 1] > agreement
    before = {t.name: numpy_helper.to_array(t) for t in onnx.load_from_string(whole).graph.initializer}
    after = dequantised(small)
    floats = {name: value for name, value in before.items() if value.dtype == np.float32}
    assert floats.keys() <= after.keys()
    for name, value in floats.items():
        assert after[name].shape == value.shape and after[name].dtype == np.float32
        # Half a level of 127 in the largest weight of an output, or half a digit of fp16.
        assert np.abs(after[name] - value).max() <= np.abs(value).max() * (0.5 / 127 + 1e-6), name


@pytest.mark.parametrize("precision", ["fp16", "weights8"])
def test_optimisers_of_the_runtime_change_nothing(whole, precision):
    """A constant that is dequantised lost its sign in onnxruntime (issue 28491): ours are casts and products."""
    small = compressed(whole, precision)
    assert not {"DequantizeLinear"} & {node.op_type for node in onnx.load_from_string(small).graph.node}
    plain = answers(small, noise(2), "ORT_DISABLE_ALL")
    np.testing.assert_allclose(answers(small, noise(2)), plain, atol=1e-4 * np.abs(plain).max())


def test_each_output_has_a_scale_of_its_own(whole):
    """An output of tiny weights keeps its digits beside one of large weights."""
    model = onnx.load_from_string(whole)
    tensor = next(t for t in model.graph.initializer if list(t.dims) == [68, 384, 7, 7])
    values = numpy_helper.to_array(tensor).copy()
    values[3] *= 1e-4
    name = tensor.name
    tensor.CopyFrom(numpy_helper.from_array(values, name))
    after = dequantised(compressed(model.SerializeToString(), "weights8"))[name]
    assert np.abs(after[3] - values[3]).max() <= np.abs(values[3]).max() * 0.51 / 127
    zero = np.zeros_like(values)
    tensor.CopyFrom(numpy_helper.from_array(zero, name))
    np.testing.assert_array_equal(dequantised(compressed(model.SerializeToString(), "weights8"))[name], zero)


def test_what_fp16_cannot_hold_stays(whole):
    model = onnx.load_from_string(whole)
    tensor = next(t for t in model.graph.initializer if t.name == "head.gau.beta")
    tensor.CopyFrom(numpy_helper.from_array(np.full((2, 128), 70_000, np.float32), tensor.name))
    small = onnx.load_from_string(compressed(model.SerializeToString(), "fp16"))
    kept = next(t for t in small.graph.initializer if t.name == "head.gau.beta")
    assert kept.data_type == TensorProto.FLOAT


def test_the_backbone_is_computed_in_8_bits_and_the_head_is_not(whole):
    batches = [noise(8, seed) for seed in range(2)]
    small = compressed(whole, "int8", batches)
    assert len(small) < 0.3 * len(whole) and compressed(whole, "int8", batches) == small
    graph = onnx.load_from_string(small).graph
    made = {name: node for node in graph.node for name in node.output}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    backbone = [node for node in convolutions if node.name.startswith("/backbone/")]
    assert len(backbone) == len(convolutions) - 1 > 30
    assert all(made[node.input[0]].op_type == "DequantizeLinear" for node in backbone)
    head = [node for node in graph.node if node.name.startswith("/head/") and node.op_type in ("MatMul", "Conv")]
    assert len(head) == 8
    fed = [made[name].op_type for node in head for name in node.input[1:] if name in made]
    assert not {"QuantizeLinear", "DequantizeLinear"} & {*fed}
    # Noise through random weights is the worst that can be: a trained network is judged by its error.
    assert np.corrcoef(answers(whole, noise(4, 9)).ravel(), answers(small, noise(4, 9)).ravel())[0, 1] > 0.97


def test_ranges_depend_on_what_is_shown(whole):
    calm, wild = [noise(4)], [10 * noise(4)]
    made = compressed(whole, "int8", calm)
    assert made != compressed(whole, "int8", wild)
    # The last digits of a range are the CPU's: they are not in the file.
    barely = [calm[0] * np.float32(1 + 2e-7)]
    assert made == compressed(whole, "int8", barely)


def test_fp32_stays_what_it_is(whole):
    np.testing.assert_array_equal(answers(compressed(whole, "fp32"), noise(2)), answers(whole, noise(2)))
