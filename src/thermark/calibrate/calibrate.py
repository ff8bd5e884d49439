"""`thermark calibrate`: a trained head, adapted to a user's own camera and measured on what it did not see."""

import argparse
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark import landmarks
from thermark.calibrate import labelled, paths, pictures, summary_text
from thermark.calibrate.cross_validation import (
    CrossValidation,
    Fold,
    Trainer,
    cross_validate,
    final,
)
from thermark.calibrate.labelled import Cropped, LabelledCrops, Picture
from thermark.calibrate.pictures import ThermalTone
from thermark.calibrate.summary_text import Improvement, Number
from thermark.core import files
from thermark.core.bundle import Bundle
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError, Finding
from thermark.core.runs import seed_folder
from thermark.fewshot import cutting, model
from thermark.fewshot.model import HeadCard, HeadModel
from thermark.fewshot.training import Config
from thermark.train.checkpoint import State, contiguous
from thermark.train.loop import Trained

# A head that knows what it looks for needs less; from scratch, the published recipe.
USUAL = {"epochs": 60, "lr": 1e-3}
FRESH = {"epochs": 120, "lr": 3e-3}


@dataclass(frozen=True)
class InitialHead:
    """The head as given, the bundle of its backbone, and what it learned from if it is a calibration."""

    model: HeadModel
    bundle: Bundle
    learned: dict[str, list[str]]


@dataclass(frozen=True)
class Results:
    """What the folds showed: before, after and a constant on the same labels, what changed, the best epochs.

    `gain` is after minus before, `better` after minus the constant. `seen`: how many of the pictures the head as
    given had learned from, by which `before` is too good.
    """

    seen: int
    before: dict[str, Number]
    after: dict[str, Number]
    constant: dict[str, Number]
    gain: Improvement
    better: Improvement
    epochs: tuple[int, ...]


def calibrate(options: argparse.Namespace) -> None:
    """Run the command with its options (`options.describe_calibrate`).

    Raises DataError that names bad labels, or counts pictures that the head has learned from already; and Finding
    when nothing was gained, or a constant does as well, and `force` is not given. Then nothing is written.
    """
    paths.require_free(options.out)
    heat = pictures.heat(options.tone, options.unit)
    seed = paths.only_seed(options.head)
    initial = InitialHead(*paths.loaded(seed, options.weights), paths.learned(seed))
    head, weights = initial.model, contiguous(initial.model.head.state_dict())
    config = settings(options, head)
    read = labelled.read(options.labels, landmarks.load(head.vocabulary).points)
    for note in read.notes:
        print(f"{read.name}: {note}")
    data = labelled.build(read, options.images, heat, partial(cut, head=head))
    seen = pictures_seen(initial, data, options.fresh)
    begin, decode = None if options.fresh else weights, head.card.decode
    trainer = Trainer(data, head.backbone(data.pixels), begin, config, options.folds, options.seed, decode)
    results = measure(cross_validate(trainer, weights), data, seen, options.seed)
    print(result_text(results, data, initial, options.folds))
    if not (options.force or results.gain.helps):
        raise Finding(
            f"the folds show no lower error after calibration, so {options.out} is not written",
            "keep the head as it is, label more and other pictures, or add --force",
        )
    if not (options.force or results.better.helps):
        raise Finding(
            f"the folds show no lower error than that of a constant place, so {options.out} is not written",
            "label more and other pictures, give tighter boxes, or add --force",
        )
    fitted, fold = final(trainer)
    if not options.force:
        _require_no_worse(trainer, weights, fitted.weights, fold.val)
    about = account(options, config, results, data, heat, fitted.progress.best_epoch)
    about["learned"] = learned(options, initial, data)
    write(options.out, card_of(options, head, fitted, fold), fitted.weights, initial.bundle, about)
    print(f"\n{options.out} is written: `thermark predict --predictor {options.out} --images DIR --out FILE.csv`")


def settings(options: argparse.Namespace, head: HeadModel) -> Config:
    """Return how heads are trained; raises ConfigError for a value out of range."""
    usual = FRESH if options.fresh else USUAL
    chosen = {name: value for name in usual if (value := getattr(options, name)) is not None}
    try:
        return parse(usual | chosen | {"sigma": head.card.sigma}, Config, "options")
    except ConfigError as error:
        raise ConfigError(error.cause, "`thermark calibrate --help` says what is usual") from error


def cut(picture: Picture, box: NDArray[np.floating], head: HeadModel) -> Cropped | None:
    """Cut a crop as the head wants it, None where nothing of the picture is in the box."""
    return cutting.cut(picture, box, head.card.geometry, head.card.side, head.padding)


def pictures_seen(initial: InitialHead, data: LabelledCrops, fresh: bool) -> int:
    """Return how many of the pictures the head's own calibration learned from.

    Raises DataError when there are any and training begins at that head: then no fold holds them out.
    """
    seen = len({*initial.learned["pictures"]} & {*data.contents.tolist()})
    if seen and not fresh:
        raise DataError(
            f"the head as given has learned from {seen} of these {data.pictures} pictures, so they cannot test it",
            "begin at the --head that it was calibrated from, or add --fresh",
        )
    return seen


