"""Scores of one contestant on all data sets, from files to files."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from thermark.core import files
from thermark.core.errors import DataError
from thermark.core.faces import open_table
from thermark.core.predictions import Predictions
from thermark.core.progress import track
from thermark.core.runs import seed_folders
from thermark.metrics.evaluate import Config, Evaluation, evaluate
from thermark.metrics.names import TEXTS, describe


@dataclass(frozen=True)
class Outputs:
    """Folders of one contestant with a file a data set: `metrics` and `details` JSON, `ced` CSV, `errors` npz."""

    metrics: Path
    details: Path
    ced: Path
    errors: Path


def score_all(
    contestant: str, configs: Mapping[str, Config], faces: Path, reports: Path, predictions: Path, out: Outputs
) -> None:
    """Score a contestant on each data set of `configs` and write the four folders of `out`, all or nothing.

    Reads `faces`/<dataset>/, the fingerprint in `reports`/<dataset>.json, and `predictions`/<dataset>.npz, or
    `predictions`/seed<k>/<dataset>.npz of each seed; the reports also tell which face sets come from the same
    files. Raises DataError for predictions that are missing, of another contestant or made on another version of a
    face set, and what `evaluate` raises.
    """
    with ExitStack() as stack:
        kinds = (out.metrics, out.details, out.ced, out.errors)
        folders = Outputs(*(stack.enter_context(files.fresh_directory(folder)) for folder in kinds))
        for dataset, config in track(configs.items(), len(configs), f"evaluate {contestant}", "data sets"):
            sources = _sources(predictions, dataset)
            said = [Predictions.open(path) for path in sources]
            fingerprint = files.read_json(reports / f"{dataset}.json")["fingerprint"]
            for one in said:
                _require(one, contestant, fingerprint)
            seeded = sources[0].parent != predictions
            related = relatives(dataset, {name for one in said for name in one.trained_on}, reports)
            evaluation = evaluate(
                open_table(faces / dataset), said if seeded else said[0], config, dataset, related
            )
            hashes = [files.sha256(path) for path in sources]
            write(evaluation, hashes, dataset, folders, variants(predictions, dataset))


def relatives(dataset: str, others: Iterable[str], reports: Path) -> frozenset[str]:
    """Return which of the face sets `others` were read from the same files as `dataset`, by their reports' `raw`.

    A face set without a report, or whose report does not say, is not known to be a relative.
    """
    raw = files.read_json(reports / f"{dataset}.json").get("raw")
    known = [name for name in others if name != dataset and (reports / f"{name}.json").is_file()]
    return frozenset(name for name in known if raw and files.read_json(reports / f"{name}.json").get("raw") == raw)


def variants(predictions: Path, dataset: str) -> dict[str, str]:
    """Return variant -> sha256 of `predictions`/<dataset>@<variant>.npz: the same frames in another tone."""
    start = f"{dataset}@"
    found = sorted(path for path in predictions.glob("*.npz") if path.stem.startswith(start))
    return {path.stem.removeprefix(start): files.sha256(path) for path in found}


def write(
    evaluation: Evaluation,
    predictions: Sequence[str],
    dataset: str,
    folders: Outputs,
    variants: Mapping[str, str] | None = None,
) -> None:
    """Write the summary alone, and with all subsets, as JSON, the curve as CSV, per-face errors as npz.

    `predictions` are the sha256 of the files that were scored, in order of their seeds, `variants` those of files
    that others score. The details hold these and that of the npz, so that whoever depends on the details depends
    on all of them: summaries keep six digits only. All files exist, even empty. Raises ConfigError for a metric
    that `names.METRICS` does not explain.
    """
    for name in evaluation.summary.keys() - TEXTS:
        describe(name)
    errors = folders.errors / f"{dataset}.npz"
    files.write_arrays(errors, evaluation.errors)
    content = {"summary": evaluation.summary, "subsets": evaluation.subsets}
    content |= {"predictions": list(predictions), "errors": files.sha256(errors)}
    content |= {"variants": dict(variants)} if variants else {}
    files.write_json(folders.metrics / f"{dataset}.json", evaluation.summary)
    files.write_json(folders.details / f"{dataset}.json", content)
    lines = [f"{x:.6g},{y:.6g}" for x, y in zip(*evaluation.ced.values(), strict=True)]
    files.write_text(folders.ced / f"{dataset}.csv", "\n".join(["error,fraction", *lines]) + "\n")


def _sources(predictions: Path, dataset: str) -> list[Path]:
    """Return the files of predictions on a data set, one a seed, or the one of a contestant without seeds."""
    paths = [folder / f"{dataset}.npz" for folder in seed_folders(predictions) or [predictions]]
    for path in paths:
        if not path.is_file():
            raise DataError(f"{path} is missing", "run `dvc repro` to predict again")
    return paths


def _require(said: Predictions, contestant: str, fingerprint: str) -> None:
    if said.contestant != contestant:
        raise DataError(
            f"predictions of {contestant} say that they are of {said.contestant}",
            "run `dvc repro` to predict again",
        )
    said.require(fingerprint)
