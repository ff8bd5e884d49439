"""A network that was trained here, as an ONNX file that rtmlib and anything like it run unmodified.

The network's own files lie beside it for stages that use its backbone: all weights are looked up in bundles.
"""

import shutil
import warnings
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import torch
from torch import nn

from thermark.core import bundle, files, runs
from thermark.core.config import Section
from thermark.core.errors import DataError
from thermark.models.inference import sessions
from thermark.nets import card
from thermark.nets.card import ModelCard

NAME = "pose.onnx"
NETWORK = (card.WEIGHTS, card.CARD)
OPSET = 17
INPUT, OUTPUTS = "input", ("simcc_x", "simcc_y")
TOLERANCE = 1e-4  # of the largest logit
SMALLEST = float(np.finfo(np.float32).tiny)  # the outputs of a network may all be 0


class Config(Section):
    """An exported model's section of params.yaml: a run, such as `pretrain_s`."""

    run: str


def export(config: Config, models: Path, out: Path) -> None:
    """Write, of each seed of `models`/<run>, the bundle `out`/seed<k>, all or nothing; `out` is one of them all.

    Each holds pose.onnx and the network's own files. Where the run was not trained, `out` holds nothing but the
    reason. Raises DataError when the run is not there or damaged, and when the outputs of onnxruntime and
    PyTorch differ.
    """
    run = models / config.run
    reason, seeds = runs.skipped(run), runs.seed_folders(run)
    if not (reason or seeds):
        raise DataError(f"{run} holds no seed<k> folder", "run `dvc repro` to train the run")
    with files.fresh_directory(out) as folder:
        if reason:
            bundle.write(folder, "skipped", f"{config.run} was not trained: {reason}", {})
            return
        cards: dict[str, dict[str, object]] = {}
        for trained in seeds:
            target = folder / trained.name
            target.mkdir()
            about = exported(trained, target)
            bundle.write(target, "ok", "", dict.fromkeys((NAME, *NETWORK), about))
            cards |= {f"{trained.name}/{name}": about for name in (NAME, *NETWORK)}
        bundle.write(folder, "ok", "", cards)


def exported(trained: Path, out: Path) -> dict[str, object]:
    """Write the network of a seed's folder as pose.onnx, its own files beside it, and return their card."""
    net, about = card.read(trained)
    name = f"{trained.parent.name} {trained.name}"
    (out / NAME).write_bytes(graph(net, about.input_size, about.points))
    error = difference(net, out / NAME, about.input_size)
    if not error < TOLERANCE:
        raise DataError(
            f"{name} in ONNX is off by {error:.2g} of its largest logit",
            "report it with the versions of torch and onnxruntime",
        )
    for file in NETWORK:
        shutil.copyfile(trained / file, out / file)
    return described(name, about)


def graph(net: nn.Module, size: int, points: int) -> bytes:
    """Return an RTMPose as ONNX, the same bytes each time.

    Input `input` (N, 3, size, size), normalised RGB; outputs `simcc_x` and `simcc_y` (N, points, 2 size), logits.
    """
    with TemporaryDirectory() as scratch, warnings.catch_warnings():
        file = Path(scratch) / NAME
        # The newer exporter needs onnxscript; what the tracer calls constant (the map's size) is constant.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            folded(net),
            (torch.zeros(2, 3, size, size),),
            file,
            dynamo=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "batch"} for name in (INPUT, *OUTPUTS)},
        )
        model = onnx.load(file)
    for output in model.graph.output:
        output.type.tensor_type.shape.dim[1].dim_value = points
    for node in model.graph.node:
        node.ClearField("doc_string")
    model.ClearField("doc_string")
    model.ClearField("metadata_props")
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


@torch.no_grad()
def folded(net: nn.Module) -> nn.Module:
    """Return a float32 copy for inference in which each `bn` is part of the `conv` before it, in float64.

    The exporter would fold them, too, but by a square root of MKL's, which is another on a CPU of another make.
    """
    net = deepcopy(net).float().eval()
    for block in list(net.modules()):
        conv, bn = getattr(block, "conv", None), getattr(block, "bn", None)
        if not (isinstance(conv, nn.Conv2d) and isinstance(bn, nn.BatchNorm2d)):
            continue
        wide = {name: tensor.double().numpy() for name, tensor in bn.state_dict().items()}
        scale = wide["weight"] / np.sqrt(wide["running_var"] + bn.eps)
        offset = wide["bias"] - wide["running_mean"] * scale
        if conv.bias is not None:
            offset += conv.bias.double().numpy() * scale
        merged = deepcopy(conv)
        merged.weight.copy_(torch.from_numpy(conv.weight.double().numpy() * scale[:, None, None, None]))
        merged.bias = nn.Parameter(torch.from_numpy(offset).float())
        block.conv, block.bn = merged, nn.Identity()
    return net


@torch.inference_mode()
def difference(net: nn.Module, path: Path, size: int) -> float:
    """Return by how much onnxruntime differs from PyTorch, in units of the largest logit.

    They are shown noise, one image alone and several at once.
    """
    session = sessions.opened(path)
    images = np.random.default_rng(0).normal(size=(3, 3, size, size)).astype(np.float32)
    errors = [0.0]
    for part in (images[:1], images):
        expected = net(torch.from_numpy(part))
        errors += [
            float(np.abs(output - want.numpy()).max() / max(float(want.abs().max()), SMALLEST))
            for output, want in zip(sessions.run(session, part), expected, strict=True)
        ]
    return float(np.max(errors))


def described(name: str, about: ModelCard) -> dict[str, object]:
    """Return the card of each exported file; `face_sets` are those of ours that it has learned from."""
    return {
        "model": f"RTMPose-{about.size}, {name}",
        "source": "trained by this pipeline",
        "licence": "Apache-2.0",
        "input_size": [about.input_size, about.input_size],
        "padding": about.padding,
        "channels": "rgb",
        "mean": list(about.mean),
        "std": list(about.std),
        "modality": about.modality,
        "vocabulary": about.vocabulary,
        "trained_on": about.trained_on,
        "face_sets": about.trained_on,
    }
