"""Learning from labels alone, on one or several face sets."""

from collections.abc import Sequence
from pathlib import Path

from torch import nn

from thermark.learn import loop, run
from thermark.learn.data import Batch
from thermark.learn.run import Finished, Run
from thermark.nets.inputs import normalised


def train(config: Run, seed: int, faces_root: Path, checkpoint: Path, sets: Sequence[str]) -> Finished:
    """Train a network with one seed on the faces of `faces_root/<set>`, mixed as they come.

    `checkpoint` is a folder for the state of the run. Raises DataError for absent or empty data and for a loss
    that is not finite, ConfigError for an unknown objective or vocabulary and for a batch larger than the training
    set.
    """
    at = run.ready(config, seed, faces_root, sets)
    model = at.placed(run.initial(config, seed))

    def terms(model: nn.Module, batch: Batch, epoch: int) -> loop.Terms:
        with at.autocast():
            outputs = model(normalised(batch.images, at.device))
        return {config.objective: at.labelled(outputs, batch)}

    store = run.store(at, checkpoint, faces_root)
    label = f"train {checkpoint.name}"
    trained = loop.fit(model, terms, at.batches, at.validate, config, at.steps, store, label)
    return run.finished(at, model, trained.weights, trained.progress)
