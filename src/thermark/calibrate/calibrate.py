"""`thermark calibrate`: a trained head, adapted to a user's own camera and measured on what it did not see."""

import argparse
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from thermark import landmarks
from thermark.calibrate import labelled, paths, pictures, summary_text
from thermark.calibrate.cross_validation import Bench, Crossed, Fold, answered, crossed, final
from thermark.calibrate.labelled import Cropped, Labelled, Picture
from thermark.calibrate.pictures import Heat
from thermark.calibrate.summary_text import Gain, Number
from thermark.core import files
from thermark.core.bundle import Bundle
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError, Finding
from thermark.core.runs import seed_folder
from thermark.fewshot import cutting, model
from thermark.fewshot.model import HeadCard, HeadModel
from thermark.fewshot.training import Config, Fitted
from thermark.metrics.distances import Floats
from thermark.train.checkpoint import State, contiguous

# A head that knows what it looks for needs less; from scratch, the published recipe.
USUAL = {"epochs": 60, "lr": 1e-3}
FRESH = {"epochs": 120, "lr": 3e-3}


@dataclass(frozen=True)
class Given:
    """The head as given, the bundle of its backbone, and what it learned from if it is a calibration."""

    model: HeadModel
    bundle: Bundle
    learned: dict[str, list[str]]


@dataclass(frozen=True)
class Measured:
    """What the folds showed: before, after and a constant on the same labels, what changed, the best epochs.

    `gain` is after minus before, `better` after minus the constant. `seen`: how many of the pictures the head as
    given had learned from, by which `before` is too good.
    """

    seen: int
    before: dict[str, Number]
    after: dict[str, Number]
    constant: dict[str, Number]
    gain: Gain
    better: Gain
    epochs: tuple[int, ...]


def calibrate(options: argparse.Namespace) -> None:
    """Do what the command line says (`options.describe_calibrate`).

    Raises DataError that names bad labels, or counts pictures that the head has learned from already; and Finding
    when nothing was gained, or a constant does as well, and `force` is not given. Then nothing is written.
    """
    paths.require_free(options.out)
    heat = pictures.heat(options.tone, options.unit)
    seed = paths.only_seed(options.head)
    given = Given(*paths.loaded(seed, options.weights), paths.learned(seed))
    head, weights = given.model, contiguous(given.model.head.state_dict())
    config = settings(options, head)
    read = labelled.read(options.labels, landmarks.load(head.vocabulary).points)
    for note in read.notes:
        print(f"{read.name}: {note}")
    data = labelled.build(read, options.images, heat, partial(cut, head=head))
    seen = pictures_seen(given, data, options.fresh)
    bench = bench_of(head, data)
    begin = None if options.fresh else weights
    runs = (config, options.folds, options.seed, head.backbone.device)
    measured = measure(crossed(bench, weights, begin, *runs), data, seen, options.seed)
    print(told(measured, data, given, options.folds))
    if not (options.force or measured.gain.helps):
        raise Finding(
            f"the folds show no lower error after calibration, so {options.out} is not written",
            "keep the head as it is, label more and other pictures, or add --force",
        )
    if not (options.force or measured.better.helps):
        raise Finding(
            f"the folds show no lower error than that of a constant place, so {options.out} is not written",
            "label more and other pictures, give tighter boxes, or add --force",
        )
    fitted, fold = final(bench, begin, *runs)
    if not options.force:
        _require_no_worse(bench, weights, fitted.weights, fold.val)
    about = account(options, config, measured, data, heat, fitted.best_epoch)
    about["learned"] = learned(options, given, data)
    write(options.out, card_of(options, head, fitted, fold), fitted.weights, given.bundle, about)
    print(f"\n{options.out} is written: `thermark predict --predictor {options.out} --images DIR --out FILE.csv`")


def settings(options: argparse.Namespace, head: HeadModel) -> Config:
    """Return how heads are trained; raises ConfigError for a value out of range."""
    usual = FRESH if options.fresh else USUAL
    told = {name: own for name in usual if (own := getattr(options, name)) is not None}
    try:
        return parse(usual | told | {"sigma": head.card.sigma}, Config, "options")
    except ConfigError as error:
        raise ConfigError(error.cause, "`thermark calibrate --help` says what is usual") from error


def cut(picture: Picture, box: NDArray[np.floating], head: HeadModel) -> Cropped | None:
    """Cut a crop as the head wants it, None where nothing of the picture is in the box."""
    return cutting.cut(picture, box, head.card.geometry, head.card.side, head.padding)


def pictures_seen(given: Given, data: Labelled, fresh: bool) -> int:
    """Return how many of the pictures the head's own calibration learned from.

    Raises DataError when there are any and training begins at that head: then no fold holds them out.
    """
    seen = len({*given.learned["pictures"]} & {*data.contents.tolist()})
    if seen and not fresh:
        raise DataError(
            f"the head as given has learned from {seen} of these {data.pictures} pictures, so they cannot test it",
            "begin at the --head that it was calibrated from, or add --fresh",
        )
    return seen


