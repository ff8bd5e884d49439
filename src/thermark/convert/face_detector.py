"""A trained face detector as an ONNX file: pixels in, boxes and scores out, weights in fp16.

It lies in a bundle, where all weights are looked for, beside the network's own files.
"""

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from thermark.convert.onnx import OPSET, folded
from thermark.core import bundle, files
from thermark.core.errors import DataError
from thermark.core.runs import seed_folder
from thermark.models.inference import sessions
from thermark.nets import detector_card
from thermark.nets.detector_card import DetectorCard
from thermark.nets.face_detector import MULTIPLE, Exported, FaceDetector
from thermark.train.checkpoint import Row
from thermark.train.detection.training import FinishedDetector

NAME = "detector.onnx"
HELD = (NAME, detector_card.WEIGHTS, detector_card.CARD)
INPUT, OUTPUTS = "image", ("boxes", "scores")
LEAST = 64  # numbers: smaller weights stay float32
TOLERANCE = 0.02  # of a score, or of a box in its longer sides


def publish(done: Mapping[int, FinishedDetector], out: Path, history: Path, metrics: Path) -> None:
    """Write, of the detector of each seed, the bundle `out`/seed<k>, all or nothing; `out` is one of them all.

    Each holds detector.onnx and the network's own files. The CSV `history` has a row a seed and epoch, the JSON
    `metrics` the numbers of each seed on the validation frames. Raises what `export` raises.
    """
    rows = [{"seed": seed} | renamed(row) for seed, one in done.items() for row in one.progress.history]
    with files.fresh_directory(out) as folder:
        cards: dict[str, dict[str, object]] = {}
        for seed, one in done.items():
            target = seed_folder(folder, seed)
            target.mkdir()
            detector_card.write(target, one.card, one.weights)
            about = export(target, target, f"{out.name} {target.name}")
            bundle.write(target, "ok", "", dict.fromkeys(HELD, about))
            cards |= {f"{target.name}/{name}": about for name in HELD}
        bundle.write(folder, "ok", "", cards)
    files.write_text(history, table(rows, list(rows[0])))
    numbers = {f"seed{seed}": {"threshold": one.card.threshold, **one.numbers} for seed, one in done.items()}
    files.write_json(metrics, {"status": "ok", **numbers})


def skipped(out: Path, history: Path, metrics: Path, reason: str) -> None:
    """Write the same files where training failed: a table without a row, and the reason."""
    with files.fresh_directory(out) as folder:
        bundle.write(folder, "skipped", reason, {})
    files.write_text(history, table([], ["seed", "epoch"]))
    files.write_json(metrics, {"status": "skipped", "reason": reason})


