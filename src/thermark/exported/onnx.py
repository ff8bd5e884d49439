"""A network that was trained here, as an ONNX file that rtmlib and anything like it run unmodified.

The network itself lies beside it, for whoever wants its backbone: a bundle is where all weights are looked for.
"""

import shutil
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import torch
from pydantic import NonNegativeInt
from torch import nn

from thermark.core import bundle, files
from thermark.core.config import Section
from thermark.core.errors import DataError
from thermark.core.runs import SKIPPED, seed_folder
from thermark.nets import card
from thermark.nets.card import ModelCard
from thermark.zeroshot import sessions

NAME = "pose.onnx"
NETWORK = ("model.safetensors", "model.json")  # nets/card.py
OPSET = 17
INPUT, OUTPUTS = "input", ("simcc_x", "simcc_y")
TOLERANCE = 1e-4  # of the largest logit
SMALLEST = float(np.finfo(np.float32).tiny)  # a network may say nothing but 0


class Config(Section):
    """An exported model's section of params.yaml: the seed of a run, such as `pretrain_s`."""

    run: str
    seed: NonNegativeInt = 0


def export(config: Config, models: Path, out: Path) -> None:
    """Write the bundle `out` of `models`/<run>/seed<seed>: pose.onnx and the network's own files, all or nothing.

    Where the run was not trained, the bundle holds nothing but the reason. Raises DataError when the run is not
    there or damaged, and when onnxruntime does not say what PyTorch says.
    """
    said = models / config.run / SKIPPED
    if said.is_file():
        with files.fresh_directory(out) as folder:
            bundle.write(folder, "skipped", f"{config.run} was not trained: {files.read_json(said)['reason']}", {})
        return
    trained = seed_folder(models / config.run, config.seed)
    net, about = card.read(trained)
    with files.fresh_directory(out) as folder:
        (folder / NAME).write_bytes(graph(net, about.input_size, about.points))
        apart = difference(net, folder / NAME, about.input_size)
        if not apart < TOLERANCE:
            raise DataError(
                f"{config.run} in ONNX is off by {apart:.2g} of its largest logit",
                "report it with the versions of torch and onnxruntime",
            )
        for name in NETWORK:
            shutil.copyfile(trained / name, folder / name)
        bundle.write(folder, "ok", "", dict.fromkeys((NAME, *NETWORK), described(config, about)))


def graph(net: nn.Module, size: int, points: int) -> bytes:
    """Return an RTMPose as ONNX, the same bytes each time.

    Input `input` (N, 3, size, size), normalised RGB; outputs `simcc_x` and `simcc_y` (N, points, 2 size), logits.
    """
    with TemporaryDirectory() as scratch, warnings.catch_warnings():
        file = Path(scratch) / NAME
        # The newer exporter wants onnxscript; what the tracer calls constant (the map's size) is constant.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net.float().eval(),
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


@torch.inference_mode()
def difference(net: nn.Module, path: Path, size: int) -> float:
    """Return by how much onnxruntime differs from PyTorch, in units of the largest logit.

    They are shown noise, one image alone and several at once.
    """
    session = sessions.opened(path)
    images = np.random.default_rng(0).normal(size=(3, 3, size, size)).astype(np.float32)
    apart = [0.0]
    for part in (images[:1], images):
        wanted = net(torch.from_numpy(part))
        apart += [
            float(np.abs(found - want.numpy()).max() / max(float(want.abs().max()), SMALLEST))
            for found, want in zip(sessions.run(session, part), wanted, strict=True)
        ]
    return float(np.max(apart))


def described(config: Config, about: ModelCard) -> dict[str, object]:
    """Return the card of each exported file; `face_sets` are those of ours that it has learned from."""
    return {
        "model": f"RTMPose-{about.size}, {config.run} seed {config.seed}",
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