def bench_of(head: HeadModel, data: Labelled) -> Bench:
    """Run the backbone over all crops, once, and return what heads are trained and measured on."""
    features = head.backbone(data.pixels)
    side = data.pixels.shape[1]

    def answer(weights: State, rows: NDArray[np.int64]) -> Floats:
        return answered(weights, features[torch.from_numpy(rows)], side, head.card.decode, head.card.sigma)

    return Bench(data, features, side, answer)


def measure(result: Crossed, data: Labelled, seen: int, seed: int) -> Measured:
    """Return numbers, intervals and the paired difference of a cross-validation."""
    columns = (result.before, result.after, result.constant)
    before, after, constant = (summary_text.summary(errors, data.groups, seed) for errors in columns)
    gain = summary_text.gained(result.before, result.after, data.names, data.groups, seed)
    better = summary_text.gained(result.constant, result.after, data.names, data.groups, seed)
    return Measured(seen, before, after, constant, gain, better, result.epochs)


def told(measured: Measured, data: Labelled, given: Given, folds: int) -> str:
    """Return what the command prints: what was measured on what, the table, the verdict and its limits."""
    groups = len(np.unique(data.groups))
    lines = [
        f"{len(data)} labels of {given.model.vocabulary} on {data.pictures} pictures in {groups} groups; "
        "errors in px of the pictures, 95 % intervals by group.",
        f"before: the head as given. after: each of {folds} folds by a head that was trained on the others.",
        "constant: the mean place of the labels of those others in the crop, whatever the picture shows.",
        history(measured, given),
        "",
        summary_text.table({"before": measured.before, "after": measured.after, "constant": measured.constant}),
        "",
        summary_text.verdict(measured.gain),
        summary_text.against_constant(measured.better),
    ]
    if groups < summary_text.FEW:
        lines.append(f"Intervals from {groups} groups are too narrow; label {summary_text.FEW} or more.")
    if groups == data.pictures:
        lines.append(
            "Each picture is a group of its own. If some are of one recording, say so in a column `group`, or "
            "these numbers are too good for the next recording."
        )
    return "\n".join(lines)


def history(measured: Measured, given: Given) -> str:
    """Return what the head as given has learned from, and what that does to the numbers."""
    sets = ", ".join(given.model.trained_on) or "no face set that its card names"
    earlier = len(given.learned["pictures"])
    line = f"The head as given has learned from {sets}" + (f" and {earlier} pictures" if earlier else "")
    if measured.seen:
        line += f", {measured.seen} of them among these: before is too good"
    same = " If your pictures are of these sets, the numbers are too good." if given.model.trained_on else ""
    return f"{line}.{same}"


def learned(options: argparse.Namespace, given: Given, data: Labelled) -> dict[str, list[str]]:
    """Return the sha256 of all pictures and labels files that the new head has learned from."""
    earlier: dict[str, list[str]] = {} if options.fresh else given.learned
    own = {"pictures": data.contents.tolist(), "labels": [files.sha256(options.labels)]}
    return {kind: sorted({*names, *earlier.get(kind, [])}) for kind, names in own.items()}


def card_of(options: argparse.Namespace, head: HeadModel, fitted: Fitted, fold: Fold) -> HeadCard:
    """Return the card of the new head."""
    return head.card.model_copy(
        update={
            "labels": len(fold.train),
            "labels_val": len(fold.val),
            "seed": options.seed,
            "best_epoch": fitted.best_epoch,
            "val_error": fitted.val_error,
            "trained_on": [*(head.backbone if options.fresh else head).trained_on],
        }
    )


def account(
    options: argparse.Namespace,
    config: Config,
    measured: Measured,
    data: Labelled,
    heat: Heat | None,
    best_epoch: int,
) -> dict[str, Any]:
    """Return how the predictor came about, as plain data without a clock, a host or a path."""
    return {
        "labels": len(data),
        "pictures": data.pictures,
        "groups": len(np.unique(data.groups)),
        "given_saw": measured.seen,
        "tone": heat.tone.model_dump() if heat else None,
        "unit": heat.unit if heat else None,
        "options": {name: getattr(options, name) for name in ("folds", "seed", "fresh", "force")},
        "training": config.model_dump(),
        "before": summary_text.plain(measured.before),
        "after": summary_text.plain(measured.after),
        "constant": summary_text.plain(measured.constant),
        "better_than_constant": measured.better.helps,
        "difference": asdict(measured.gain)
        | {"verdict": measured.gain.mean.verdict, "helps": measured.gain.helps},
        "best_epochs": [*measured.epochs],
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


def _require_no_worse(bench: Bench, given: State, fitted: State, rows: NDArray[np.int64]) -> None:
    """Raise Finding when the final head errs more than the given one on the labels that picked its epoch."""
    # The median: of so few rows one gross error decides the mean.
    after, before = (float(np.median(bench.errors(weights, rows))) for weights in (fitted, given))
    if not after <= before:
        raise Finding(
            f"on the labels that picked its epoch the final head errs by {after:.2f} px, the given {before:.2f}",
            "choose another --seed, label more pictures, or add --force",
        )