def table(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """Return a CSV table, six significant digits.

    Not that of train/publish.py, which reaches all of the training of landmarks.
    """
    lines = [columns, *([f"{row[name]:.6g}" for name in columns] for row in rows)]
    return "".join(",".join(line) + "\n" for line in lines)


def renamed(row: Row) -> Row:
    """Return an epoch's row with its validation error, 1 - AP50, called so."""
    return {"val_ap50_missing" if name == "val_nme" else name: value for name, value in row.items()}


def graph(net: FaceDetector, card: DetectorCard) -> bytes:
    """Return a detector as ONNX, the same bytes each time.

    Input `image` (1, 1, H, W) float32, grey 0..255, H and W any multiples of 32; outputs `boxes` (1, A, 4)
    float32, x1, y1, x2, y2 in pixels of the input (integer = pixel centre), and `scores` (1, A) float32, not yet
    suppressed. Weights are stored in fp16 and computed with in float32. The card is in the file's metadata.
    """
    with TemporaryDirectory() as scratch, warnings.catch_warnings():
        file = Path(scratch) / NAME
        warnings.simplefilter("ignore")  # the newer exporter needs onnxscript
        torch.onnx.export(
            folded(Exported(net)),
            (torch.zeros(1, 1, 2 * MULTIPLE, 3 * MULTIPLE),),
            file,
            dynamo=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_axes={INPUT: {2: "height", 3: "width"}, OUTPUTS[0]: {1: "cells"}, OUTPUTS[1]: {1: "cells"}},
        )
        model = onnx.load(file)
    for output, exported in zip(model.graph.output, ((1, "cells", 4), (1, "cells")), strict=True):
        output.CopyFrom(helper.make_tensor_value_info(output.name, TensorProto.FLOAT, exported))
    for node in model.graph.node:
        node.ClearField("doc_string")
    model.ClearField("doc_string")
    del model.metadata_props[:]
    halved(model)
    helper.set_model_props(model, metadata(card))
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def halved(model: onnx.ModelProto) -> None:
    """Store the larger float32 weights of a model in fp16, each behind a cast to float32, in place.

    onnxruntime folds these casts when it opens the file: nothing is computed in fp16. Raises DataError for a
    weight that fp16 cannot hold.
    """
    casts = []
    for weight in model.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < LEAST:
            continue
        with np.errstate(over="ignore"):
            small = values.astype(np.float16)
        if not np.isfinite(small).all():
            raise DataError(f"the weight {weight.name} is too large for fp16", "train with more weight decay")
        name, stored = weight.name, f"{weight.name}_fp16"
        weight.CopyFrom(numpy_helper.from_array(small, stored))
        casts.append(helper.make_node("Cast", [stored], [name], f"{name}_cast", to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def metadata(card: DetectorCard) -> dict[str, str]:
    """Return the metadata of the file, name -> text."""
    return {
        "kind": card.kind,
        "pixels": "grey, 0..255, float32; integer coordinates are pixel centres",
        "boxes": card.boxes,
        "longest": str(card.longest),
        "threshold": f"{card.threshold:.6g}",
        "nms": f"{card.nms:.6g}",
        "vocabulary": card.vocabulary,
        "shape": json.dumps([[round(x, 6), round(y, 6)] for x, y in card.shape]),
        "trained_on": json.dumps(card.trained_on),
        "licence": "Apache-2.0",
    }


def export(trained: Path, out: Path, name: str) -> dict[str, object]:
    """Write the detector of a folder as detector.onnx into an existing one, and return the card of `name`.

    Raises DataError for a damaged detector and when onnxruntime and PyTorch differ.
    """
    net, card = detector_card.read(trained)
    (out / NAME).write_bytes(graph(net, card))
    error = difference(net, out / NAME)
    if not error < TOLERANCE:
        raise DataError(
            f"{name} in ONNX is off by {error:.2g} of a box or a score",
            "report it with the versions of torch and onnxruntime",
        )
    return {
        "model": f"face detector, {name}",
        "kind": card.kind,
        "source": "trained by this pipeline",
        "licence": "Apache-2.0",
        "channels": "rgb",
        "modality": "thermal",
        "vocabulary": card.vocabulary,
        "trained_on": card.trained_on,
        "face_sets": card.trained_on,
    }


@torch.inference_mode()
def difference(net: FaceDetector, path: Path) -> float:
    """Return by how much onnxruntime differs from PyTorch on noise: of a score, or of a box in its longer sides.

    Pictures have other sizes than the one that was traced. It is what rounding to fp16 does, or less.
    """
    session = sessions.opened(path)
    whole = Exported(net.float().eval())
    errors = [0.0]
    for height, width in ((2 * MULTIPLE, 3 * MULTIPLE), (3 * MULTIPLE, MULTIPLE), (8 * MULTIPLE, 10 * MULTIPLE)):
        image = np.random.default_rng(height).uniform(0, 255, (1, 1, height, width)).astype(np.float32)
        boxes, scores = (array.numpy() for array in whole(torch.from_numpy(image)))
        exported, confidence = sessions.run(session, image)
        side = (boxes[..., 2:] - boxes[..., :2]).max(axis=-1, keepdims=True)
        errors += [
            float((np.abs(exported - boxes) / side).max()),
            float(np.abs(confidence - scores).max()),
        ]
    return float(np.max(errors))
