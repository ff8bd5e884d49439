"""The inputs of the scores of a contestant on a data set, and the key that is a hash of all of them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import scipy

from thermark.core import arithmetic, files
from thermark.core.errors import DataError
from thermark.core.jitter import VARIANT, Jitter
from thermark.core.perturbations import BoxPerturbation, Perturbations
from thermark.core.predictions import Predictions, file_name
from thermark.core.runs import seed_folders, skipped
from thermark.metrics.evaluate import Config
from thermark.metrics.floor import Jittered
from thermark.metrics.outputs import relatives

CODE = ("evaluate", "landmarks", "bridges")  # entries of code.json
ABSENT = "it was not run: there are no predictions"


@dataclass(frozen=True)
class ScorePaths:
    """Folders of earlier stages.

    `faces`/<dataset>/; `reports`/<dataset>.json, whose fingerprint is that of the face set; and
    `predictions`/<contestant>/<dataset>.npz, or `predictions`/<contestant>/seed<k>/<dataset>.npz of each seed.
    """

    faces: Path
    reports: Path
    predictions: Path


@dataclass(frozen=True)
class Scored:
    """A data set and how it is scored; `relatives` are the face sets that were read from the same files.

    `moved`: the variants in which boxes were moved; `jitter`: how pictures were shifted, None where they were not.
    """

    dataset: str
    config: Config
    fingerprint: str
    relatives: tuple[str, ...]
    moved: tuple[str, ...] = ()
    jitter: Jitter | None = None


@dataclass(frozen=True)
class Task:
    """A contestant on a data set.

    `sources`: its predictions, of each seed in order where it is `seeded`, and their `sums`; none for a `reason`.
    `variants`: (variant, sum) of the predictions on the same frames in another tone, which others score, in moved
    boxes, and in shifted pictures. `key`: a hash of all that the scores depend on, empty where the code is not
    known.
    """

    contestant: str
    on: Scored
    sources: tuple[Path, ...]
    sums: tuple[str, ...]
    seeded: bool
    variants: tuple[tuple[str, str], ...]
    reason: str
    key: str


def face_sets(configs: Mapping[str, Config], paths: ScorePaths, moves: Perturbations) -> list[Scored]:
    """Return the data sets that are scored; raises DataError for one that is not prepared."""
    prepared = [path.stem for path in paths.reports.glob("*.json")]
    sets = []
    for dataset, config in configs.items():
        if dataset not in prepared:
            raise DataError(f"the face set {dataset} is not prepared", "run `dvc repro`")
        fingerprint = files.read_json(paths.reports / f"{dataset}.json")["fingerprint"]
        kin = tuple(sorted(relatives(dataset, prepared, paths.reports)))
        variants = moves.get(dataset, {})
        moved = tuple(name for name, move in variants.items() if isinstance(move, BoxPerturbation))
        shifted = next((move for move in variants.values() if isinstance(move, Jitter)), None)
        sets.append(Scored(dataset, config, str(fingerprint), kin, moved, shifted))
    return sets


def tasks(
    contestant: str, sets: Iterable[Scored], paths: ScorePaths, code: Mapping[str, Any] | None
) -> list[Task]:
    """Return what there is to score of a contestant, one task a data set.

    `code` is code.json, None where nothing is known of the code. Raises DataError where predictions of one data
    set or seed are missing; where all are, that is a reason.
    """
    folder = paths.predictions / contestant
    reason = _reason(folder)
    result = []
    for on in sets:
        sources = () if reason else _sources(folder, on.dataset)
        sums = tuple(files.sha256(path) for path in sources)
        seeded = any(path.parent != folder for path in sources)
        variants = tuple(_variants(folder, on.dataset).items())
        about = [on.dataset, on.config.model_dump(mode="json"), on.fingerprint, on.relatives, on.moved]
        about += [asdict(on.jitter)] if on.jitter else []
        key = _key([contestant, about, sums, seeded, variants, reason], code)
        result.append(Task(contestant, on, sources, sums, seeded, variants, reason, key))
    return result


def opened(task: Task) -> Predictions | list[Predictions]:
    """Read the predictions of a contestant without seeds, or those of each seed.

    Raises DataError for those of another contestant or another version of the face set, and for a damaged file.
    """
    if task.reason:
        return Predictions.none(task.contestant, task.on.fingerprint, "skipped", task.reason)
    by_seed = _of_task(task, task.sources)
    return by_seed if task.seeded else by_seed[0]


def opened_moved(task: Task) -> dict[str, list[Predictions]]:
    """Read the predictions of each seed from moved boxes; nothing for a contestant that is given no boxes.

    Raises DataError as `opened`, and where a file is missing.
    """
    return {variant: by_seed for variant in task.on.moved if (by_seed := _variant_predictions(task, variant))}


def opened_jittered(task: Task) -> Jittered | None:
    """Read the predictions of each seed on shifted pictures; None where it was not run on any.

    Raises what `opened_moved` raises.
    """
    by_seed = _variant_predictions(task, VARIANT) if task.on.jitter else []
    return Jittered(task.on.jitter, by_seed) if task.on.jitter and by_seed else None


def _variant_predictions(task: Task, variant: str) -> list[Predictions]:
    """Read the predictions of each seed on a variant; nothing where it could not run."""
    paths = [path.with_name(file_name(task.on.dataset, variant)) for path in task.sources]
    by_seed = _of_task(task, [require_file(path) for path in paths])
    return by_seed if all(one.status == "ok" for one in by_seed) else []


def _of_task(task: Task, paths: Iterable[Path]) -> list[Predictions]:
    by_seed = [_opened(path) for path in paths]
    for one in by_seed:
        if one.contestant != task.contestant:
            raise DataError(
                f"predictions of {task.contestant} say that they are of {one.contestant}",
                "run `dvc repro` to predict again",
            )
        one.require(task.on.fingerprint)
    return by_seed


def _opened(path: Path) -> Predictions:
    try:
        return Predictions.open(path)
    except (BadZipFile, ValueError, EOFError, KeyError) as error:
        raise DataError(f"{path} is damaged: {error}", "run `dvc repro` to predict again") from error


def _reason(folder: Path) -> str:
    """Return why there are no predictions at all, nothing where there are."""
    if not folder.is_dir():
        return ABSENT
    return skipped(folder) or ""


def _sources(folder: Path, dataset: str) -> tuple[Path, ...]:
    """Return the files of predictions on a data set, one a seed, or the one of a contestant without seeds."""
    return tuple(require_file(seed / file_name(dataset)) for seed in seed_folders(folder) or [folder])


def require_file(path: Path) -> Path:
    """Return a path of predictions; raises DataError when nothing lies there."""
    if not path.is_file():
        raise DataError(f"{path} is missing", "run `dvc repro` to predict again")
    return path


def _variants(folder: Path, dataset: str) -> dict[str, str]:
    """Return [seed<k>/]<variant> -> sha256 of the predictions on the same frames in another tone."""
    start = f"{dataset}@"
    folders = seed_folders(folder) or [folder]
    paths = sorted(path for seed in folders for path in seed.glob("*.npz") if path.stem.startswith(start))
    return {_name(path, folder).replace(start, ""): files.sha256(path) for path in paths}


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).with_suffix("").as_posix()


def _key(content: list[Any], code: Mapping[str, Any] | None) -> str:
    """Return a hash of what scores depend on, an empty one without the code."""
    if code is None:
        return ""
    entries = {name: code[name] for name in CODE if name in code}
    whole = [content, entries, np.__version__, scipy.__version__, arithmetic.mode()]
    return sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
