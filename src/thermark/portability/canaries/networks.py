"""Canaries of networks: a training, predictions by each of four engines, steps of a tiny head."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from thermark.convert import onnx
from thermark.core import seeds
from thermark.core.config import parse
from thermark.fewshot.tiny_head import TinyHead
from thermark.models.inference import sessions
from thermark.models.inference.litert import Graph
from thermark.nets.pixels import normalised
from thermark.nets.rtmpose import RTMPose
from thermark.portability.canaries import faces, graphs
from thermark.train import precision
from thermark.train.codecs.simcc import SimCC
from thermark.train.precision import Machine
from thermark.train.recipes import supervised

Arrays = Iterator[np.ndarray]
SIDE = 64  # px of a network's input
STEPS = 10


def training() -> Arrays:
    """Yield the weights of an RTMPose-t after ten steps of the real loop, on colour faces, and its history."""
    settings = {
        "recipe": "supervised",
        "objective": "simcc",
        "train": "faces",
        "labels": "ibug68",
        "vocabulary": "ibug68",
        "size": "t",
        "input_size": SIDE,
        "batch": 4,
        "epochs": 2,
        "rate": {"warmup": 4},
        "device": "cpu",
    }
    config = parse(settings, supervised.Config, "canary")
    with TemporaryDirectory() as scratch:
        root = Path(scratch)
        faces.write(root / "faces", STEPS // config.epochs * config.batch * 6 // 5)
        done = supervised.train(config, 0, root, root, root / "state")
    yield from (tensor.numpy() for tensor in done.weights.values())
    yield np.array([list(row.values()) for row in done.progress.history])


def prediction() -> Arrays:
    """Yield the logits and points that an RTMPose-t predicts in PyTorch."""
    precision.prepare(Machine(device="cpu"))
    with torch.inference_mode():
        logits = network()(inputs())
    yield from (part.numpy() for part in (*logits, *SimCC((SIDE, SIDE)).decode(logits)))


def exported() -> Arrays:
    """Yield outputs of the same network in onnxruntime, for one picture and for several."""
    with TemporaryDirectory() as scratch:
        path = Path(scratch) / "pose.onnx"
        path.write_bytes(onnx.graph(network(), SIDE, faces.POINTS))
        session = sessions.opened(path)
    pictures = inputs().contiguous().numpy()
    yield from (*sessions.run(session, pictures[:1]), *sessions.run(session, pictures))


def litert() -> Arrays:
    """Yield outputs of LiteRT for a network with the operators of BlazeFace and FaceMesh."""
    with TemporaryDirectory() as scratch:
        path = Path(scratch) / "small.tflite"
        path.write_bytes(graphs.tflite(SIDE))
        graph = Graph(path, SIDE, graphs.LENGTHS)
    for number in range(3):
        yield from graph(faces.picture(SIDE, number).astype(np.float32) / np.float32(255))


def opencv() -> Arrays:
    """Yield outputs of OpenCV's engine, which runs YuNet, for convolutions, full, separable and pointwise."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = nn.Sequential(
            *(nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 16, 3, 1, 1, groups=16), nn.Conv2d(16, 32, 1)),
            *(nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 32, 3, 1, 1), nn.Sigmoid(), nn.Conv2d(32, 8, 3, 1, 1)),
        )
    with TemporaryDirectory() as scratch, warnings.catch_warnings():
        path = Path(scratch) / "small.onnx"
        warnings.simplefilter("ignore")
        torch.onnx.export(net.eval(), (torch.zeros(1, 3, SIDE, SIDE),), path, dynamo=False, opset_version=17)
        engine = cv2.dnn.readNetFromONNX(str(path))
    for picture in inputs().contiguous().numpy():
        engine.setInput(picture[None])
        yield np.asarray(engine.forward(), np.float32)


def head() -> Arrays:
    """Yield the weights of a tiny head after three steps on features."""
    precision.prepare(Machine(device="cpu", threads=1))
    drawn = seeds.rng(0, "canary", "features")
    features = torch.from_numpy(drawn.standard_normal((8, 96, 8, 8), np.float32))
    targets = torch.from_numpy(drawn.random((8, 1, 64, 64), np.float32))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = TinyHead(96, 1)
    precision.placed(net, torch.device("cpu"))
    optimizer = torch.optim.AdamW(net.parameters(), 3e-3, weight_decay=1e-4, fused=True)
    for _ in range(3):
        loss = F.mse_loss(net(features), targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    yield from (tensor.detach().numpy() for tensor in net.state_dict().values())


def network() -> RTMPose:
    """Return an RTMPose-t with random weights and statistics, the same every time, ready to predict."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = RTMPose("t", faces.POINTS, SIDE)
        # Fresh ones are 0 and 1, which hide how a normalisation is folded into its convolution.
        for name, statistic in net.named_buffers():
            if name.endswith(("running_mean", "running_var")):
                statistic.uniform_(0.5, 1.5)
    precision.placed(net.eval(), torch.device("cpu"))
    return net


def inputs() -> torch.Tensor:
    """Return three pictures (3, 3, SIDE, SIDE) as networks see them."""
    return normalised(np.stack([faces.picture(SIDE, number) for number in range(3)]))
