"""Distillation from a frozen teacher: the training that the recipes ktl, mcl, kd and tuned constrain."""

from collections.abc import Iterator
from pathlib import Path

import torch

from thermark.core import files, seeds
from thermark.core.errors import ConfigError, DataError
from thermark.core.runs import teacher_folder
from thermark.nets import card
from thermark.nets.card import ModelCard
from thermark.nets.rtmpose import RTMPose
from thermark.train import loop, pairs, precision, run
from thermark.train.data import Samples
from thermark.train.distillation.distillation_config import Config
from thermark.train.distillation.injection import AdaptedStudent
from thermark.train.distillation.terms import weighted
from thermark.train.pairs import PairBatch
from thermark.train.run import Finished, Ready


def train(config: Config, seed: int, faces_root: Path, models_root: Path, checkpoint: Path) -> Finished:
    """Train a student with one seed on `faces_root/<train>`, taught by `models_root/<teacher>/seed<k>`.

    `checkpoint` is a folder for the state of the run. Raises DataError for absent, empty or unpaired data, for an
    absent, damaged or unfit teacher and for a loss that is not finite; ConfigError as `run.ready` does and for a
    teacher that never saw such images as it is `teacher_data`.
    """
    at = run.ready(config, seed, faces_root, [config.train])
    folder = teacher_folder(models_root / config.teacher, seed)
    teacher, about = card.read(folder)
    check(config, at, about)
    teacher_faces, teacher_set = at.faces, run.of_seed(faces_root, config.teacher_data, seed)
    if config.teacher_data != config.train:
        teacher_faces = pairs.partners(faces_root, at.sets[0], at.faces, teacher_set)
    check_modality(config, about, teacher_faces)
    model = assembled(config, seed, teacher)
    start = begin(model.student, teacher, config, about)
    learner = precision.placed(model, at.device)
    frozen = precision.placed(teacher.requires_grad_(False), at.device)

    def batches(epoch: int) -> Iterator[PairBatch]:
        if teacher_faces is at.faces:
            return map(pairs.same, at.batches(epoch))
        return at.built(
            epoch, lambda rows: pairs.assemble(at.faces, teacher_faces, rows, seed, epoch, config.augment)
        )

    def terms(model: AdaptedStudent, batch: PairBatch, epoch: int) -> loop.Terms:
        return weighted(model, frozen, batch, epoch, at, config)

    store = run.store(at, checkpoint, faces_root, [teacher_set], files.sha256(folder / "model.safetensors"))
    label = f"train {checkpoint.name}"
    trained = loop.fit(learner, terms, batches, at.validate, config, at.steps, store, label)
    student = {name: tensor for name, tensor in trained.weights.items() if name.startswith("student.")}
    weights = {name.removeprefix("student."): tensor for name, tensor in student.items()}
    learned = [config.teacher_data, *about.trained_on]
    taught_by = config.teacher if config.lambdas.distilled else ""
    return run.finished(at, model.student, weights, trained.progress, learned, teacher=taught_by, start=start)


def assembled(config: Config, seed: int, teacher: RTMPose) -> AdaptedStudent:
    """Return a random student with the adapters that its terms need, both random by the seed."""
    student = run.initial(config, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.integer("adapters", seed))
        return AdaptedStudent(student, teacher, *adapters(config))


def adapters(config: Config) -> tuple[bool, bool]:
    """Return whether the student's features must fit the teacher's width, and the teacher's the student's."""
    forward, reverse = config.injected
    at_backbone = config.inject_at == "backbone"
    return bool(config.lambdas.fm or (reverse and at_backbone)), bool(forward and at_backbone)


def check(config: Config, at: Ready, about: ModelCard) -> None:
    """Raise DataError unless teacher and student predict the same points of the same image."""
    points = len(at.faces.flip)
    if (about.points, about.vocabulary) != (points, config.vocabulary):
        raise DataError(
            f"{config.teacher} predicts {about.points} points ({about.vocabulary}), its student {points} "
            f"({config.vocabulary})",
            "train or convert a teacher with the student's vocabulary",
        )
    if (about.input_size, about.padding) != (config.input_size, config.padding):
        raise DataError(
            f"{config.teacher} sees {about.padding:g} x the prompt at {about.input_size} px, its student "
            f"{config.padding:g} x at {config.input_size} px",
            "give both the same `input_size` and `padding`",
        )


def check_modality(config: Config, about: ModelCard, teacher_faces: Samples) -> None:
    """Raise ConfigError when a teacher would be shown images of a kind that it never learned from."""
    if config.lambdas.distilled and about.modality != teacher_faces.modality:
        raise ConfigError(
            f"{config.teacher} learned from {about.modality} images and would be shown {config.teacher_data}",
            f"set `teacher_data` to a face set of {about.modality} images",
        )


def begin(student: RTMPose, teacher: RTMPose, config: Config, about: ModelCard) -> str:
    """Give a student its teacher's weights if `start` requires it; return the run they are from, empty for random.

    Raises ConfigError for a teacher of another size.
    """
    if config.start == "random" or (config.start == "auto" and about.size != config.size):
        return ""
    if about.size != config.size:
        raise ConfigError(
            f"a student of size {config.size} cannot start from {config.teacher}, which is of size {about.size}",
            "set `start: random`, or the same size",
        )
    student.load_state_dict(teacher.state_dict())
    return config.teacher
