"""Scores of all contestants on all data sets, from files to files, on all cores.

What is scored already from the same inputs is not scored again: keys are beside the errors, in KEYS, with the
sums of the files, so that a damaged or absent file is written again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from thermark.core import files
from thermark.core.errors import ThermarkError
from thermark.core.faces import Faces, open_table
from thermark.core.parallel import ordered
from thermark.core.perturbations import NO_PERTURBATIONS, Perturbations
from thermark.core.progress import track
from thermark.core.runs import skipped
from thermark.metrics.evaluate import Config, Evaluation, evaluate
from thermark.metrics.outputs import KEYS, Outputs, remove_unlisted, write, write_headline
from thermark.metrics.score_key import ScorePaths, Task, face_sets, opened, opened_jittered, opened_moved, tasks
from thermark.metrics.scores import Labels, labels

Keys = dict[str, Any]  # data set -> {"key", "files": kind -> sha256}


@dataclass(frozen=True)
class ScoreJob:
    """What has to be scored of a contestant, and the `keys` of its other files."""

    tasks: list[Task]
    keys: Keys
    faces: Path
    out: Outputs


def score_all(
    contestants: Iterable[str],
    configs: Mapping[str, Config],
    paths: ScorePaths,
    out: Outputs,
    headlines: Path,
    code: Mapping[str, Any] | None,
    workers: int | None = None,
    moves: Perturbations = NO_PERTURBATIONS,
) -> None:
    """Bring `out`.<kind>/<contestant>/<dataset> and `headlines`/<contestant>.json up to date.

    `out` holds the folders of all contestants; files of those that are not listed go. `code` is code.json, without
    which everything is scored. `moves`: the data sets on which contestants saw moved boxes or shifted pictures. A
    contestant without predictions is `skipped`, with a reason. Raises DataError for a data set that is not
    prepared; and, after all others are done, the first error of a contestant, whose files stay as they were.
    """
    names = list(dict.fromkeys(contestants))
    sets = face_sets(configs, paths, moves)
    remove_unlisted(out, headlines, names, configs)
    jobs: list[ScoreJob] = []
    broken: dict[str, ThermarkError] = {}
    for name in names:
        try:
            wanted = tasks(name, sets, paths, code)
        except ThermarkError as error:
            broken[name] = error
            continue
        current = _up_to_date(out.of(name), wanted)
        if stale := [task for task in wanted if task.on.dataset not in current]:
            jobs.append(ScoreJob(stale, current, paths.faces, out.of(name)))
    results = ordered(_score, jobs, workers, chunk=1)
    for job, failure in zip(jobs, track(results, len(jobs), "evaluate", "contestants"), strict=True):
        if failure:
            broken[job.tasks[0].contestant] = failure
    for name in names:
        if name not in broken:
            write_headline(_summaries(out.of(name), configs), headlines / f"{name}.json")
    if broken:
        raise _first(broken)


def _up_to_date(folders: Outputs, wanted: Sequence[Task]) -> Keys:
    """Return the keys of the data sets whose files are there, undamaged, and were made from the same inputs."""
    try:
        keys = files.read_json(folders.errors / KEYS)
        return {task.on.dataset: keys[task.on.dataset] for task in wanted if _whole(folders, task, keys)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _whole(folders: Outputs, task: Task, keys: Keys) -> bool:
    stored = keys.get(task.on.dataset)
    if not stored or not task.key or stored["key"] != task.key:
        return False
    paths = folders.files(task.on.dataset)
    return all(path.is_file() for path in paths.values()) and stored["files"] == _sums(paths)


def _sums(paths: Mapping[str, Path]) -> dict[str, str]:
    return {kind: files.sha256(path) for kind, path in paths.items()}


def _score(job: ScoreJob) -> ThermarkError | None:
    """Score a contestant and write its files, all or, with an error, none; return the error."""
    try:
        evaluations = [(task, _evaluated(task, job.faces)) for task in job.tasks]
    except ThermarkError as error:
        return error
    keys = dict(job.keys)
    for task, evaluation in evaluations:
        dataset = task.on.dataset
        write(evaluation, task.sums, dataset, job.out, dict(task.variants))
        keys[dataset] = {"key": task.key, "files": _sums(job.out.files(dataset))}
    files.write_json(job.out.errors / KEYS, keys)
    return None


def _evaluated(task: Task, faces: Path) -> Evaluation:
    predictions, on = opened(task), task.on
    folder, table = faces / on.dataset, faces / on.dataset / "faces.npz"
    if reason := skipped(folder):
        return Evaluation({"status": "skipped", "reason": reason}, {}, {})
    version = f"{on.fingerprint} {table.stat().st_mtime_ns if table.is_file() else 0}"
    # Without predictions there is no need for labels.
    read = _labels(folder, version, on.config.model_dump_json()) if task.sources else None
    kin, others = frozenset(on.relatives), (opened_moved(task), opened_jittered(task))
    return evaluate(_faces(folder, version), predictions, on.config, on.dataset, kin, read, *others)


# The contestants that one process scores share face sets and their translation.
@lru_cache(maxsize=8)
def _faces(folder: Path, version: str) -> Faces:
    return open_table(folder)


@lru_cache(maxsize=8)
def _labels(folder: Path, version: str, config: str) -> Labels:
    settings = Config.model_validate_json(config)
    return labels(_faces(folder, version), settings.vocabulary, settings.bridges)


def _summaries(folders: Outputs, datasets: Iterable[str]) -> dict[str, dict[str, Any]]:
    return {dataset: files.read_json(folders.files(dataset)["scores"]) for dataset in datasets}


def _first(broken: Mapping[str, ThermarkError]) -> ThermarkError:
    """Return the first error, which names its contestant and all others that have one."""
    name, error = next(iter(broken.items()))
    cause = error.cause if name in error.cause else f"{name}: {error.cause}"
    others = [other for other in broken if other != name]
    return type(error)(cause + f" (errors too: {', '.join(others)})" * bool(others), error.remedy)
