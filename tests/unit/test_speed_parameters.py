"""How many numbers a contestant has learned: by hand, for each kind of network, and never a guess."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

import onnx_graphs
from thermark.models.inference import sessions
from thermark.portability.canaries.graphs import tflite
from thermark.report.speed import reference
from thermark.report.speed.parameters import counted, of_onnx, of_tflite

# As a class of the project's would be, whose attributes are looked into.
OWN = "thermark.somewhere"


def small(path: Path) -> Path:
    """Write a convolution of 2 x 3 x 3 x 3 weights, a packed bias, normalisation, a scalar and a shape."""
    nodes = [
        ("DequantizeLinear", ["bytes", "scale", "zero"], "bias", {}),
        ("Conv", ["x", "w", "bias"], "a", {}),
        ("BatchNormalization", ["a", "gain", "offset", "mean", "variance"], "b", {}),
        ("Mul", ["b", "half"], "c", {}),
        ("Reshape", ["c", "shape"], "d", {}),
    ]
    constants = {
        "w": np.ones((2, 3, 3, 3), np.float32),
        "bytes": np.ones(2, np.int8),
        "scale": np.float32(0.1),
        "zero": np.int8(0),
        **{name: np.ones(2, np.float32) for name in ("gain", "offset", "mean", "variance")},
        "half": np.float32(0.5),
        "shape": np.array([1, -1], np.int64),
    }
    return onnx_graphs.write(path, nodes, constants, [1, 3, 8, 8], ["d"])


PARAMETERS = 2 * 3 * 3 * 3 + 2 + 2 + 2 + 1  # weights, bias, gain, offset, and the scalar


@dataclass(frozen=True)
class Holding:
    """Something of the project that holds something."""

    held: object


Holding.__module__ = OWN


class Engine:
    """Something of another package."""


def test_of_an_onnx_file_the_learned_numbers_count(tmp_path):
    assert of_onnx(onnx.load(small(tmp_path / "net.onnx"))) == PARAMETERS


def test_of_an_open_session_it_is_the_same(tmp_path):
    session = sessions.opened(small(tmp_path / "net.onnx"))
    assert counted(Holding(session)) == PARAMETERS
    assert counted({"a": session, "b": [session]}) == PARAMETERS, "one network, met twice"
    again = sessions.opened(tmp_path / "net.onnx")
    assert counted((session, again)) == 2 * PARAMETERS


def test_of_a_tflite_file_constants_count_and_shapes_do_not(tmp_path):
    """The canary: 3 -> 16 channels by 5 x 5; twice depthwise 3 x 3 and 1 x 1; 24, 6 and 70 channels; PReLU."""
    (tmp_path / "net.tflite").write_bytes(tflite(64))
    blocks = 2 * ((9 * 16 + 16) + (16 * 16 + 16) + 16)
    ends = (24 * 9 * 16 + 24) + (6 * 24 + 6) + (70 * 16 * 16 * 24 + 70)
    assert of_tflite(tmp_path / "net.tflite") == (16 * 25 * 3 + 16) + 16 + blocks + ends


def test_a_graph_of_ours_has_those_of_its_file(tmp_path):
    from thermark.models.inference.litert import Graph
    from thermark.portability.canaries.graphs import LENGTHS

    (tmp_path / "net.tflite").write_bytes(tflite(64))
    graph = Graph(tmp_path / "net.tflite", 64, LENGTHS)
    assert counted(Holding(graph)) == of_tflite(tmp_path / "net.tflite")


def test_torch_networks_are_found_wherever_they_are_held():
    """224 of a convolution, met in a closure, a partial, a method and a wrapped function; 3 of a tensor."""
    net, alone = nn.Conv2d(3, 8, 3, bias=True), torch.zeros(3)
    normalised = nn.Sequential(net, nn.BatchNorm2d(8))

    def closed(images):
        return net(images)

    @torch.inference_mode()
    def wrapped(images):
        return net(images)

    one = 8 * 27 + 8
    for held in (closed, wrapped, partial(print, net), partial(print, end=net), net.forward, {"n": (net,)}):
        assert counted(Holding(held)) == one
    assert counted(Holding([closed, wrapped, net, alone])) == one + 3
    assert counted(Holding([normalised, net])) == one + 16, "statistics of normalisation are no parameters"


def test_what_cannot_be_looked_into_is_not_counted():
    assert counted(Holding([nn.Linear(2, 2), Engine()])) is None
    assert counted(Holding(Engine()), [Path("forest.dat")]) is None


def test_an_engine_that_hides_its_weights_has_those_of_the_only_file(tmp_path):
    one = small(tmp_path / "net.onnx")
    assert counted(Holding(Engine()), [one]) == PARAMETERS
    assert counted(Holding(Engine()), [one, one]) is None, "perhaps one of them was only tried"


def test_without_a_network_nothing_is_told():
    assert counted(Holding(np.zeros((68, 2)))) is None


def test_tables_and_settings_hold_no_weights():
    from thermark.report.speed.speed_config import Contestants

    net = nn.Linear(2, 2, bias=False)
    held = [Contestants(dataset="x"), Path("a"), "a", 1.5, None, np.zeros(9), torch.device("cpu"), np, len]
    assert counted(Holding([*held, net])) == 4


def test_the_reference_network_is_the_same_everywhere():
    content = reference.content()
    assert content == reference.content()
    assert of_onnx(onnx.load_model_from_string(content)) == 64 * 3 * 9 + 5 * 64 * 64 * 9
    (answer,) = reference.opened(1)()
    assert answer.shape == (1, 64, 64, 64) and np.isfinite(answer).all()
    assert 0.01 < answer.std() < 10


@pytest.mark.parametrize(("file", "wanted"), [("pnet.pt", 6_632), ("rnet.pt", 100_178), ("onet.pt", 389_040)])
def test_the_networks_of_mtcnn_are_as_large_as_published(file, wanted):
    from thermark.models import mtcnn

    net = {"pnet.pt": mtcnn.PNet, "rnet.pt": mtcnn.RNet, "onet.pt": mtcnn.ONet}[file]()
    assert counted(Holding(net)) == wanted