def measure(result: CrossValidation, data: LabelledCrops, seen: int, seed: int) -> Results:
    """Return numbers, intervals and the paired difference of a cross-validation."""
    columns = (result.before, result.after, result.constant)
    before, after, constant = (summary_text.summary(errors, data.groups, seed) for errors in columns)
    gain = summary_text.paired_gain(result.before, result.after, data.names, data.groups, seed)
    better = summary_text.paired_gain(result.constant, result.after, data.names, data.groups, seed)
    return Results(seen, before, after, constant, gain, better, result.epochs)


def result_text(results: Results, data: LabelledCrops, initial: InitialHead, folds: int) -> str:
    """Return what the command prints: what was measured on what, the table, the verdict and its limits."""
    groups = len(np.unique(data.groups))
    lines = [
        f"{len(data)} labels of {initial.model.vocabulary} on {data.pictures} pictures in {groups} groups; "
        "errors in px of the pictures, 95 % intervals by group.",
        f"before: the head as given. after: each of {folds} folds by a head that was trained on the others.",
        "constant: the mean place of the labels of those others in the crop, whatever the picture shows.",
        history(results, initial),
        "",
        summary_text.table({"before": results.before, "after": results.after, "constant": results.constant}),
        "",
        summary_text.verdict(results.gain),
        summary_text.constant_verdict(results.better),
    ]
    if groups < summary_text.FEW:
        lines.append(f"Intervals from {groups} groups are too narrow; label {summary_text.FEW} or more.")
    if groups == data.pictures:
        lines.append(
            "Each picture is a group of its own. If some are of one recording, say so in a column `group`, or "
            "these numbers are too good for the next recording."
        )
    return "\n".join(lines)


def history(results: Results, initial: InitialHead) -> str:
    """Return what the head as given has learned from, and what that does to the numbers."""
    sets = ", ".join(initial.model.trained_on) or "no face set that its card names"
    earlier = len(initial.learned["pictures"])
    line = f"The head as given has learned from {sets}" + (f" and {earlier} pictures" if earlier else "")
    if results.seen:
        line += f", {results.seen} of them among these: before is too good"
    same = " If your pictures are of these sets, the numbers are too good." if initial.model.trained_on else ""
    return f"{line}.{same}"


def learned(options: argparse.Namespace, initial: InitialHead, data: LabelledCrops) -> dict[str, list[str]]:
    """Return the sha256 of all pictures and labels files that the new head has learned from."""
    earlier: dict[str, list[str]] = {} if options.fresh else initial.learned
    learned_now = {"pictures": data.contents.tolist(), "labels": [files.sha256(options.labels)]}
    return {kind: sorted({*names, *earlier.get(kind, [])}) for kind, names in learned_now.items()}


def card_of(options: argparse.Namespace, head: HeadModel, fitted: Trained, fold: Fold) -> HeadCard:
    """Return the card of the new head."""
    return head.card.model_copy(
        update={
            "labels": len(fold.train),
            "labels_val": len(fold.val),
            "seed": options.seed,
            "best_epoch": fitted.progress.best_epoch,
            "val_error": fitted.progress.best,
            "trained_on": [*(head.backbone if options.fresh else head).trained_on],
        }
    )


def account(
    options: argparse.Namespace,
    config: Config,
    results: Results,
    data: LabelledCrops,
    heat: ThermalTone | None,
    best_epoch: int,
) -> dict[str, Any]:
    """Return how the predictor came about, as plain data without a clock, a host or a path."""
    return {
        "labels": len(data),
        "pictures": data.pictures,
        "groups": len(np.unique(data.groups)),
        "given_saw": results.seen,
        "tone": heat.tone.model_dump() if heat else None,
        "unit": heat.unit if heat else None,
        "options": {name: getattr(options, name) for name in ("folds", "seed", "fresh", "force")},
        "training": config.model_dump(),
        "before": summary_text.plain(results.before),
        "after": summary_text.plain(results.after),
        "constant": summary_text.plain(results.constant),
        "better_than_constant": results.better.helps,
        "difference": asdict(results.gain) | {"verdict": results.gain.mean.verdict, "helps": results.gain.helps},
        "best_epochs": [*results.epochs],
        "best_epoch": best_epoch,
    }


def write(out: Path, card: HeadCard, weights: State, backbone: Bundle, about: dict[str, Any]) -> None:
    """Write the predictor: seed0, the backbone and the account, whole or not at all."""
    with files.fresh_directory(out) as whole:
        seed = seed_folder(whole, 0)
        seed.mkdir()
        model.write(seed, card, weights)
        paths.copy(backbone, whole / paths.BACKBONE)
        files.write_json(whole / paths.ACCOUNT, about)


def _require_no_worse(trainer: Trainer, given: State, fitted: State, rows: NDArray[np.int64]) -> None:
    """Raise Finding when the final head errs more than the given one on the labels that picked its epoch."""
    # The median: of so few rows one gross error decides the mean.
    after, before = (float(np.median(trainer.errors(weights, rows))) for weights in (fitted, given))
    if not after <= before:
        raise Finding(
            f"on the labels that picked its epoch the final head errs by {after:.2f} px, the given {before:.2f}",
            "choose another --seed, label more pictures, or add --force",
        )
