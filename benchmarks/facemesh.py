"""How fast FaceMesh answers on one core, and what batches and another engine would give: ratios, not seconds.

`python benchmarks/facemesh.py data/weights/mediapipe_wheel [--frames 32] [--side 512] [--rounds 5]`
"""

import thermark  # noqa: F401  # isort: skip  (before numpy and torch, which read its switches once)

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter

from thermark.core import bundle
from thermark.models import facemesh
from thermark.models.inference import golden_check
from thermark.models.inference.contract import Assets
from thermark.models.inference.detectors import DESIGNS
from thermark.models.inference.quiet import quiet

GRAPHS = {
    "short range": (DESIGNS["short_range"].file, 128),
    "full range": (DESIGNS["full_range"].file, 192),
    "mesh": (facemesh.FILE, facemesh.SIZE),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path, help="a folder with the models of the wheel and a bundle.json")
    parser.add_argument("--frames", type=int, default=32)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    face = cv2.resize(golden_check.read("facemesh").picture, (chosen.side, chosen.side))
    print("| on whole frames | frames/s | of `short_range` |\n| --- | ---: | ---: |")
    report({name: contestant(chosen.weights, name, [face] * chosen.frames) for name in KINDS}, chosen)
    for name, (file, size) in GRAPHS.items():
        pictures = np.random.default_rng(0).random((chosen.frames, size, size, 3), np.float32)
        print(f"\n| {name}, the network alone | pictures/s | of one at a time |\n| --- | ---: | ---: |")
        rivals = {f"batches of {batch}": litert(chosen.weights / file, pictures, batch) for batch in (1, 4, 16)}
        try:
            rivals["cv2.dnn, one at a time"] = opencv(chosen.weights / file, pictures)
        except cv2.error:
            print("| cv2.dnn, one at a time | cannot load it | |")
        report(rivals, chosen)


KINDS = ("short_range", "full_range", "given", "rebuilt for every frame")


def contestant(folder: Path, kind: str, frames: list[np.ndarray]) -> Callable[[], None]:
    """Return what answers for all frames once."""
    weights = bundle.read(folder)
    naive = kind not in KINDS[:3]
    told = facemesh.Config.model_validate(
        {"family": "facemesh", "weights": folder.name, "detector": "short_range" if naive else kind}
    )
    predictor = facemesh.load(told, Assets(weights), "cpu")
    prompts = golden_check.read("facemesh").box[None] * len(frames[0]) / 160
    boxes = [prompts if kind == "given" else None] * len(frames)

    def once() -> None:
        predictor(frames, boxes)

    def rebuilt() -> None:
        for frame in frames:
            facemesh.load(told, Assets(weights), "cpu")([frame], [None])

    return rebuilt if naive else once


def litert(path: Path, pictures: np.ndarray, batch: int) -> Callable[[], None]:
    """Return what runs a network on all pictures, `batch` at a time."""
    with quiet():
        engine = Interpreter(str(path), num_threads=1)
        place = engine.get_input_details()[0]["index"]
        engine.resize_tensor_input(place, (batch, *pictures.shape[1:]))
        engine.allocate_tensors()
    outputs = [told["index"] for told in engine.get_output_details()]

    def once() -> None:
        for start in range(0, len(pictures), batch):
            engine.set_tensor(place, pictures[start : start + batch])
            engine.invoke()
            for index in outputs:
                engine.get_tensor(index)

    return once


def opencv(path: Path, pictures: np.ndarray) -> Callable[[], None]:
    """Return the same by OpenCV; raises cv2.error for a network that it does not know."""
    net = cv2.dnn.readNetFromTFLite(str(path))
    names = net.getUnconnectedOutLayersNames()

    def once() -> None:
        for picture in pictures:
            net.setInput(np.ascontiguousarray(picture.transpose(2, 0, 1)[None]))
            net.forward(names)

    return once


def report(rivals: dict[str, Callable[[], None]], chosen: argparse.Namespace) -> None:
    """Print a row for each, against the first."""
    # Interleaved, so that a busy minute of the machine hurts all alike.
    seconds = dict.fromkeys(rivals, float("inf"))
    for _ in range(chosen.rounds):
        for name, once in rivals.items():
            start = time.perf_counter()
            once()
            seconds[name] = min(seconds[name], time.perf_counter() - start)
    first = next(iter(seconds.values()))
    for name, best in seconds.items():
        print(f"| {name} | {chosen.frames / best:,.0f} | x{first / best:.2f} |")


if __name__ == "__main__":
    main()
