"""Learning from labels alone, on one or several face sets."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from thermark.nets.pixels import normalised
from thermark.train import loop, precision, run
from thermark.train.checkpoint import State
from thermark.train.data import Batch
from thermark.train.run import Finished, Run


@dataclass(frozen=True)
class Start:
    """First weights that are not random: of which `run`, the `sha256` of its file, what it was `trained_on`."""

    run: str
    sha256: str
    trained_on: Sequence[str]
    weights: State


def train(
    config: Run, seed: int, faces_root: Path, checkpoint: Path, sets: Sequence[str], start: Start | None = None
) -> Finished:
    """Train a network with one seed on the faces of `faces_root/<set>`, mixed as they come.

    `start`: its first weights, random by the seed where that is None. `checkpoint` is a folder for the state of
    the run. Raises DataError for absent or empty data and for a loss that is not finite, ConfigError for an
    unknown objective or vocabulary and for a batch larger than the training set.
    """
    at = run.ready(config, seed, faces_root, sets)
    model = run.initial(config, seed)
    if start:
        model.load_state_dict(start.weights)
    model = precision.placed(model, at.device)

    def terms(model: nn.Module, batch: Batch, epoch: int) -> loop.Terms:
        with at.autocast():
            outputs = model(normalised(batch.images, at.device))
        return {config.objective: at.labelled(outputs, batch)}

    store = run.store(at, checkpoint, faces_root, weights=start.sha256 if start else "")
    label = f"train {checkpoint.name}"
    trained = loop.fit(model, terms, at.batches, at.validate, config, at.steps, store, label)
    learned, first = (start.trained_on, start.run) if start else ((), "")
    return run.finished(at, model, trained.weights, trained.progress, learned, start=first)
