"""Training of the face detector on rendered frames, and what is known of it on those it has not seen."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

import cv2
import numpy as np
import torch
from pydantic import Field, PositiveFloat, PositiveInt
from torch import nn

from thermark.core import arithmetic, code, seeds
from thermark.nets import complexity
from thermark.nets.detector_card import DetectorCard
from thermark.nets.face_detector import MULTIPLE, FaceDetector, Widths, boxes
from thermark.train import loop, precision, processes
from thermark.train.checkpoint import Checkpoint, Progress, State, Store
from thermark.train.detection import frames as frame_sets
from thermark.train.detection import losses, targets, validation
from thermark.train.detection.augment import FrameAugment
from thermark.train.detection.batches import FrameBatch, Views
from thermark.train.detection.frames import FrameSet
from thermark.train.loop import Settings
from thermark.train.schedule import Rate

Side = Annotated[int, Field(ge=2 * MULTIPLE, multiple_of=MULTIPLE)]
BOX_SHARE = 2.0  # the weight of the boxes' loss beside that of the scores, as in GFL


class Config(Settings):
    """A detector's section of params.yaml.

    `raw`: the set of rendered frames, of which the first `pictures` are used, by default all; `val` of them are
    kept to validate on, `steered` after each epoch;
    `size` (width, height) px of a picture in training; `longest` side of a frame in use; `nms`: the overlap above
    which two boxes are one face; a face with a longer side below `smallest` px may be found or not, in views and
    on validation frames. The rest is as in `Settings` and `Augment`.
    """

    raw: str
    pictures: PositiveInt | None = None
    val: float = Field(0.15, gt=0, lt=1)
    steered: PositiveInt = 200
    size: tuple[Side, Side] = (256, 256)
    longest: Annotated[int, Field(ge=2 * MULTIPLE)] = 320
    nms: float = Field(0.5, gt=0, lt=1)
    widths: tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt, PositiveInt, PositiveInt] = (*Widths(),)
    augment: FrameAugment = FrameAugment()
    batch: PositiveInt = 16
    rate: Rate = Rate(peak=2e-3, warmup=100)
    smallest: PositiveFloat = frame_sets.SMALLEST


@dataclass(frozen=True)
class FinishedDetector:
    """The detector of one seed, how its training went, and its numbers on the validation frames."""

    card: DetectorCard
    weights: State
    progress: Progress
    numbers: dict[str, dict[str, validation.Numbers]]


def train(config: Config, seed: int, raw: Path, checkpoint: Path) -> FinishedDetector:
    """Train with one seed on the frames below `raw`; goes on from `checkpoint` where a killed run stopped.

    Raises DataError for frames that cannot be used, Untrained when training fails to learn.
    """
    device = precision.prepare(config)
    exact = precision.resolved(config, device)
    learned, held_out = frame_sets.read(raw, config.val, config.smallest, config.pictures)
    views = Views(learned, config.size, config.batch, seed, config.augment, config.workers, config.smallest)
    net = precision.placed(initial(config, seed), device)
    steered = validation.steering(held_out, config.steered)
    known = validation.labels(steered)

    def validate(model: nn.Module) -> float:
        seen = validation.predicted_boxes(model, steered, config.longest, config.nms, device)
        return 1 - validation.ap50(known, seen)

    state = store(config, seed, (learned, held_out), checkpoint, (exact, device.type))
    terms = loss_terms(config.size, device, exact)
    done = loop.fit(net, terms, views, validate, config, views.steps, state, f"detector seed {seed}")
    best = FaceDetector(Widths(*config.widths))
    best.load_state_dict(done.weights)
    threshold, numbers = scored(precision.placed(best.eval(), device), held_out, config, device)
    card = DetectorCard(
        widths=config.widths,
        longest=config.longest,
        threshold=threshold,
        nms=config.nms,
        vocabulary=frame_sets.VOCABULARY,
        shape=[(float(x), float(y)) for x, y in learned.shape()],
        trained_on=[config.raw],
        params=complexity.parameters(best),
        seed=seed,
        precision=exact,
        best_epoch=done.progress.best_epoch,
        val_ap50=1 - done.progress.best,
    )
    return FinishedDetector(card, done.weights, done.progress, numbers)


def initial(config: Config, seed: int) -> FaceDetector:
    """Return the network before the first step, random by the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.integer("initial", config.raw, seed))
        return FaceDetector(Widths(*config.widths))


def loss_terms(
    size: tuple[int, int], device: torch.device, exact: Literal["fp32", "bf16"]
) -> Callable[[nn.Module, FrameBatch, int], loop.Terms]:
    """Return the loss terms of a batch: `score` of all cells that are trained, `box` of those with a face.

    Both are sums over the batch divided by its cells with a face.
    """
    grid = [torch.from_numpy(cells).to(device) for cells in targets.grid(*size)]

    def terms(model: nn.Module, batch: FrameBatch, epoch: int) -> loop.Terms:
        images = torch.from_numpy(batch.images).to(device)[:, None].float()
        with precision.autocast(exact, device):
            logits, sides = model(images.to(memory_format=torch.channels_last))
        kinds, target_boxes = (torch.from_numpy(array).to(device) for array in (batch.kinds, batch.boxes))
        face, trained = kinds == targets.FACE, kinds != targets.ANYTHING
        iou, generalised = losses.overlaps(boxes(sides, *grid)[face], target_boxes[face])
        quality = torch.zeros_like(logits, dtype=torch.float32)
        quality[face] = iou.detach()
        count = face.sum().clamp(min=1)
        score = losses.quality_focal(logits, quality)[trained].sum() / count
        return {"score": score, "box": BOX_SHARE * (1 - generalised).sum() / count}

    return terms


def scored(
    net: nn.Module, held_out: FrameSet, config: Config, device: torch.device
) -> tuple[float, dict[str, dict[str, validation.Numbers]]]:
    """Return the threshold that is best on the validation frames in both polarities, and the numbers of each."""
    both = validation.polarities(held_out)
    every = [frame for frames in both.values() for frame in frames]
    known = {"both": validation.labels(every)}
    seen = {"both": validation.predicted_boxes(net, every, config.longest, config.nms, device)}
    for name, frames in both.items():
        known[name] = validation.labels(frames)
        seen[name] = validation.predicted_boxes(net, frames, config.longest, config.nms, device)
    threshold = validation.chosen_threshold(known["both"], seen["both"])
    return threshold, {name: validation.summary(known[name], seen[name], threshold) for name in known}


def store(
    config: Config,
    seed: int,
    sets: tuple[FrameSet, FrameSet],
    folder: Path,
    computed: tuple[str, str],
) -> Store:
    """Return the checkpoint of a run, which is gone on from only when nothing that it depends on has changed."""
    options = config.model_dump(mode="json", exclude={"seeds", "workers"})
    versions = [module.__version__ for module in (cv2, np, torch)]
    behind = code.key("thermark.train.detection.training")
    read = [frames.fingerprint() for frames in sets]
    identity = [options, seed, *computed, arithmetic.mode(), versions, behind, read, processes.count()]
    return Checkpoint(folder, sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest())
