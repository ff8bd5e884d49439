"""The published training of a tiny head against ours, end to end on the same backbone and machine: ratios.

`python benchmarks/head.py [--backbone sapiens2|rtmpose] [--steps 2] [--threads 0]`

Published: the frozen backbone runs in every step, in float32: 40 crops to train on and 15 to validate on in each
of 120 epochs, then 80 to test. Ours: 135 crops once, in bfloat16 where the hardware has it, and the head on what
they gave. Random weights, pictures and labels; Sapiens2-0.4B or RTMPose-s at 256 px. Of the published loop a few
steps are timed and multiplied, ours runs in full. Goals with Sapiens2: 100 x, and 10 s for the head
alone on two cores.
"""

import thermark  # noqa: F401  # isort: skip  (before numpy and torch, which read its switches once)

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import torch
from torch import nn

from thermark.core import bundle
from thermark.fewshot import features, training
from thermark.fewshot.backbone import Backbone, load
from thermark.fewshot.tiny_head import TinyHead
from thermark.nets import card
from thermark.nets.rtmpose import RTMPose
from thermark.train import precision
from thermark.train.codecs.heatmap import Heatmap
from thermark.train.loop import Trained

TRAIN, VAL, TEST, SIDE = 40, 15, 80, 256
TAUGHT, HELD = np.arange(TRAIN), np.arange(TRAIN, TRAIN + VAL)
CONFIG = training.Config()
Result = TypeVar("Result")
CARD = {"vocabulary": "sapiens308", "channels": "rgb", "face_sets": []}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", choices=("sapiens2", "rtmpose"), default="sapiens2")
    parser.add_argument("--steps", type=int, default=2, help="steps of the published loop that are timed")
    parser.add_argument("--threads", type=int, default=0, help="0: as many as PyTorch takes")
    chosen = parser.parse_args()
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (TRAIN + VAL + TEST, SIDE, SIDE), np.uint8)
    xy = rng.uniform(40, SIDE - 40, (len(pixels), 1, 2))
    with tempfile.TemporaryDirectory() as name:
        {"sapiens2": write_sapiens2, "rtmpose": write_rtmpose}[chosen.backbone](Path(name))
        settings = {"family": chosen.backbone, "weights": "random"}
        weights = bundle.read(Path(name))
        slow, slow_image = published(
            load("bench", settings | {"dtype": "float32"}, weights, "auto"), pixels, chosen.steps
        )
        backbone = load("bench", settings, weights, "auto")
        fast, _ = published(backbone, pixels, chosen.steps)
        once, cached = timed(lambda: features.rounded(backbone(pixels), "bfloat16"))
    fit, fitted = timed(lambda: training.fit(cached, xy, TAUGHT, HELD, SIDE, CONFIG, seed=0))
    test, _ = timed(lambda: tested(fitted, cached[TRAIN + VAL :]))
    tenth = CONFIG.model_copy(update={"epochs": CONFIG.epochs // 10, "precision": "fp32"})
    fit_slow = 10 * timed(lambda: training.fit(cached, xy, TAUGHT, HELD, SIDE, tenth, seed=0))[0]
    print(f"{chosen.backbone}, {backbone.channels} channels, {torch.get_num_threads()} threads; ours in full")
    for what, seconds in {
        f"published loop, fp32, from {chosen.steps} steps": slow,
        f"{backbone.precision} alone, from {chosen.steps} steps": fast,
        "caching alone, fp32, from the same": slow_image * len(pixels) + fit_slow,
        "both (ours)": once + fit + test,
        "    features of 135 crops": once,
        "    head, 120 epochs of 40 + 15 crops": fit,
        "    test of 80 crops": test,
    }.items():
        print(f"{what:40s} {seconds:9.1f} s   x{slow / seconds:.1f}")


def published(backbone: Backbone, pixels: np.ndarray, steps: int) -> tuple[float, float]:
    """Return the seconds that the whole published loop would take, and those of the backbone on one picture.

    From the means of some steps, after one that is not counted; for validation and test, only the backbone counts.
    """
    head = precision.placed(TinyHead(backbone.channels, 1), backbone.device).train()
    optimizer = torch.optim.AdamW(head.parameters(), CONFIG.lr, weight_decay=CONFIG.weight_decay)
    batch = CONFIG.batch
    at = torch.full((batch, 1, 2), 30.3, device=backbone.device)
    labels = Heatmap(CONFIG.sigma).encode(at, torch.ones(batch, 1))[0]
    looking, learning = [], []
    for _ in range(1 + steps):
        seconds, maps = timed(lambda: backbone(pixels[:batch]))
        looking.append(seconds)
        learning.append(timed(lambda maps=maps: step(head, optimizer, maps, labels, backbone.precision))[0])
    image, head_step = sum(looking[1:]) / steps / batch, sum(learning[1:]) / steps
    epoch = (TRAIN + VAL) * image + TRAIN // batch * head_step
    return CONFIG.epochs * epoch + TEST * image, image


def step(
    head: nn.Module,
    optimizer: torch.optim.Optimizer,
    maps: torch.Tensor,
    labels: torch.Tensor,
    exact: Literal["fp32", "bf16"],
) -> None:
    """Train the head on one batch of feature maps."""
    with precision.autocast(exact, maps.device):
        said = head(maps)
    loss = nn.functional.mse_loss(said, labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def tested(fitted: Trained, seen: torch.Tensor) -> None:
    """Decode what the head says of feature maps."""
    head = TinyHead(seen.shape[1], 1).eval()
    head.load_state_dict(fitted.weights)
    with torch.inference_mode():
        Heatmap(CONFIG.sigma).decode(head(seen.float()))


def timed(job: Callable[[], Result]) -> tuple[float, Result]:
    """Return the seconds that a job takes, and its result."""
    start = time.perf_counter()
    result = job()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start, result


def write_sapiens2(folder: Path) -> None:
    """Write a random pose network with the backbone of Sapiens2-0.4B under the published names of tensors."""
    # Imports transformers, for which RTMPose need not wait.
    from thermark.report.speed import networks

    torch.manual_seed(0)
    networks.sapiens2_pose().save_pretrained(folder)
    bundle.write(folder, "ok", "", {"model.safetensors": CARD})


def write_rtmpose(folder: Path) -> None:
    """Write a random RTMPose-s."""
    torch.manual_seed(0)
    about = card.ModelCard(
        recipe="supervised",
        size="s",
        points=68,
        vocabulary="ibug68",
        input_size=SIDE,
        padding=1.25,
        modality="rgb",
        trained_on=[],
        params=0,
        seed=0,
        precision="fp32",
    )
    card.write(folder, about, RTMPose("s", 68, SIDE).state_dict())
    bundle.write(folder, "ok", "", {"model.safetensors": CARD, "model.json": CARD})


if __name__ == "__main__":
    main()
