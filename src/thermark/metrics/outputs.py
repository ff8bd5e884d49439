"""The files of scores, and those for people, each whole or absent."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thermark.core import files
from thermark.metrics.evaluate import Evaluation
from thermark.metrics.registry import TEXTS, describe
from thermark.metrics.summary import Summary

KEYS = "keys.json"  # beside the errors: from what each file of a contestant was made, and its sum
SUFFIXES = {"scores": ".json", "details": ".json", "errors": ".npz"}
DIGITS = 4  # of a number for people


@dataclass(frozen=True)
class Outputs:
    """Folders of one contestant with a file a data set: `scores` and `details` JSON, `errors` npz."""

    scores: Path
    details: Path
    errors: Path

    def of(self, contestant: str) -> "Outputs":
        """Return the folders of a contestant below these."""
        return Outputs(*(getattr(self, kind) / contestant for kind in SUFFIXES))

    def files(self, dataset: str) -> dict[str, Path]:
        """Return kind -> file of a data set."""
        return {kind: getattr(self, kind) / f"{dataset}{suffix}" for kind, suffix in SUFFIXES.items()}


def write(
    evaluation: Evaluation,
    predictions: Sequence[str],
    dataset: str,
    folders: Outputs,
    variants: Mapping[str, str] | None = None,
) -> None:
    """Write the summary alone, and with all subsets, as JSON, per-face errors as npz.

    `predictions` are the sha256 of the files that were scored, in order of their seeds, `variants` those of files
    that others score. The details hold these and that of the npz, so that a dependency on the details is one on
    all of them (summaries keep six digits only), and the jitter floor. All files exist, even empty.
    Raises ConfigError for a metric that is not in `registry.METRICS`.
    """
    for name in evaluation.summary.keys() - TEXTS:
        describe(name)
    to = folders.files(dataset)
    files.write_arrays(to["errors"], evaluation.errors)
    content = {"summary": evaluation.summary, "subsets": evaluation.subsets}
    content |= {"predictions": list(predictions), "errors": files.sha256(to["errors"])}
    content |= {"landmarks": evaluation.landmarks, "trained_on": list(evaluation.trained_on)}
    content |= {"variants": dict(variants)} if variants else {}
    content |= {"floor": evaluation.floor} if evaluation.floor else {}
    files.write_json(to["scores"], evaluation.summary)
    files.write_json(to["details"], content)


def write_headline(scores: Mapping[str, Summary], path: Path) -> None:
    """Write what people compare of a contestant's `scores`, data set -> summary: few numbers, of few digits.

    Each data set's main metric, and `missed`, the faces missed on all of them; no file without numbers.
    """
    ran = {dataset: summary for dataset, summary in scores.items() if summary["status"] == "ok"}
    if not ran:
        path.unlink(missing_ok=True)
        return
    headline: dict[str, Any] = {
        dataset: {str(summary["metric"]): summary[str(summary["metric"])]}
        for dataset, summary in ran.items()
        if summary["metric"] in summary  # without a found face there is no mean
    }
    headline["missed"] = sum(int(summary["missed"]) for summary in ran.values())
    files.write_json(path, files.rounded(headline, DIGITS))


def relatives(dataset: str, others: Iterable[str], reports: Path) -> frozenset[str]:
    """Return which of the face sets `others` were read from the same files as `dataset`, by their reports' `raw`.

    A face set without a report, or whose report has none, is not known to be a relative.
    """
    raw = files.read_json(reports / f"{dataset}.json").get("raw")
    reported = [name for name in others if name != dataset and (reports / f"{name}.json").is_file()]
    return frozenset(
        name for name in reported if raw and files.read_json(reports / f"{name}.json").get("raw") == raw
    )


def remove_unlisted(
    out: Outputs, headlines: Path, contestants: Collection[str], datasets: Collection[str]
) -> None:
    """Remove files of contestants and data sets that are not listed, and what killed processes left.

    `out` holds the folders of all contestants. Files of other kinds stay: these folders may be mistaken.
    """
    for kind, suffix in SUFFIXES.items():
        for folder in sorted(path for path in getattr(out, kind).glob("*") if path.is_dir()):
            listed = {f"{dataset}{suffix}" for dataset in datasets} | {KEYS}
            _remove(folder, suffix, listed if folder.name in contestants else set())
            if not any(folder.iterdir()):
                folder.rmdir()
    if headlines.is_dir():
        _remove(headlines, ".json", {f"{name}.json" for name in contestants})


def _remove(folder: Path, suffix: str, listed: Collection[str]) -> None:
    for path in folder.iterdir():
        ours = path.suffix == suffix or path.name == KEYS or f"{suffix}.tmp-" in path.name
        if path.is_file() and ours and path.name not in listed:
            path.unlink()
