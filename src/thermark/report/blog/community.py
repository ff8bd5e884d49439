"""Results in the shape of Hugging Face's community evaluations, as files: nothing is sent anywhere.

https://huggingface.co/docs/hub/eval-results; what was not tried is in docs/publishing.md.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # read once, when the client is imported

from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

from thermark.core import files
from thermark.metrics.registry import describe
from thermark.report.blog.post_tables import found_by
from thermark.report.notices import caveat
from thermark.report.number_format import scale, unit
from thermark.report.results.estimates import interval, value
from thermark.report.results.record import Record, ResultSet

FRAMEWORK = "thermark"


def write(folder: Path, sets: Mapping[str, ResultSet], repository: str, date: str, url: str) -> list[Path]:
    """Write `eval.yaml` and `.eval_results/<contestant>.yaml` of each contestant that ran; return their paths.

    `repository` is the data-set repository on the Hub that holds `eval.yaml`; `date` that of the commit and `url`
    the source, both left out where empty.
    """
    written = [folder / "eval.yaml"]
    _dump(written[0], _benchmark(sets))
    names = dict.fromkeys(
        record.contestant for results in sets.values() for record in results.records if record.ran
    )
    for name in names:
        records = {key: record for key, results in sets.items() if (record := results.of(name)) and record.ran}
        entries = [
            _entry(repository, key, metric, sets[key], record, date, url)
            for key, record in records.items()
            for metric in _metrics(sets[key])
            if value(record, metric) is not None
        ]
        written.append(folder / ".eval_results" / f"{found_by(name)}.yaml")
        _dump(written[-1], eval_result_entries_to_yaml(entries))
    return written


def _benchmark(sets: Mapping[str, ResultSet]) -> dict[str, Any]:
    descriptions = [
        f"{results.data_set.title}: {_meaning(metric)}, {direction} is better"
        + (f" ({limitation})" if (limitation := caveat(results.data_set)) else "")
        for results in sets.values()
        for metric in _metrics(results)
        for direction in ["higher" if describe(metric).higher_is_better else "lower"]
    ]
    return {
        "name": "Thermark",
        "description": "Facial landmarks and nostrils on thermal images. " + "; ".join(descriptions) + ".",
        "evaluation_framework": FRAMEWORK,
        "tasks": [
            {"id": task(key, metric), "config": key, "split": results.protocol.split}
            for key, results in sets.items()
            for metric in _metrics(results)
        ],
    }


def task(dataset: str, metric: str) -> str:
    """Return the id of a metric on a data set, in `eval.yaml` and in results."""
    return f"{dataset}_{metric}"


def _metrics(results: ResultSet) -> tuple[str, str]:
    return "found", f"{results.protocol.main}_all"


def _meaning(metric: str) -> str:
    return f"{describe(metric).meaning}, {unit(metric)}"


def _entry(
    repository: str, key: str, metric: str, results: ResultSet, record: Record, date: str, url: str
) -> EvalResultEntry:
    estimate = record.metrics[metric]
    notes = [
        caveat(results.data_set),
        f"95 % interval {interval(record, metric)}",
        f"{estimate.faces} faces of {estimate.subjects} subjects",
        f"{record.seeds} seeds" if record.seeds else "",
        f"learned from: {record.trained_on}",
        f"protocol {results.protocol.id}",
    ]
    return EvalResultEntry(
        dataset_id=repository,
        task_id=task(key, metric),
        value=files.rounded(scale(metric) * (estimate.value or 0.0)),
        date=date or None,
        source_url=url or None,
        source_name="Thermark" if url else None,
        notes="; ".join(filter(None, notes)),
    )


def _dump(path: Path, content: Any) -> None:
    files.write_text(path, yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120))
